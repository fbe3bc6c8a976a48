// The two passes of resize.h: separable filters in fixed point, vectorised.
//
// Internal to resize.h, which computes the weights and speaks OpenCV. The best
// instruction set of the machine is chosen when first called (Highway); all
// give the same bits, since all arithmetic is on integers.

#ifndef VISION_IMAGE_RESIZE_KERNELS_H_
#define VISION_IMAGE_RESIZE_KERNELS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vision {
namespace internal {

// Weights are integers over 2^22: a sum of weights times bytes fits 31 bits
// even with bicubic's overshoot.
inline constexpr int kWeightBits = 22;

// For each pixel of the target, its source pixels along one axis and their
// weights. Target pixel i is
//   clip((sum over t < taps[i] of weights[i * max_taps + t] * source[first[i] +
//   t]
//         + 2^21) >> 22, 0, 255).
struct AxisWeights {
  int max_taps = 0;
  std::vector<int> first;
  std::vector<int> taps;
  std::vector<int32_t> weights;
};

// Rows of bytes; strides in bytes.
struct ConstRows {
  const uint8_t* data = nullptr;
  size_t stride = 0;
};
struct Rows {
  uint8_t* data = nullptr;
  size_t stride = 0;
};

// Filters along the rows: `height` rows of `source_width` pixels of 1 to 4
// interleaved channels become as many rows of axis.first.size() pixels. Works
// on 16 rows at a time with rows in the vector lanes, so that any number of
// channels and taps fills the vectors.
void FilterHorizontally(ConstRows source, int height, int source_width,
                        int channels, const AxisWeights& axis, Rows target);

// Filters across the rows: axis.first.size() rows of `row_bytes` bytes come
// out.
void FilterVertically(ConstRows source, size_t row_bytes,
                      const AxisWeights& axis, Rows target);

}  // namespace internal
}  // namespace vision

#endif  // VISION_IMAGE_RESIZE_KERNELS_H_
