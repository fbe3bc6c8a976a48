#include "wsol/metrics/protocol_frame.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opencv2/core.hpp"
#include "vision/base/status_util.h"
#include "vision/image/resize_map.h"

namespace wsol {
namespace {

// int(c * new_size / size) of the protocol: the quotient of small integers
// never rounds up to the next one, so integers give the same.
int ScaleCoordinate(int coordinate, int size, int new_size) {
  return static_cast<int>(static_cast<int64_t>(coordinate) * new_size / size);
}

// round(c * size / 224), halves up.
int EdgeFromFrame(int edge, int size) {
  return static_cast<int>((2 * static_cast<int64_t>(edge) * size + kFrameSize) /
                          (2 * kFrameSize));
}

}  // namespace

absl::Status ValidateTauInterval(double interval) {
  if (!(interval > 0 && interval < 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tau interval: got ", interval, ", expected a number in (0, 1)"));
  }
  const double last = (std::ceil(1 / interval) - 1) * interval;
  if (last >= 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tau interval: got ", interval, ", whose last threshold rounds to ",
        last, ", expected all thresholds below 1"));
  }
  return absl::OkStatus();
}

std::vector<double> TauList(double interval) {
  std::vector<double> taus(static_cast<size_t>(std::ceil(1 / interval)));
  for (size_t i = 0; i < taus.size(); ++i) {
    taus[i] = static_cast<double>(i) * interval;
  }
  return taus;
}

int LevelOfTau(double tau, int max_byte) {
  return static_cast<int>(std::min(tau * max_byte, 255.0));
}

absl::Status CheckScoreMap(const cv::Mat& map) {
  if (map.empty() || map.dims != 2) {
    return absl::InvalidArgumentError("score map: expected a map, got none");
  }
  if (map.type() != CV_64FC1) {
    return absl::InvalidArgumentError(
        absl::StrCat("score map: got OpenCV type ", map.type(),
                     ", expected CV_64FC1 (", CV_64FC1, ")"));
  }
  const auto is_bad = [](double v) { return !(v >= 0 && v <= 1); };  // NaN too.
  for (int y = 0; y < map.rows; ++y) {
    const double* const row = map.ptr<double>(y);
    int num_bad = 0;  // Without a branch: vector code.
    for (int x = 0; x < map.cols; ++x) num_bad += is_bad(row[x]);
    if (num_bad == 0) continue;
    const int x =
        static_cast<int>(std::find_if(row, row + map.cols, is_bad) - row);
    return absl::InvalidArgumentError(
        absl::StrFormat("score map: got %.17g at x = %d, y = %d, expected a "
                        "value in [0, 1]",
                        row[x], x, y));
  }
  return absl::OkStatus();
}

absl::Status CheckFrameScoreMap(const cv::Mat& map) {
  VISION_RETURN_IF_ERROR(CheckScoreMap(map));
  if (map.cols != kFrameSize || map.rows != kFrameSize) {
    return absl::InvalidArgumentError(absl::StrCat(
        "score map: got ", map.cols, " x ", map.rows,
        " pixels, expected the protocol's ", kFrameSize, " x ", kFrameSize));
  }
  return absl::OkStatus();
}

absl::Status CheckMask(const cv::Mat& mask, int width, int height) {
  if (mask.type() != CV_8UC1 || mask.dims != 2 || mask.cols != width ||
      mask.rows != height) {
    return absl::InvalidArgumentError(
        absl::StrCat("mask: got ", mask.cols, " x ", mask.rows,
                     " pixels of OpenCV type ", mask.type(), ", expected ",
                     width, " x ", height, " of CV_8UC1 (", CV_8UC1, ")"));
  }
  const auto is_bad = [](uint8_t label) {
    return static_cast<uint8_t>(label + 1) > kForegroundLabel + 1;
  };
  for (int y = 0; y < mask.rows; ++y) {
    const uint8_t* const row = mask.ptr<uint8_t>(y);
    uint8_t any_bad = 0;  // Without a branch: vector code.
    for (int x = 0; x < mask.cols; ++x) {
      any_bad = static_cast<uint8_t>(any_bad | (is_bad(row[x]) ? 1 : 0));
    }
    if (any_bad == 0) continue;
    const int x =
        static_cast<int>(std::find_if(row, row + mask.cols, is_bad) - row);
    return absl::InvalidArgumentError(absl::StrCat("mask: got label ", row[x],
                                                   " at x = ", x, ", y = ", y,
                                                   ", expected 0, 1 or 255"));
  }
  return absl::OkStatus();
}

