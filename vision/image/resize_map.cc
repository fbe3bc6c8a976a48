#include "vision/image/resize_map.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "vision/base/status_util.h"
#include "vision/image/opencv_status.h"

namespace vision {
namespace {

absl::Status CheckArguments(const cv::Mat& matrix, bool type_ok,
                            absl::string_view expected, int width, int height) {
  if (matrix.empty() || matrix.dims != 2 || !type_ok) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot resize a ", matrix.cols, "x", matrix.rows, " matrix of type ",
        cv::typeToString(matrix.type()), ", expected a non-empty ", expected));
  }
  if (width < 1 || height < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot resize a map or mask to ", width, "x", height,
                     ", expected positive sizes"));
  }
  return absl::OkStatus();
}

// A target pixel is low_weight * source[low] + high_weight * source[high].
template <typename T>
struct Sample {
  int low = 0;
  int high = 0;
  T low_weight = 0;
  T high_weight = 0;
};

template <typename T>
std::vector<Sample<T>> ComputeSamples(int source, int target) {
  const T scale = static_cast<T>(source) / static_cast<T>(target);
  std::vector<Sample<T>> samples(target);
  for (int i = 0; i < target; ++i) {
    const T position =
        source == target
            ? static_cast<T>(i)
            : std::max(scale * (static_cast<T>(i) + T(0.5)) - T(0.5), T(0));
    Sample<T>& sample = samples[i];
    sample.low = std::min(static_cast<int>(position), source - 1);
    sample.high_weight = position - static_cast<T>(sample.low);
    sample.low_weight = T(1) - sample.high_weight;
    // A neighbour of weight zero is not read: 0 * NaN would be NaN.
    const bool has_neighbour =
        sample.high_weight > 0 && sample.low + 1 < source;
    sample.high = has_neighbour ? sample.low + 1 : sample.low;
  }
  return samples;
}

template <typename T>
cv::Mat ResizeBilinear(const cv::Mat& map, int width, int height) {
  const std::vector<Sample<T>> columns = ComputeSamples<T>(map.cols, width);
  const std::vector<Sample<T>> rows = ComputeSamples<T>(map.rows, height);
  // Two source rows at the target's width; those of target rows come in order,
  // so enlarging interpolates each source row once.
  std::vector<T> low(width);
  std::vector<T> high(width);
  int low_row = -1;
  int high_row = -1;
  const auto interpolate = [&](int row, std::vector<T>& out) {
    const T* in = map.ptr<T>(row);
    for (int x = 0; x < width; ++x) {
      const Sample<T>& s = columns[x];
      out[x] = s.low_weight * in[s.low] + s.high_weight * in[s.high];
    }
  };
  cv::Mat result(height, width, map.type());
  for (int y = 0; y < height; ++y) {
    const Sample<T>& s = rows[y];
    if (s.low == high_row && s.low != low_row) {
      std::swap(low, high);
      std::swap(low_row, high_row);
    }
    if (s.low != low_row) interpolate(low_row = s.low, low);
    if (s.high != high_row) interpolate(high_row = s.high, high);
    T* out = result.ptr<T>(y);
    for (int x = 0; x < width; ++x) {
      out[x] = s.low_weight * low[x] + s.high_weight * high[x];
    }
  }
  return result;
}

std::vector<int> NearestIndices(int source, int target) {
  const double scale =
      1.0 / (static_cast<double>(target) / static_cast<double>(source));
  std::vector<int> indices(target);
  for (int i = 0; i < target; ++i) {
    indices[i] =
        static_cast<int>(std::min(std::floor(i * scale), source - 1.0));
  }
  return indices;
}

cv::Mat PickNearest(const cv::Mat& mask, int width, int height) {
  const std::vector<int> columns = NearestIndices(mask.cols, width);
  const std::vector<int> rows = NearestIndices(mask.rows, height);
  cv::Mat result(height, width, CV_8UC1);
  for (int y = 0; y < height; ++y) {
    const uint8_t* in = mask.ptr<uint8_t>(rows[y]);
    uint8_t* out = result.ptr<uint8_t>(y);
    for (int x = 0; x < width; ++x) out[x] = in[columns[x]];
  }
  return result;
}

}  // namespace

absl::StatusOr<cv::Mat> ResizeMapBilinear(const cv::Mat& map, int width,
                                          int height) {
  VISION_RETURN_IF_ERROR(
      CheckArguments(map, map.type() == CV_32FC1 || map.type() == CV_64FC1,
                     "CV_32FC1 or CV_64FC1", width, height));
  return CallOpencv("resizing a map", [&] {
    return map.type() == CV_32FC1 ? ResizeBilinear<float>(map, width, height)
                                  : ResizeBilinear<double>(map, width, height);
  });
}

absl::StatusOr<cv::Mat> ResizeMaskNearest(const cv::Mat& mask, int width,
                                          int height) {
  VISION_RETURN_IF_ERROR(
      CheckArguments(mask, mask.type() == CV_8UC1, "CV_8UC1", width, height));
  return CallOpencv("resizing a mask",
                    [&] { return PickNearest(mask, width, height); });
}

}  // namespace vision
