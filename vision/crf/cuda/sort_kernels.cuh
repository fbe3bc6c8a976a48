// A stable radix sort of the keys of each image, by digits of 8 bits from the
// lowest. Equal keys keep their order, so sums over them are always taken in
// the same one.

#ifndef VISION_CRF_CUDA_SORT_KERNELS_CUH_
#define VISION_CRF_CUDA_SORT_KERNELS_CUH_

#include "vision/crf/cuda/device.cuh"

namespace vision {
namespace cuda_internal {

constexpr int kSortThreads = 256;
constexpr int kSortItems = 8;  // Of a thread.
constexpr int kSortTile = kSortThreads * kSortItems;
constexpr int kDigits = 256;

constexpr int SortTiles(int count) {
  return (count + kSortTile - 1) / kSortTile;
}

// The keys' digits of each tile, counted: histograms [images, tiles, kDigits].
// Grid: tiles, images.
__global__ __launch_bounds__(kSortThreads) void CountDigitsKernel(
    const uint32_t* keys, int count, int shift, uint32_t* histograms) {
  using Counts = unsigned[kDigits];
  VISION_SHARED(Counts, counts);
  const int t = ThreadX();
  counts[t] = 0;
  SyncBlock();
  keys += static_cast<size_t>(BlockY()) * count;
  for (int item = 0; item < kSortItems; ++item) {
    const int i = BlockX() * kSortTile + item * kSortThreads + t;
    if (i < count) AtomicAdd(&counts[keys[i] >> shift & (kDigits - 1)], 1u);
  }
  SyncBlock();
  histograms[(static_cast<size_t>(BlockY()) * GridX() + BlockX()) * kDigits +
             t] = counts[t];
}

// Replaces the counts by the position of each tile's first key of each digit.
// Grid: 1, images.
__global__ __launch_bounds__(kDigits) void ScanDigitsKernel(
    int tiles, uint32_t* histograms) {
  using WarpSums = unsigned[kDigits / kWarpSize];
  VISION_SHARED(WarpSums, warp_sums);
  const int digit = ThreadX();
  uint32_t* column =
      histograms + static_cast<size_t>(BlockY()) * tiles * kDigits + digit;
  unsigned total = 0;
  for (int tile = 0; tile < tiles; ++tile) {
    total += column[static_cast<size_t>(tile) * kDigits];
  }
  // Sums up to this digit, inclusive: in the warp, then of the warps.
  unsigned inclusive = total;
  for (int distance = 1; distance < kWarpSize; distance *= 2) {
    const unsigned lower = ShuffleUp(inclusive, distance);
    if (Lane() >= distance) inclusive += lower;
  }
  if (Lane() == kWarpSize - 1) warp_sums[WarpOfBlock()] = inclusive;
  SyncBlock();
  unsigned position = inclusive - total;
  for (int warp = 0; warp < WarpOfBlock(); ++warp) position += warp_sums[warp];
  for (int tile = 0; tile < tiles; ++tile) {
    uint32_t& entry = column[static_cast<size_t>(tile) * kDigits];
    const unsigned tile_count = entry;
    entry = position;
    position += tile_count;
  }
}

// Moves keys and their indices to their positions. `indices` may be null: the
// keys' own. Grid: tiles, images.
__global__ __launch_bounds__(kSortThreads) void ScatterKernel(
    const uint32_t* keys, const uint32_t* indices, int count, int shift,
    const uint32_t* histograms, uint32_t* sorted_keys,
    uint32_t* sorted_indices) {
  constexpr int kWarps = kSortThreads / kWarpSize;
  // First the number of each warp's keys of each digit, then where the warp's
  // next one goes.
  using Positions = unsigned[kWarps][kDigits];
  VISION_SHARED(Positions, positions);
  const int t = ThreadX();
  const size_t image = static_cast<size_t>(BlockY()) * count;
  const unsigned lanes_below = (1u << Lane()) - 1;
  // Warps take consecutive runs of the tile, to keep the order.
  const int first =
      BlockX() * kSortTile + WarpOfBlock() * (kSortItems * kWarpSize) + Lane();

  for (int warp = 0; warp < kWarps; ++warp) positions[warp][t] = 0;
  SyncBlock();
  unsigned digit[kSortItems];
  int rank[kSortItems];  // Among the warp's keys of the digit.
  VISION_UNROLL
  for (int item = 0; item < kSortItems; ++item) {
    const int i = first + item * kWarpSize;
    // Lanes beyond the end match each other only.
    digit[item] = i < count ? keys[image + i] >> shift & (kDigits - 1)
                            : unsigned{kDigits};
    const unsigned same = MatchAny(digit[item]);
    const bool inside = i < count;
    unsigned* position = &positions[WarpOfBlock()][digit[item] % kDigits];
    rank[item] =
        inside ? static_cast<int>(*position) + CountBits(same & lanes_below)
               : 0;
    SyncWarp();
    if (inside && LowestBit(same) == Lane()) {
      *position += static_cast<unsigned>(CountBits(same));
    }
    SyncWarp();
  }
  SyncBlock();
  // Thread t owns digit t.
  unsigned position =
      histograms[(static_cast<size_t>(BlockY()) * GridX() + BlockX()) *
                     kDigits +
                 t];
  for (int warp = 0; warp < kWarps; ++warp) {
    const unsigned warp_count = positions[warp][t];
    positions[warp][t] = position;
    position += warp_count;
  }
  SyncBlock();
  VISION_UNROLL
  for (int item = 0; item < kSortItems; ++item) {
    const int i = first + item * kWarpSize;
    if (i >= count) continue;
    const size_t target = image + positions[WarpOfBlock()][digit[item]] +
                          static_cast<unsigned>(rank[item]);
    sorted_keys[target] = keys[image + i];
    sorted_indices[target] =
        indices == nullptr ? static_cast<uint32_t>(i) : indices[image + i];
  }
}

// starts[key] = number of keys below it, for 0 <= key <= last_key, from sorted
// keys: where the key's run begins. Grid: blocks for the starts, images.
__global__ __launch_bounds__(kSortThreads) void FindStartsKernel(
    const uint32_t* sorted_keys, int count, int last_key, uint32_t* starts) {
  const int key = BlockX() * kSortThreads + ThreadX();
  if (key > last_key) return;
  sorted_keys += static_cast<size_t>(BlockY()) * count;
  int low = 0;
  int high = count;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (sorted_keys[middle] < static_cast<uint32_t>(key)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  starts[static_cast<size_t>(BlockY()) * (static_cast<size_t>(last_key) + 1) +
         key] = static_cast<uint32_t>(low);
}

}  // namespace cuda_internal
}  // namespace vision

#endif  // VISION_CRF_CUDA_SORT_KERNELS_CUH_
