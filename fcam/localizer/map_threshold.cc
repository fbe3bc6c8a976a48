#include "fcam/localizer/map_threshold.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "fcam/seeds/otsu.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "vision/image/opencv_status.h"
#include "wsol/metrics/protocol_frame.h"

namespace fcam {
namespace {

absl::Status CheckMap(const cv::Mat& map) {
  if (map.empty() || map.dims != 2 || map.type() != CV_32FC1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the map is ", cv::typeToString(map.type()), ", ", map.cols, "x",
        map.rows, " pixels, expected CV_32FC1 and at least one pixel"));
  }
  return absl::OkStatus();
}

cv::Mat ToBytes(const cv::Mat& map) {
  cv::Mat bytes(map.size(), CV_8UC1);
  for (int y = 0; y < map.rows; ++y) {
    const float* const in = map.ptr<float>(y);
    uint8_t* const out = bytes.ptr<uint8_t>(y);
    for (int x = 0; x < map.cols; ++x) {
      // In double, as the protocol; !(v > 0) holds for NaN too.
      const double value = in[x];
      out[x] =
          !(value > 0) ? 0 : static_cast<uint8_t>(std::min(value, 1.) * 255);
    }
  }
  return bytes;
}

ThresholdedMap Split(const cv::Mat& bytes, int level) {
  ThresholdedMap result;
  result.mask = bytes > level;
  result.level = level;
  return result;
}

}  // namespace

absl::StatusOr<Threshold> ParseThreshold(absl::string_view text) {
  Threshold threshold;
  if (text == "auto") return threshold;
  if (text == "val") {
    threshold.rule = ThresholdRule::kValidation;
    return threshold;
  }
  if (text == "otsu") {
    threshold.rule = ThresholdRule::kOtsu;
    return threshold;
  }
  threshold.rule = ThresholdRule::kFixed;
  if (!absl::SimpleAtod(text, &threshold.tau) ||
      !(threshold.tau >= 0 && threshold.tau < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("threshold: got \"", text,
                     "\", expected auto, val, otsu or a number in [0, 1)"));
  }
  return threshold;
}

std::string ThresholdText(const Threshold& threshold) {
  switch (threshold.rule) {
    case ThresholdRule::kAuto:
      return "auto";
    case ThresholdRule::kValidation:
      return "val";
    case ThresholdRule::kOtsu:
      return "otsu";
    case ThresholdRule::kFixed:
      break;
  }
  return absl::StrCat(threshold.tau);
}

absl::StatusOr<ThresholdedMap> ThresholdMap(const cv::Mat& map, double tau) {
  VISION_RETURN_IF_ERROR(CheckMap(map));
  if (!(tau >= 0 && tau < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("tau: got ", tau, ", expected a number in [0, 1)"));
  }
  return vision::CallOpencv(
      "thresholding a map", [&]() -> absl::StatusOr<ThresholdedMap> {
        const cv::Mat bytes = ToBytes(map);
        double max_byte = 0;
        cv::minMaxLoc(bytes, nullptr, &max_byte);
        ThresholdedMap result =
            Split(bytes, wsol::LevelOfTau(tau, static_cast<int>(max_byte)));
        result.tau = tau;
        return result;
      });
}

absl::StatusOr<ThresholdedMap> OtsuThresholdMap(const cv::Mat& map) {
  VISION_RETURN_IF_ERROR(CheckMap(map));
  return vision::CallOpencv(
      "thresholding a map", [&]() -> absl::StatusOr<ThresholdedMap> {
        const cv::Mat bytes = ToBytes(map);
        const ByteHistogram histogram = CountBytes(
            absl::MakeConstSpan(bytes.ptr<uint8_t>(), bytes.total()));
        ThresholdedMap result = Split(bytes, OtsuThreshold(histogram));
        int max_byte = 255;
        while (max_byte > 0 && histogram[static_cast<size_t>(max_byte)] == 0) {
          --max_byte;
        }
        // Half a level up, so that rounding cannot lead to the level below.
        if (result.level < max_byte) {
          result.tau = (result.level + 0.5) / max_byte;
        }
        return result;
      });
}

