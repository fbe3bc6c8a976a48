// The permutohedral lattice with the published numbers; see
// lattice_bilateral_filter.h for what it computes, and for why nobody should
// prefer it.
//
// Each image has a hash table of its own. A vertex is a word: its first five
// coordinates in fields of 12 bits, and a bit that marks a used slot. One
// compare-and-swap inserts it; there are no locks, and no duplicates to clean
// up. Which slot and number a vertex gets depends on the order of threads, but
// no result does, as long as the sums over a vertex's pixels are taken in the
// order of pixels (SplatSortedKernel).

#ifndef VISION_CRF_CUDA_LATTICE_KERNELS_CUH_
#define VISION_CRF_CUDA_LATTICE_KERNELS_CUH_

#include "vision/crf/cuda/bilateral_filter_kernels.h"
#include "vision/crf/cuda/device.cuh"

namespace vision {
namespace cuda_internal {

constexpr int kLatticeThreads = 128;
constexpr int kLatticeD = 5;
constexpr int kSimplex = kLatticeD + 1;  // Vertices of a simplex.
constexpr int kFieldBits = 12;
constexpr int kFieldOffset = 1 << (kFieldBits - 1);
constexpr float kMaxLatticeCoordinate = 2000.0f;
constexpr uint64_t kUsedSlot = uint64_t{1} << 63;
constexpr uint64_t kFieldOnes = 0x0001001001001001;

struct LatticeScale {
  float sigma_rgb;
  float sigma_xy;
  float elevation[kLatticeD];
};

// An image's part of the tables.
struct LatticeTable {
  uint64_t* slots;     // [images, slot_mask + 1]: keys, 0 if free.
  uint32_t* numbers;   // [images, slot_mask + 1]: vertices, from 1.
  uint64_t* keys;      // [images, max_vertices + 1], by number.
  uint32_t* counts;    // [images]: vertices.
  uint32_t slot_mask;  // Slots are a power of two, more than max_vertices.
  uint32_t max_vertices;
};

__device__ __forceinline__ uint32_t HashKey(uint64_t key, uint32_t mask) {
  // Fibonacci hashing (Knuth, volume 3, section 6.4): high bits of a product.
  return static_cast<uint32_t>(key * 0x9E3779B97F4A7C15u >> 32) & mask;
}

// The simplex of the lattice around a point; false if its keys do not fit.
// Roundings decide ties the published way: nothing may be fused.
__device__ __forceinline__ bool FindSimplex(const float (&feature)[kLatticeD],
                                            const LatticeScale& scale,
                                            uint64_t (&keys)[kSimplex],
                                            float (&weights)[kSimplex]) {
  // Onto the plane of coordinate sum zero in six dimensions.
  float elevated[kSimplex];
  float sum = 0.0f;
  VISION_UNROLL
  for (int j = kLatticeD; j > 0; --j) {
    const float value = MulRounded(feature[j - 1], scale.elevation[j - 1]);
    elevated[j] = SubRounded(sum, MulRounded(static_cast<float>(j), value));
    sum = AddRounded(sum, value);
  }
  elevated[0] = sum;

  // The nearest point whose coordinates are multiples of six, and by how many
  // sixes their sum misses zero.
  float base[kSimplex];
  float excess = 0.0f;
  bool fits = true;
  VISION_UNROLL
  for (int i = 0; i < kSimplex; ++i) {
    fits = fits && fabsf(elevated[i]) < kMaxLatticeCoordinate;
    const float sixth = MulRounded(elevated[i], 1.0f / kSimplex);
    // Nearest integer, ties to even, of less than 2^22.
    const float multiple =
        SubRounded(AddRounded(sixth, 12582912.0f), 12582912.0f);
    base[i] = MulRounded(multiple, static_cast<float>(kSimplex));
    excess = AddRounded(excess, multiple);
  }
  if (!fits) return false;

  // rank: how many coordinates have a larger residual, and then those of the
  // simplex, after moving the furthest ones back to the plane.
  int rank[kSimplex] = {};
  VISION_UNROLL
  for (int i = 0; i < kSimplex; ++i) {
    VISION_UNROLL
    for (int j = i + 1; j < kSimplex; ++j) {
      const bool below =
          SubRounded(elevated[i], base[i]) < SubRounded(elevated[j], base[j]);
      rank[i] += below ? 1 : 0;
      rank[j] += below ? 0 : 1;
    }
  }
  float residual[kSimplex];
  VISION_UNROLL
  for (int i = 0; i < kSimplex; ++i) {
    rank[i] += static_cast<int>(excess);
    if (rank[i] < 0) {
      rank[i] += kSimplex;
      base[i] = AddRounded(base[i], static_cast<float>(kSimplex));
    } else if (rank[i] >= kSimplex) {
      rank[i] -= kSimplex;
      base[i] = SubRounded(base[i], static_cast<float>(kSimplex));
    }
    residual[i] = MulRounded(SubRounded(elevated[i], base[i]), 1.0f / kSimplex);
  }

  // Barycentric weights: differences of the residuals in the order of ranks.
  // Selections instead of indexing keep them in registers.
  float sorted[kSimplex];
  VISION_UNROLL
  for (int r = 0; r < kSimplex; ++r) {
    sorted[r] = 0.0f;
    VISION_UNROLL
    for (int i = 0; i < kSimplex; ++i) {
      sorted[r] = rank[i] == r ? residual[i] : sorted[r];
    }
  }
  weights[0] = AddRounded(sorted[kLatticeD],
                          AddRounded(1.0f, SubRounded(0.0f, sorted[0])));
  VISION_UNROLL
  for (int v = 1; v < kSimplex; ++v) {
    weights[v] = SubRounded(sorted[kLatticeD - v], sorted[kSimplex - v]);
  }

  uint64_t key = kUsedSlot;
  VISION_UNROLL
  for (int i = 0; i < kLatticeD; ++i) {
    key += static_cast<uint64_t>(static_cast<int>(base[i]) + kFieldOffset)
           << (kFieldBits * i);
  }
  // The next vertex: one up along all coordinates, but the one of this rank
  // goes down by five.
  VISION_UNROLL
  for (int v = 0; v < kSimplex; ++v) {
    keys[v] = key;
    key += kFieldOnes;
    VISION_UNROLL
    for (int i = 0; i < kLatticeD; ++i) {
      key -= rank[i] == kLatticeD - v
                 ? static_cast<uint64_t>(kSimplex) << (kFieldBits * i)
                 : 0;
    }
  }
  return true;
}

// Inserts the vertices of each pixel's simplex, of `size` pixels and
// `phantoms` (0 or 1) points of feature zero after them. slots, weights:
// [images, 6 size], the six of a pixel together. Grid: blocks, images.
__global__ __launch_bounds__(kLatticeThreads) void InsertKernel(
    const float* images, int size, int width, int phantoms, LatticeScale scale,
    LatticeTable table, uint32_t* slots, float* weights, uint32_t* flags) {
  const int i = BlockX() * kLatticeThreads + ThreadX();
  if (i >= size + phantoms) return;
  const size_t image = static_cast<size_t>(BlockY());
  float feature[kLatticeD] = {};
  if (i < size) {
    const int y = i / width;
    feature[0] = DivRounded(static_cast<float>(i - y * width), scale.sigma_xy);
    feature[1] = DivRounded(static_cast<float>(y), scale.sigma_xy);
    for (int c = 0; c < 3; ++c) {
      feature[2 + c] =
          DivRounded(images[(3 * image + c) * size + i], scale.sigma_rgb);
    }
  }
  uint64_t keys[kSimplex];
  float barycentric[kSimplex];
  const bool fits = FindSimplex(feature, scale, keys, barycentric);
  if (!fits) AtomicOr(&flags[image], kCudaLatticeCoordinate);
  uint64_t* image_slots =
      table.slots + image * (static_cast<size_t>(table.slot_mask) + 1);
  uint32_t* numbers =
      table.numbers + image * (static_cast<size_t>(table.slot_mask) + 1);
  VISION_UNROLL
  for (int v = 0; v < kSimplex; ++v) {
    uint32_t slot = 0;
    if (fits) {
      const uint64_t key = keys[v];
      slot = HashKey(key, table.slot_mask);
      for (uint32_t probes = 0;; ++probes) {
        uint64_t found = LoadFresh(&image_slots[slot]);
        if (found == 0) {
          found = AtomicCompareAndSwap(&image_slots[slot], 0, key);
          if (found == 0) {
            const uint32_t number = 1 + AtomicAdd(&table.counts[image], 1u);
            if (number <= table.max_vertices) {
              numbers[slot] = number;
              table.keys[image * (static_cast<size_t>(table.max_vertices) + 1) +
                         number] = key;
            } else {
              AtomicOr(&flags[image], kCudaLatticeFull);
            }
            break;
          }
        }
        if (found == key) break;
        if (probes == table.slot_mask) {
          AtomicOr(&flags[image], kCudaLatticeFull);
          break;
        }
        slot = (slot + 1) & table.slot_mask;
      }
    }
    if (i < size) {
      const size_t entry =
          (image * static_cast<size_t>(size) + i) * kSimplex + v;
      slots[entry] = slot;
      weights[entry] = fits ? barycentric[v] : 0.0f;
    }
  }
}

// Slots to vertices, in place; 0 in flagged images. Grid: blocks for the 6 size
// entries, images.
__global__ __launch_bounds__(kLatticeThreads) void NumberKernel(
    LatticeTable table, int entries, const uint32_t* flags,
    uint32_t* slots_to_vertices) {
  const int e = BlockX() * kLatticeThreads + ThreadX();
  if (e >= entries) return;
  const size_t image = static_cast<size_t>(BlockY());
  uint32_t& entry = slots_to_vertices[image * entries + e];
  const size_t slots = static_cast<size_t>(table.slot_mask) + 1;
  entry = flags[image] == 0 ? table.numbers[image * slots + entry] : 0;
}

__device__ __forceinline__ uint32_t FindVertex(const LatticeTable& table,
                                               size_t image, uint64_t key) {
  const size_t base = image * (static_cast<size_t>(table.slot_mask) + 1);
  uint32_t slot = HashKey(key, table.slot_mask);
  // There are free slots, more than half in fact.
  while (table.slots[base + slot] != 0) {
    if (table.slots[base + slot] == key) return table.numbers[base + slot];
    slot = (slot + 1) & table.slot_mask;
  }
  return 0;
}

// The two neighbours of each vertex along each axis, 0 if there is none:
// neighbors [images, 6, max_vertices + 1] pairs. Grid: blocks, 6, images.
__global__ __launch_bounds__(kLatticeThreads) void FindNeighborsKernel(
    LatticeTable table, const uint32_t* flags, uint32_t* neighbors) {
  const size_t image = static_cast<size_t>(BlockZ());
  const int axis = BlockY();
  const uint32_t vertex =
      1 + static_cast<uint32_t>(BlockX() * kLatticeThreads + ThreadX());
  if (flags[image] != 0 || vertex > table.counts[image]) return;
  const size_t stride = static_cast<size_t>(table.max_vertices) + 1;
  const uint64_t key = table.keys[image * stride + vertex];
  // The sixth coordinate is no part of the key.
  const uint64_t step = axis < kLatticeD
                            ? kFieldOnes - (static_cast<uint64_t>(kSimplex)
                                            << (kFieldBits * axis))
                            : kFieldOnes;
  uint32_t* pair =
      neighbors + 2 * ((image * kSimplex + axis) * stride + vertex);
  pair[0] = FindVertex(table, image, key - step);
  pair[1] = FindVertex(table, image, key + step);
}

// values [images, max_vertices + 1, kChannels], 0 before, get each pixel's maps
// by atomic additions; runs of lanes that share a vertex are added up first.
// Entries are taken with the pixels of one simplex corner in neighbouring
// lanes. Grid: blocks of pixels, 6, images.
template <int kChannels>
__global__ __launch_bounds__(kLatticeThreads) void SplatAtomicKernel(
    const uint32_t* vertices, const float* weights, int size,
    uint32_t max_vertices, const float* in, size_t image_stride,
    float* values) {
  const int i = BlockX() * kLatticeThreads + ThreadX();
  const size_t image = static_cast<size_t>(BlockZ());
  const bool inside = i < size;
  const size_t entry =
      (image * static_cast<size_t>(size) + (inside ? i : 0)) * kSimplex +
      static_cast<size_t>(BlockY());
  const uint32_t vertex = inside ? vertices[entry] : 0;
  const float weight = inside && vertex != 0 ? weights[entry] : 0.0f;
  float sum[kChannels];
  VISION_UNROLL
  for (int k = 0; k < kChannels; ++k) {
    sum[k] = weight * in[image * image_stride + static_cast<size_t>(k) * size +
                         (inside ? i : 0)];
  }
  const unsigned before = ShuffleUp(vertex, 1);
  const bool is_head = Lane() == 0 || before != vertex;
  const unsigned heads = Ballot(is_head);
  // One past the last lane of this lane's run.
  const unsigned later =
      Lane() == kWarpSize - 1 ? 0 : heads >> (Lane() + 1) << (Lane() + 1);
  const int end = later == 0 ? kWarpSize : LowestBit(later);
  for (int distance = 1; distance < kWarpSize; distance *= 2) {
    VISION_UNROLL
    for (int k = 0; k < kChannels; ++k) {
      const float other = ShuffleDown(sum[k], distance);
      if (Lane() + distance < end) sum[k] += other;
    }
  }
  if (!is_head || vertex == 0) return;
  float* target =
      values +
      (image * (static_cast<size_t>(max_vertices) + 1) + vertex) * kChannels;
  VISION_UNROLL
  for (int k = 0; k < kChannels; ++k) AtomicAdd(&target[k], sum[k]);
}

// The same by a warp for each vertex, from entries sorted by vertex. Grid:
// blocks of vertices, images.
template <int kChannels>
__global__ __launch_bounds__(kLatticeThreads) void SplatSortedKernel(
    const uint32_t* order, const uint32_t* starts, const float* weights,
    int size, uint32_t max_vertices, const uint32_t* counts,
    const uint32_t* flags, const float* in, size_t image_stride,
    float* values) {
  const size_t image = static_cast<size_t>(BlockY());
  const uint32_t vertex =
      1 + static_cast<uint32_t>(BlockX() * (kLatticeThreads / kWarpSize) +
                                WarpOfBlock());
  if (flags[image] != 0 || vertex > counts[image]) return;  // The whole warp.
  const size_t entries = static_cast<size_t>(size) * kSimplex;
  starts += image * (static_cast<size_t>(max_vertices) + 2);
  const uint32_t end = starts[vertex + 1];
  float sum[kChannels] = {};
  for (uint32_t p = starts[vertex] + static_cast<uint32_t>(Lane()); p < end;
       p += kWarpSize) {
    const uint32_t entry = order[image * entries + p];
    const float weight = weights[image * entries + entry];
    VISION_UNROLL
    for (int k = 0; k < kChannels; ++k) {
      sum[k] =
          FusedMultiplyAdd(weight,
                           in[image * image_stride +
                              static_cast<size_t>(k) * size + entry / kSimplex],
                           sum[k]);
    }
  }
  VISION_UNROLL
  for (int k = 0; k < kChannels; ++k) {
    for (int mask = kWarpSize / 2; mask > 0; mask /= 2) {
      sum[k] += ShuffleXor(sum[k], mask);
    }
  }
  if (Lane() != 0) return;
  float* target =
      values +
      (image * (static_cast<size_t>(max_vertices) + 1) + vertex) * kChannels;
  VISION_UNROLL
  for (int k = 0; k < kChannels; ++k) target[k] = sum[k];
}

// One pass of the blur, [1/2 1 1/2] along `axis`. Grid: blocks, images.
template <int kChannels>
__global__ __launch_bounds__(kLatticeThreads) void BlurVerticesKernel(
    const uint32_t* neighbors, const uint32_t* counts, const uint32_t* flags,
    uint32_t max_vertices, int axis, const float* from, float* to) {
  const size_t image = static_cast<size_t>(BlockY());
  const uint32_t vertex =
      1 + static_cast<uint32_t>(BlockX() * kLatticeThreads + ThreadX());
  if (flags[image] != 0 || vertex > counts[image]) return;
  const size_t stride = static_cast<size_t>(max_vertices) + 1;
  const uint32_t* pair =
      neighbors + 2 * ((image * kSimplex + axis) * stride + vertex);
  from += image * stride * kChannels;
  to += image * stride * kChannels;
  const size_t a = static_cast<size_t>(pair[0]) * kChannels;
  const size_t b = static_cast<size_t>(pair[1]) * kChannels;
  const size_t v = static_cast<size_t>(vertex) * kChannels;
  VISION_UNROLL
  for (int k = 0; k < kChannels; ++k) {
    to[v + k] = from[v + k] + 0.5f * (from[a + k] + from[b + k]);
  }
}

// Reads the vertices back at each pixel. Grid: blocks of pixels, images.
template <int kChannels>
__global__ __launch_bounds__(kLatticeThreads) void SliceVerticesKernel(
    const uint32_t* vertices, const float* weights, int size,
    uint32_t max_vertices, const float* values, float* out,
    size_t image_stride) {
  const int i = BlockX() * kLatticeThreads + ThreadX();
  if (i >= size) return;
  const size_t image = static_cast<size_t>(BlockY());
  values += image * (static_cast<size_t>(max_vertices) + 1) * kChannels;
  float sum[kChannels] = {};
  VISION_UNROLL
  for (int v = 0; v < kSimplex; ++v) {
    const size_t entry = (image * static_cast<size_t>(size) + i) * kSimplex + v;
    const float* value =
        values + static_cast<size_t>(vertices[entry]) * kChannels;
    VISION_UNROLL
    for (int k = 0; k < kChannels; ++k) {
      sum[k] = FusedMultiplyAdd(weights[entry], value[k], sum[k]);
    }
  }
  // The blur's gain, 1 + 2^-5, is taken off again.
  constexpr float kGain = 32.0f / 33.0f;
  VISION_UNROLL
  for (int k = 0; k < kChannels; ++k) {
    out[image * image_stride + static_cast<size_t>(k) * size + i] =
        kGain * sum[k];
  }
}

}  // namespace cuda_internal
}  // namespace vision

#endif  // VISION_CRF_CUDA_LATTICE_KERNELS_CUH_
