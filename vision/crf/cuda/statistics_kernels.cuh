// Ranges of images and maps, and what is done about values that are not finite.

#ifndef VISION_CRF_CUDA_STATISTICS_KERNELS_CUH_
#define VISION_CRF_CUDA_STATISTICS_KERNELS_CUH_

#include "vision/crf/cuda/bilateral_filter_kernels.h"
#include "vision/crf/cuda/device.cuh"

namespace vision {
namespace cuda_internal {

constexpr int kStatisticsThreads = 256;
constexpr int kStatisticsItems = 8;  // Of a thread.

// Fills words; launched over enough blocks of kStatisticsThreads.
__global__ __launch_bounds__(kStatisticsThreads) void FillKernel(
    uint32_t* words, size_t count, uint32_t value) {
  const size_t i = static_cast<size_t>(BlockX()) * kStatisticsThreads +
                   static_cast<size_t>(ThreadX());
  if (i < count) words[i] = value;
}

__global__ __launch_bounds__(kStatisticsThreads) void CopyKernel(
    const uint32_t* from, size_t count, uint32_t* to) {
  const size_t i = static_cast<size_t>(BlockX()) * kStatisticsThreads +
                   static_cast<size_t>(ThreadX());
  if (i < count) to[i] = from[i];
}

// Empty ranges, for RangeKernel to extend.
__global__ __launch_bounds__(kStatisticsThreads) void InitRangesKernel(
    uint32_t* ranges, int count) {
  const int i = BlockX() * kStatisticsThreads + ThreadX();
  if (i >= count) return;
  ranges[2 * i] = 0xFFFFFFFFu;
  ranges[2 * i + 1] = 0;
}

// Smallest and largest value of each plane, as OrderedBits: ranges[image,
// plane]. Planes are [size] floats, images `image_stride` floats apart.
// Non-finite values set `flag` of their image. Grid: blocks for `size`, planes
// of an image, images.
__global__ __launch_bounds__(kStatisticsThreads) void RangeKernel(
    const float* planes, size_t image_stride, int size, uint32_t flag,
    uint32_t* ranges, uint32_t* flags) {
  const int plane = BlockZ() * GridY() + BlockY();
  const float* values = planes + static_cast<size_t>(BlockZ()) * image_stride +
                        static_cast<size_t>(BlockY()) * size;
  unsigned low = 0xFFFFFFFFu;
  unsigned high = 0;
  bool finite = true;
  const int first =
      BlockX() * kStatisticsThreads * kStatisticsItems + ThreadX();
  for (int item = 0; item < kStatisticsItems; ++item) {
    const int i = first + item * kStatisticsThreads;
    if (i >= size) break;
    const float value = values[i];
    finite = finite && IsFinite(value);
    const unsigned ordered = OrderedBits(value);
    low = ordered < low ? ordered : low;
    high = ordered > high ? ordered : high;
  }
  for (int mask = kWarpSize / 2; mask > 0; mask /= 2) {
    const unsigned other_low = FloatBits(ShuffleXor(FloatOfBits(low), mask));
    const unsigned other_high = FloatBits(ShuffleXor(FloatOfBits(high), mask));
    low = other_low < low ? other_low : low;
    high = other_high > high ? other_high : high;
  }
  const unsigned bad = Ballot(!finite);
  if (Lane() == 0) {
    // A warp beyond the end of the plane has {~0, 0}, which changes nothing.
    AtomicMin(&ranges[2 * plane], low);
    AtomicMax(&ranges[2 * plane + 1], high);
    if (bad != 0) AtomicOr(&flags[BlockZ()], flag);
  }
}

// Flags images one of whose channels spans more than `max_range`.
__global__ __launch_bounds__(kStatisticsThreads) void CheckRangeKernel(
    const uint32_t* ranges, int batch, float max_range, uint32_t* flags) {
  const int image = BlockX() * kStatisticsThreads + ThreadX();
  if (image >= batch) return;
  for (int c = 0; c < 3; ++c) {
    const uint32_t* range = ranges + 2 * (3 * static_cast<size_t>(image) + c);
    const float span =
        FloatOfOrderedBits(range[1]) - FloatOfOrderedBits(range[0]);
    // Negated, to catch NaN.
    if (!(span <= max_range)) AtomicOr(&flags[image], kCudaColorRange);
  }
}

// Overwrites all outputs of flagged images, [floats] each, by NaN.
__global__ __launch_bounds__(kStatisticsThreads) void PoisonKernel(
    const uint32_t* flags, size_t floats, float* out) {
  if (flags[BlockY()] == 0) return;
  const size_t stride =
      static_cast<size_t>(GridX()) * static_cast<size_t>(kStatisticsThreads);
  for (size_t i = static_cast<size_t>(BlockX()) * kStatisticsThreads +
                  static_cast<size_t>(ThreadX());
       i < floats; i += stride) {
    out[static_cast<size_t>(BlockY()) * floats + i] = FloatOfBits(0x7FC00000u);
  }
}

}  // namespace cuda_internal
}  // namespace vision

#endif  // VISION_CRF_CUDA_STATISTICS_KERNELS_CUH_
