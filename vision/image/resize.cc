#include "vision/image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "vision/image/opencv_status.h"
#include "vision/image/resize_kernels.h"

namespace vision {
namespace {

constexpr ResizeFilter kFilters[] = {ResizeFilter::kNearest, ResizeFilter::kBox,
                                     ResizeFilter::kBilinear,
                                     ResizeFilter::kBicubic};

using internal::AxisWeights;

// Keeps the number of taps, up to four times the size, far inside an int.
constexpr int kMaxSize = 1 << 24;

// Half the width of a filter's support, in pixels.
double SupportOf(ResizeFilter filter) {
  switch (filter) {
    case ResizeFilter::kNearest:
      return 0;
    case ResizeFilter::kBox:
      return 0.5;
    case ResizeFilter::kBilinear:
      return 1;
    case ResizeFilter::kBicubic:
      return 2;
  }
  return 0;
}

double Evaluate(ResizeFilter filter, double x) {
  switch (filter) {
    case ResizeFilter::kNearest:
      return 0;
    case ResizeFilter::kBox:
      return x > -0.5 && x <= 0.5 ? 1 : 0;
    case ResizeFilter::kBilinear:
      x = std::abs(x);
      return x < 1 ? 1 - x : 0;
    case ResizeFilter::kBicubic: {
      constexpr double kA = -0.5;
      x = std::abs(x);
      if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
      if (x < 2) return (((x - 5) * x + 8) * x - 4) * kA;
      return 0;
    }
  }
  return 0;
}

AxisWeights ComputeWeights(int source, int target, ResizeFilter filter) {
  const double scale = static_cast<double>(source) / target;
  const double stretch = std::max(scale, 1.0);
  const double support = SupportOf(filter) * stretch;
  AxisWeights result;
  result.max_taps = static_cast<int>(std::ceil(support)) * 2 + 1;
  result.first.resize(target);
  result.taps.resize(target);
  result.weights.resize(static_cast<size_t>(target) * result.max_taps);
  std::vector<double> weights(result.max_taps);
  for (int i = 0; i < target; ++i) {
    // The order of these operations decides the last bit of a weight.
    const double center = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int end = std::min(static_cast<int>(center + support + 0.5), source);
    const int taps = end - first;
    double sum = 0;
    for (int t = 0; t < taps; ++t) {
      weights[t] =
          Evaluate(filter, (t + first - center + 0.5) * (1.0 / stretch));
      sum += weights[t];
    }
    result.first[i] = first;
    result.taps[i] = taps;
    int32_t* out = &result.weights[static_cast<size_t>(i) * result.max_taps];
    for (int t = 0; t < taps; ++t) {
      const double weight = sum != 0 ? weights[t] / sum : weights[t];
      out[t] = static_cast<int32_t>(weight * (1 << internal::kWeightBits) +
                                    (weight < 0 ? -0.5 : 0.5));
    }
  }
  return result;
}

cv::Mat FilterHorizontally(const cv::Mat& image, const AxisWeights& axis) {
  cv::Mat result(image.rows, static_cast<int>(axis.first.size()), image.type());
  internal::FilterHorizontally({image.data, image.step}, image.rows, image.cols,
                               image.channels(), axis,
                               {result.data, result.step});
  return result;
}

cv::Mat FilterVertically(const cv::Mat& image, const AxisWeights& axis) {
  cv::Mat result(static_cast<int>(axis.first.size()), image.cols, image.type());
  internal::FilterVertically({image.data, image.step},
                             static_cast<size_t>(image.cols) * image.channels(),
                             axis, {result.data, result.step});
  return result;
}

// Source pixel of each target pixel. Pillow adds up the positions one by one,
// and its rounding is part of the result.
std::vector<int> NearestIndices(int source, int target) {
  const double scale = static_cast<double>(source) / target;
  std::vector<int> indices(target);
  double position = scale * 0.5;
  for (int& index : indices) {
    index = std::min(static_cast<int>(position), source - 1);
    position += scale;
  }
  return indices;
}

cv::Mat PickNearest(const cv::Mat& image, int width, int height) {
  const std::vector<int> columns = NearestIndices(image.cols, width);
  const std::vector<int> rows = NearestIndices(image.rows, height);
  const size_t pixel_bytes = image.elemSize();
  cv::Mat result(height, width, image.type());
  for (int y = 0; y < height; ++y) {
    const uint8_t* in = image.ptr<uint8_t>(rows[y]);
    uint8_t* out = result.ptr<uint8_t>(y);
    for (int x = 0; x < width; ++x) {
      std::memcpy(out + x * pixel_bytes, in + columns[x] * pixel_bytes,
                  pixel_bytes);
    }
  }
  return result;
}

}  // namespace

absl::string_view ResizeFilterName(ResizeFilter filter) {
  switch (filter) {
    case ResizeFilter::kNearest:
      return "nearest";
    case ResizeFilter::kBox:
      return "box";
    case ResizeFilter::kBilinear:
      return "bilinear";
    case ResizeFilter::kBicubic:
      return "bicubic";
  }
  return "unknown";
}

absl::StatusOr<ResizeFilter> ParseResizeFilter(absl::string_view name) {
  std::string names;
  for (const ResizeFilter filter : kFilters) {
    if (name == ResizeFilterName(filter)) return filter;
    absl::StrAppend(&names, names.empty() ? "" : ", ",
                    ResizeFilterName(filter));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown resize filter \"", name, "\", expected ", names));
}

absl::StatusOr<cv::Mat> ResizeAntialiased(const cv::Mat& image, int width,
                                          int height, ResizeFilter filter) {
  if (image.empty() || image.dims != 2 || image.depth() != CV_8U ||
      image.channels() > 4 || image.cols > kMaxSize || image.rows > kMaxSize) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot resize a ", image.cols, "x", image.rows, " matrix of type ",
        cv::typeToString(image.type()),
        ", expected a non-empty image of 1 to 4 channels of 8 bits"));
  }
  if (width < 1 || height < 1 || width > kMaxSize || height > kMaxSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot resize an image to ", width, "x", height,
                     ", expected sizes from 1 to ", kMaxSize));
  }
  // A target that does not fit in memory throws.
  return CallOpencv("resizing an image", [&] {
    if (filter == ResizeFilter::kNearest) {
      return PickNearest(image, width, height);
    }
    cv::Mat result = image;
    if (width != image.cols) {
      result =
          FilterHorizontally(result, ComputeWeights(image.cols, width, filter));
    }
    if (height != image.rows) {
      result =
          FilterVertically(result, ComputeWeights(image.rows, height, filter));
    }
    // No pass: still the caller's pixels.
    return result.data == image.data ? image.clone() : result;
  });
}

}  // namespace vision
