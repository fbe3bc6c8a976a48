// The bilateral filter over all pairs of pixels: the most accurate form, for
// small images and as a yardstick. Implementation of bilateral_filter.h, which
// is what to use and which checks its arguments.

#ifndef VISION_CRF_EXACT_BILATERAL_FILTER_H_
#define VISION_CRF_EXACT_BILATERAL_FILTER_H_

#include <array>

#include "hwy/aligned_allocator.h"

namespace vision {

namespace exact_internal {

// An image, and how far apart rows and columns of two pixels may be.
struct ExactFilterWindow {
  int height;
  int width;
  int radius;
  bool self_term;  // Whether a pixel is in its own window.
};

}  // namespace exact_internal

// Immutable; Filter() may run on several threads. O(N^2) weights a call,
// whatever the number of channels, or for a small sigma_xy N times those of the
// window outside of which weights are below 1e-9; 20 N bytes.
class ExactBilateralFilter {
 public:
  // `rgb_chw`: [3, height, width], finite; sizes and sigmas positive.
  ExactBilateralFilter(const float* rgb_chw, int height, int width,
                       double sigma_rgb, double sigma_xy_pixels);

  // out = W in, both [channels, height, width]. float32 weights, to about 3e-7
  // for those that matter; their sums are accumulated in double.
  // Bitwise the same for any number of threads. Without self_term the diagonal
  // of W is taken as zero.
  void Filter(const float* in, int channels, float* out, int num_threads = 1,
              bool self_term = true) const;

  // The window's: at most the longer side.
  static int WindowRadius(int height, int width, double sigma_xy_pixels);

 private:
  exact_internal::ExactFilterWindow window_;
  int size_;  // Pixels.
  // x, y, r, g, b, each size_ long and padded by a vector, centred and scaled
  // such that a weight is 2^-|f_i - f_j|^2.
  std::array<hwy::AlignedFreeUniquePtr<float[]>, 5> features_;
};

// out = W in wholly in float64, from `in` [channels, height, width], for
// gradient checks: a hundred times slower than the class.
void FilterExactlyInDouble(const float* rgb_chw, int height, int width,
                           double sigma_rgb, double sigma_xy_pixels,
                           const double* in, int channels, double* out);

}  // namespace vision

#endif  // VISION_CRF_EXACT_BILATERAL_FILTER_H_