absl::Status CheckFrameMask(const cv::Mat& mask) {
  return CheckMask(mask, kFrameSize, kFrameSize);
}

cv::Mat QuantizeScoreMap(const cv::Mat& map) {
  cv::Mat bytes(map.rows, map.cols, CV_8UC1);
  for (int y = 0; y < map.rows; ++y) {
    const double* const from = map.ptr<double>(y);
    uint8_t* const to = bytes.ptr<uint8_t>(y);
    for (int x = 0; x < map.cols; ++x) {
      to[x] = static_cast<uint8_t>(static_cast<int>(from[x] * 255));
    }
  }
  return bytes;
}

vision::Box ProtocolBox(const vision::Box& tight, int width, int height) {
  return {tight.x0, tight.y0, std::min(tight.x1 + 1, width),
          std::min(tight.y1 + 1, height)};
}

vision::Box ScaleBox(const vision::Box& box, int width, int height,
                     int new_width, int new_height) {
  return {ScaleCoordinate(box.x0, width, new_width),
          ScaleCoordinate(box.y0, height, new_height),
          ScaleCoordinate(box.x1 - 1, width, new_width) + 1,
          ScaleCoordinate(box.y1 - 1, height, new_height) + 1};
}

absl::StatusOr<vision::Box> BoxToFrame(const vision::Box& box, int width,
                                       int height) {
  if (box.IsEmpty() || box.x0 < 0 || box.y0 < 0 || box.x1 > width + 1 ||
      box.y1 > height + 1) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "ground-truth box: got [%d, %d) x [%d, %d), expected at least one "
        "pixel, all within the image of %d x %d pixels",
        box.x0, box.x1, box.y0, box.y1, width, height));
  }
  return ScaleBox(box, width, height, kFrameSize, kFrameSize);
}

vision::Box BoxFromFrame(const vision::Box& box, int width, int height) {
  vision::Box result{
      EdgeFromFrame(box.x0, width), EdgeFromFrame(box.y0, height),
      EdgeFromFrame(box.x1, width), EdgeFromFrame(box.y1, height)};
  result.x0 = std::min(result.x0, width - 1);
  result.y0 = std::min(result.y0, height - 1);
  result.x1 = std::max(result.x1, result.x0 + 1);
  result.y1 = std::max(result.y1, result.y0 + 1);
  return result;
}

absl::StatusOr<cv::Mat> MakeFrameMask(absl::Span<const cv::Mat> instances,
                                      const cv::Mat& ignore) {
  if (instances.empty()) {
    return absl::InvalidArgumentError(
        "mask: got no instance, expected at least one");
  }
  cv::Mat labels(kFrameSize, kFrameSize, CV_8UC1, cv::Scalar(kBackgroundLabel));
  if (!ignore.empty()) {
    VISION_ASSIGN_OR_RETURN(
        const cv::Mat frame,
        vision::ResizeMaskNearest(ignore, kFrameSize, kFrameSize));
    labels.setTo(kIgnoredLabel, frame != 0);
  }
  for (const cv::Mat& instance : instances) {
    VISION_ASSIGN_OR_RETURN(
        const cv::Mat frame,
        vision::ResizeMaskNearest(instance, kFrameSize, kFrameSize));
    labels.setTo(kForegroundLabel, frame != 0);
  }
  return labels;
}

}  // namespace wsol