absl::StatusOr<BoxSelection> ParseBoxSelection(absl::string_view text) {
  for (const BoxSelection selection :
       {BoxSelection::kLargest, BoxSelection::kAll}) {
    if (text == BoxSelectionName(selection)) return selection;
  }
  return vision::UnknownNameError("choice of boxes", text, {"largest", "all"});
}

absl::string_view BoxSelectionName(BoxSelection selection) {
  return selection == BoxSelection::kLargest ? "largest" : "all";
}

absl::StatusOr<std::vector<ScoredBox>> FindBoxes(const cv::Mat& mask,
                                                 const cv::Mat& map,
                                                 BoxSelection selection,
                                                 double min_fraction) {
  VISION_RETURN_IF_ERROR(CheckMap(map));
  if (mask.type() != CV_8UC1 || mask.size() != map.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the mask is ", cv::typeToString(mask.type()), ", ", mask.cols, "x",
        mask.rows, " pixels, expected CV_8UC1, ", map.cols, "x", map.rows));
  }
  if (!(min_fraction >= 0 && min_fraction <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the least share of an image's pixels is ", min_fraction,
                     ", expected a number in [0, 1]"));
  }
  return vision::CallOpencv(
      "components of a mask", [&]() -> absl::StatusOr<std::vector<ScoredBox>> {
        cv::Mat labels, stats, centroids;
        const int count = cv::connectedComponentsWithStats(
            mask, labels, stats, centroids, /*connectivity=*/8, CV_32S);
        struct Component {
          double sum = 0;
          int64_t first = -1;  // Pixel in raster order.
        };
        std::vector<Component> components(static_cast<size_t>(count));
        for (int y = 0; y < map.rows; ++y) {
          const int* const label = labels.ptr<int>(y);
          const float* const value = map.ptr<float>(y);
          for (int x = 0; x < map.cols; ++x) {
            Component& component = components[static_cast<size_t>(label[x])];
            component.sum += value[x];
            if (component.first < 0) {
              component.first = static_cast<int64_t>(y) * map.cols + x;
            }
          }
        }
        // OpenCV labels blocks of pixels, so that labels need not be in raster
        // order.
        std::vector<int> order(static_cast<size_t>(count - 1));
        std::iota(order.begin(), order.end(), 1);  // 0 is the background.
        std::sort(order.begin(), order.end(), [&](int a, int b) {
          const int a_pixels = stats.at<int>(a, cv::CC_STAT_AREA);
          const int b_pixels = stats.at<int>(b, cv::CC_STAT_AREA);
          if (a_pixels != b_pixels) return a_pixels > b_pixels;
          return components[static_cast<size_t>(a)].first <
                 components[static_cast<size_t>(b)].first;
        });
        if (selection == BoxSelection::kLargest && order.size() > 1) {
          order.resize(1);
        }
        std::vector<ScoredBox> boxes;
        const double min_pixels =
            min_fraction * static_cast<double>(map.total());
        for (const int i : order) {
          ScoredBox box;
          box.pixels = stats.at<int>(i, cv::CC_STAT_AREA);
          if (static_cast<double>(box.pixels) < min_pixels) break;
          box.box.x0 = stats.at<int>(i, cv::CC_STAT_LEFT);
          box.box.y0 = stats.at<int>(i, cv::CC_STAT_TOP);
          box.box.x1 = box.box.x0 + stats.at<int>(i, cv::CC_STAT_WIDTH);
          box.box.y1 = box.box.y0 + stats.at<int>(i, cv::CC_STAT_HEIGHT);
          box.score = std::clamp(components[static_cast<size_t>(i)].sum /
                                     static_cast<double>(box.pixels),
                                 0., 1.);
          boxes.push_back(box);
        }
        return boxes;
      });
}

}  // namespace fcam
