// The grid filter, W ~ sum_m D(phi_m) B G B^T D(phi_m); see
// grid_bilateral_filter.h for the mathematics. Each image has a box of grid
// nodes around its colours, along the axes of the colour space (blurring a
// larger box is cheaper here than turning it).
//
// Values at the nodes are in 32 "lanes", pairs of a spatial function and a
// channel, one for each lane of a warp: lane = function * group + channel for
// groups of one or two channels. More pairs are taken 32 at a time.
//
// Pixels are sorted by cell. A node then gathers from the cells around it,
// instead of pixels adding to nodes, so that there are no atomic additions and
// sums are always taken in the same order.

#ifndef VISION_CRF_CUDA_GRID_KERNELS_CUH_
#define VISION_CRF_CUDA_GRID_KERNELS_CUH_

#include "vision/crf/cuda/bilateral_filter_kernels.h"
#include "vision/crf/cuda/device.cuh"

namespace vision {
namespace cuda_internal {

constexpr int kGridThreads = 128;
constexpr int kGridWarps = kGridThreads / kWarpSize;
constexpr int kGridLanes = kWarpSize;
constexpr int kBlurThreads = 256;

// An image's grid. The last axis is contiguous.
struct ColorBox {
  float origin[3];  // Of node 0, in pitches.
  int nodes[3];
  int count;  // The product of them.
};

// A pixel in the order of cells.
struct SortedPixel {
  float offsets[3];  // Position in its cell along each axis, in [0, 1).
  uint32_t index;
};

struct GridScale {
  float inverse_pitch;  // 1 / (pitch sigma_rgb).
  float shift;          // The lowest colour's position in its cell.
};

constexpr int kMaxBlurRadius = 16;
struct BlurTaps {
  int radius;
  float taps[kMaxBlurRadius + 1];
};

// Position of a colour in units of the pitch. Rounded step by step: cells are
// found twice and must be the same.
__device__ __forceinline__ float GridPosition(float color, float origin,
                                              GridScale scale) {
  return AddRounded(SubRounded(MulRounded(color, scale.inverse_pitch), origin),
                    scale.shift);
}

// Boxes around each image's colours; one that needs more than `max_nodes` is
// flagged and made small. One thread an image.
__global__ __launch_bounds__(kGridThreads) void MakeBoxesKernel(
    const uint32_t* ranges, int batch, int degree, GridScale scale,
    int max_nodes, ColorBox* boxes, uint32_t* flags) {
  const int image = BlockX() * kGridThreads + ThreadX();
  if (image >= batch) return;
  ColorBox box;
  float product = 1.0f;
  for (int a = 0; a < 3; ++a) {
    const uint32_t* range = ranges + 2 * (3 * static_cast<size_t>(image) + a);
    box.origin[a] =
        MulRounded(FloatOfOrderedBits(range[0]), scale.inverse_pitch);
    const float last =
        GridPosition(FloatOfOrderedBits(range[1]), box.origin[a], scale);
    const float nodes = floorf(last) + 1.0f + static_cast<float>(degree);
    // Negated, to catch NaN.
    if (!(nodes <= static_cast<float>(max_nodes))) {
      product = FloatOfBits(0x7F800000u);
      box.nodes[a] = 1;
    } else {
      product *= nodes;
      box.nodes[a] = static_cast<int>(nodes);
    }
  }
  if (flags[image] != 0 || !(product <= static_cast<float>(max_nodes))) {
    if (flags[image] == 0) AtomicOr(&flags[image], kCudaColorRange);
    for (int a = 0; a < 3; ++a) box.nodes[a] = 1 + degree;
  }
  box.count = box.nodes[0] * box.nodes[1] * box.nodes[2];
  boxes[image] = box;
}

// The lowest node of each pixel's cell. Grid: blocks of pixels, images.
__global__ __launch_bounds__(kGridThreads) void FindCellsKernel(
    const float* images, const ColorBox* boxes, const uint32_t* flags, int size,
    GridScale scale, uint32_t* keys) {
  const int i = BlockX() * kGridThreads + ThreadX();
  if (i >= size) return;
  const size_t image = static_cast<size_t>(BlockY());
  const ColorBox& box = boxes[image];
  int cell = 0;
  if (flags[image] == 0) {
    for (int a = 0; a < 3; ++a) {
      const float color = images[(3 * image + a) * size + i];
      cell = cell * box.nodes[a] +
             static_cast<int>(GridPosition(color, box.origin[a], scale));
    }
  }
  keys[image * size + i] = static_cast<uint32_t>(cell);
}

// What splat and slice need of each pixel, in the order of cells.
__global__ __launch_bounds__(kGridThreads) void GatherPixelsKernel(
    const float* images, const ColorBox* boxes, const uint32_t* flags,
    const uint32_t* order, int size, GridScale scale, SortedPixel* pixels) {
  const int p = BlockX() * kGridThreads + ThreadX();
  if (p >= size) return;
  const size_t image = static_cast<size_t>(BlockY());
  SortedPixel pixel = {};
  pixel.index = order[image * size + p];
  if (flags[image] == 0) {
    for (int a = 0; a < 3; ++a) {
      const float color = images[(3 * image + a) * size + pixel.index];
      const float position = GridPosition(color, boxes[image].origin[a], scale);
      pixel.offsets[a] = position - floorf(position);
    }
  }
  pixels[image * size + p] = pixel;
}

// B-spline weights of degree kDegree of a cell's nodes.
template <int kDegree>
__device__ __forceinline__ void SplineWeights(float t,
                                              float (&weights)[kDegree + 1]) {
  const float s = 1.0f - t;
  if (kDegree == 1) {
    weights[0] = s;
    weights[kDegree] = t;
  } else {
    weights[0] = 0.5f * s * s;
    weights[kDegree] = 0.5f * t * t;
    weights[1] = 1.0f - weights[0] - weights[kDegree];
  }
}
// The weight of one node of them.
template <int kDegree>
__device__ __forceinline__ float SplineWeight(float t, int node) {
  float weights[kDegree + 1];
  SplineWeights<kDegree>(t, weights);
  float weight = weights[0];
  VISION_UNROLL
  for (int n = 1; n <= kDegree; ++n) weight = n == node ? weights[n] : weight;
  return weight;
}

// The spatial functions: tables [width or height, functions].
struct SpatialTables {
  const float* x;
  const float* y;
  int functions;
  int first;  // Of lane 0.
};

// The lane's function at a pixel; 0 for lanes beyond the functions.
template <int kGroup>
__device__ __forceinline__ float SpatialFunction(const SpatialTables& tables,
                                                 int x, int y) {
  const int function = tables.first + Lane() / kGroup;
  if (function >= tables.functions) return 0.0f;
  return tables.x[static_cast<size_t>(x) * tables.functions + function] *
         tables.y[static_cast<size_t>(y) * tables.functions + function];
}

// nodes = B^T D(phi) in: a block for each node. `in` is the first of kGroup
// maps of image 0. Grid: max_nodes, images.
template <int kDegree, int kGroup>
__global__ __launch_bounds__(kGridThreads, 8) void SplatNodesKernel(
    const SortedPixel* pixels, const uint32_t* starts, const ColorBox* boxes,
    SpatialTables tables, const float* in, size_t image_stride, int size,
    int width, int max_nodes, float* nodes) {
  struct Staged {
    float values[kGroup][kWarpSize];  // Weight times map.
    int x[kWarpSize], y[kWarpSize];
  };
  struct Shared {
    Staged staged[kGridWarps];
    float sums[kGridWarps][kGridLanes];
  };
  VISION_SHARED(Shared, shared);
  const size_t image = static_cast<size_t>(BlockY());
  const ColorBox& box = boxes[image];
  const int node = BlockX();
  if (node >= box.count) return;  // The whole block.
  const int n2 = node % box.nodes[2];
  const int n1 = node / box.nodes[2] % box.nodes[1];
  const int n0 = node / box.nodes[2] / box.nodes[1];
  pixels += image * size;
  starts += image * (static_cast<size_t>(max_nodes) + 1);
  in += image * image_stride;
  Staged& staged = shared.staged[WarpOfBlock()];

  // Cells that differ along the last axis follow each other, so the cells
  // around a node are a square of runs of pixels; lane r finds run r.
  constexpr int kNodes = kDegree + 1;
  const auto last_cell_of = [&](int run) {
    return ((n0 - run / kNodes) * box.nodes[1] + n1 - run % kNodes) *
               box.nodes[2] +
           n2;
  };
  unsigned run_begin = 0;
  unsigned run_end = 0;
  if (Lane() < kNodes * kNodes && Lane() / kNodes <= n0 &&
      Lane() % kNodes <= n1) {
    const int last_cell = last_cell_of(Lane());
    run_begin = starts[last_cell - (n2 < kDegree ? n2 : kDegree)];
    run_end = starts[last_cell + 1];
  }
  unsigned runs = Ballot(run_begin < run_end);
  float* target = nodes + (image * max_nodes + node) * kGridLanes + Lane();
  if (runs == 0) {  // The whole block, as all warps have the same runs.
    if (WarpOfBlock() == 0) *target = 0.0f;
    return;
  }

  float sum = 0.0f;
  int chunk = 0;  // Chunks of 32 pixels go to the warps in turn.
  for (; runs != 0; runs &= runs - 1) {
    const int run = LowestBit(runs);
    const int last_cell = last_cell_of(run);
    const int begin = static_cast<int>(Shuffle(run_begin, run));
    const int end = static_cast<int>(Shuffle(run_end, run));
    for (int p0 = begin; p0 < end; p0 += kWarpSize, ++chunk) {
      if (chunk % kGridWarps != WarpOfBlock()) continue;
      const int count = end - p0 < kWarpSize ? end - p0 : kWarpSize;
      SyncWarp();
      if (Lane() < count) {
        const int p = p0 + Lane();
        const SortedPixel pixel = pixels[p];
        // The node is the c-th of the pixel's cell, last_cell - c.
        int c = 0;
        while (p < static_cast<int>(starts[last_cell - c])) ++c;
        const float weight =
            SplineWeight<kDegree>(pixel.offsets[0], run / kNodes) *
            SplineWeight<kDegree>(pixel.offsets[1], run % kNodes) *
            SplineWeight<kDegree>(pixel.offsets[2], c);
        const int y = static_cast<int>(pixel.index) / width;
        staged.x[Lane()] = static_cast<int>(pixel.index) - y * width;
        staged.y[Lane()] = y;
        for (int k = 0; k < kGroup; ++k) {
          staged.values[k][Lane()] =
              weight * in[static_cast<size_t>(k) * size + pixel.index];
        }
      }
      SyncWarp();
      for (int q = 0; q < count; ++q) {
        sum = FusedMultiplyAdd(
            staged.values[Lane() % kGroup][q],
            SpatialFunction<kGroup>(tables, staged.x[q], staged.y[q]), sum);
      }
    }
  }
  shared.sums[WarpOfBlock()][Lane()] = sum;
  SyncBlock();
  if (WarpOfBlock() == 0) {
    float total = shared.sums[0][Lane()];
    for (int warp = 1; warp < kGridWarps; ++warp) {
      total += shared.sums[warp][Lane()];
    }
    *target = total;
  }
}

// One pass of the separable blur, along `axis`. A thread for each node and
// lane. Grid: blocks, images.
__global__ __launch_bounds__(kBlurThreads) void BlurNodesKernel(
    const ColorBox* boxes, const __grid_constant__ BlurTaps blur, int axis,
    int max_nodes, const float* from, float* to) {
  const size_t image = static_cast<size_t>(BlockY());
  const ColorBox& box = boxes[image];
  const int node = BlockX() * (kBlurThreads / kGridLanes) + WarpOfBlock();
  if (node >= box.count) return;
  int stride = 1;
  for (int a = 2; a > axis; --a) stride *= box.nodes[a];
  const int position = node / stride % box.nodes[axis];
  const int last = box.nodes[axis] - 1 - position;
  from += (image * max_nodes + node) * kGridLanes + Lane();
  const int below = position < blur.radius ? position : blur.radius;
  const int above = last < blur.radius ? last : blur.radius;
  float sum = 0.0f;
  for (int d = -below; d <= above; ++d) {
    sum = FusedMultiplyAdd(
        blur.taps[d < 0 ? -d : d],
        from[static_cast<ptrdiff_t>(d) * stride * kGridLanes], sum);
  }
  to[(image * max_nodes + node) * kGridLanes + Lane()] = sum;
}

// out (+)= D(phi) B nodes, summed over the lanes of each channel. A warp takes
// 32 pixels, which share few cells: the values at a cell's nodes stay in
// registers. Grid: blocks of kGridThreads pixels, images.
template <int kDegree, int kGroup>
__global__ __launch_bounds__(kGridThreads, 6) void SlicePixelsKernel(
    const SortedPixel* pixels, const uint32_t* sorted_cells,
    const ColorBox* boxes, SpatialTables tables, const float* nodes, int size,
    int width, int max_nodes, bool accumulate, float* out,
    size_t image_stride) {
  constexpr int kNodes = kDegree + 1;
  struct Staged {
    float weights[3][kNodes][kWarpSize];
    int x[kWarpSize], y[kWarpSize], cells[kWarpSize];
    float products[kWarpSize][kGridLanes + 1];
  };
  using Shared = Staged[kGridWarps];
  VISION_SHARED(Shared, shared);
  Staged& staged = shared[WarpOfBlock()];
  const size_t image = static_cast<size_t>(BlockY());
  const ColorBox& box = boxes[image];
  const int p0 = BlockX() * kGridThreads + WarpOfBlock() * kWarpSize;
  if (p0 >= size) return;  // The whole warp.
  const int count = size - p0 < kWarpSize ? size - p0 : kWarpSize;
  nodes += image * static_cast<size_t>(max_nodes) * kGridLanes + Lane();

  uint32_t index = 0;
  if (Lane() < count) {
    const SortedPixel pixel = pixels[image * size + p0 + Lane()];
    index = pixel.index;
    for (int a = 0; a < 3; ++a) {
      float weights[kNodes];
      SplineWeights<kDegree>(pixel.offsets[a], weights);
      for (int n = 0; n < kNodes; ++n)
        staged.weights[a][n][Lane()] = weights[n];
    }
    const int y = static_cast<int>(index) / width;
    staged.x[Lane()] = static_cast<int>(index) - y * width;
    staged.y[Lane()] = y;
    staged.cells[Lane()] =
        static_cast<int>(sorted_cells[image * size + p0 + Lane()]);
  }
  SyncWarp();
  int loaded_cell = -1;
  float values[kNodes][kNodes][kNodes];
  for (int q = 0; q < count; ++q) {
    const int cell = staged.cells[q];
    if (cell != loaded_cell) {
      loaded_cell = cell;
      VISION_UNROLL
      for (int a = 0; a < kNodes; ++a) {
        VISION_UNROLL
        for (int b = 0; b < kNodes; ++b) {
          const size_t line =
              static_cast<size_t>(cell) +
              (static_cast<size_t>(a) * box.nodes[1] + b) * box.nodes[2];
          VISION_UNROLL
          for (int c = 0; c < kNodes; ++c) {
            values[a][b][c] = nodes[(line + c) * kGridLanes];
          }
        }
      }
    }
    float sum = 0.0f;
    VISION_UNROLL
    for (int a = 0; a < kNodes; ++a) {
      float plane = 0.0f;
      VISION_UNROLL
      for (int b = 0; b < kNodes; ++b) {
        float line = 0.0f;
        VISION_UNROLL
        for (int c = 0; c < kNodes; ++c) {
          line =
              FusedMultiplyAdd(staged.weights[2][c][q], values[a][b][c], line);
        }
        plane = FusedMultiplyAdd(staged.weights[1][b][q], line, plane);
      }
      sum = FusedMultiplyAdd(staged.weights[0][a][q], plane, sum);
    }
    staged.products[q][Lane()] =
        sum * SpatialFunction<kGroup>(tables, staged.x[q], staged.y[q]);
  }
  SyncWarp();
  if (Lane() >= count) return;
  out += image * image_stride;
  for (int k = 0; k < kGroup; ++k) {
    float sum = 0.0f;
    for (int l = k; l < kGridLanes; l += kGroup) {
      sum += staged.products[Lane()][l];
    }
    float& target = out[static_cast<size_t>(k) * size + index];
    target = accumulate ? target + sum : sum;
  }
}

}  // namespace cuda_internal
}  // namespace vision

#endif  // VISION_CRF_CUDA_GRID_KERNELS_CUH_
