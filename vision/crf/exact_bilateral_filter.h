// The bilateral filter over all pairs of pixels: the most accurate form, for
// small images and as a yardstick. Implementation of bilateral_filter.h, which
// is what to use and which checks its arguments.

#ifndef VISION_CRF_EXACT_BILATERAL_FILTER_H_
#define VISION_CRF_EXACT_BILATERAL_FILTER_H_

#include <array>

#include "hwy/aligned_allocator.h"

namespace vision {

// Immutable; Filter() may run on several threads. O(N^2) weights a call,
// whatever the number of channels; 20 N bytes.
class ExactBilateralFilter {
 public:
  // `rgb_chw`: [3, height, width], finite; sizes and sigmas positive.
  ExactBilateralFilter(const float* rgb_chw, int height, int width,
                       double sigma_rgb, double sigma_xy_pixels);

  // out = W in, both [channels, height, width]. float32 weights, to about 3e-7
  // for those that matter; their sums are accumulated in double.
  void Filter(const float* in, int channels, float* out) const;

 private:
  int size_;         // Pixels.
  int padded_size_;  // Rounded up to whole vectors.
  // x, y, r, g, b, each padded_size_ long, centred and scaled such that a
  // weight is 2^-|f_i - f_j|^2.
  std::array<hwy::AlignedFreeUniquePtr<float[]>, 5> features_;
};

// out = W in wholly in float64, from `in` [channels, height, width], for
// gradient checks: a hundred times slower than the class.
void FilterExactlyInDouble(const float* rgb_chw, int height, int width,
                           double sigma_rgb, double sigma_xy_pixels,
                           const double* in, int channels, double* out);

}  // namespace vision

#endif  // VISION_CRF_EXACT_BILATERAL_FILTER_H_
