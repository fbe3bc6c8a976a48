#include "vision/crf/reference_bilateral_filter.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "glog/logging.h"

namespace vision {

std::vector<double> ReferenceBilateralFilter(absl::Span<const float> rgb_chw,
                                             int height, int width,
                                             double sigma_rgb,
                                             double sigma_xy_pixels,
                                             absl::Span<const float> in) {
  const size_t size = static_cast<size_t>(height) * width;
  CHECK_EQ(rgb_chw.size(), 3 * size);
  CHECK_EQ(in.size() % size, 0u);
  const size_t channels = in.size() / size;
  std::vector<double> out(in.size(), 0.0);
  for (size_t i = 0; i < size; ++i) {
    for (size_t j = 0; j < size; ++j) {
      const double dx =
          (static_cast<double>(i % width) - static_cast<double>(j % width)) /
          sigma_xy_pixels;
      const double dy =
          (static_cast<double>(i / width) - static_cast<double>(j / width)) /
          sigma_xy_pixels;
      double squared_distance = dx * dx + dy * dy;
      for (size_t c = 0; c < 3; ++c) {
        const double d = (static_cast<double>(rgb_chw[c * size + i]) -
                          static_cast<double>(rgb_chw[c * size + j])) /
                         sigma_rgb;
        squared_distance += d * d;
      }
      const double weight = std::exp(-0.5 * squared_distance);
      for (size_t k = 0; k < channels; ++k) {
        out[k * size + i] += weight * static_cast<double>(in[k * size + j]);
      }
    }
  }
  return out;
}

}  // namespace vision
