#include "vision/crf/grid_bilateral_filter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "hwy/aligned_allocator.h"
#include "vision/base/status_util.h"
#include "vision/crf/low_rank_gaussian.h"
#include "vision/crf/symmetric_eigen.h"

// The code between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE is compiled
// once for each instruction set; the best one for the CPU is chosen at run
// time. Vectors without a compile-time size (SVE, RVV) cannot be kept in
// arrays.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vision/crf/grid_bilateral_filter.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#ifndef VISION_CRF_GRID_BILATERAL_FILTER_CC_
#define VISION_CRF_GRID_BILATERAL_FILTER_CC_
namespace vision {
namespace grid_internal {

// Pixels whose spline weights are computed together.
constexpr int kChunk = 32;

// What splat and slice read. A "lane" is one pair of a channel and a spatial
// function; a block has 16 or 32 of them. The channels of a group of one or two
// alternate: lane = function * group + channel.
struct Block {
  const GridBilateralFilter::Cell* cells;
  size_t num_cells;
  const GridBilateralFilter::Pixel* pixels;  // Sorted by cell.
  const float* offsets[3];
  size_t plane_stride;  // In nodes.
  size_t line_stride;
  size_t width;
  size_t size;           // Pixels of the image.
  const float* table_x;  // [width, lanes]: the functions of x, for each lane.
  const float* table_y;  // [height, lanes].
};

}  // namespace grid_internal
}  // namespace vision
#endif  // VISION_CRF_GRID_BILATERAL_FILTER_CC_

HWY_BEFORE_NAMESPACE();
namespace vision {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using grid_internal::Block;
using grid_internal::kChunk;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr int kVectorLanes = static_cast<int>(hn::MaxLanes(D()));
// Register blocking: with 32 registers of 16 lanes all nodes of a plane of a
// cell can be accumulated at once, else one line of them.
constexpr bool kManyRegisters = kVectorLanes == 16;
constexpr int kMaxVectors = kManyRegisters ? 2 : 4;  // Of a block, at a time.
constexpr int kSlicePixels = kManyRegisters ? 8 : 2;

// B-spline weights of degree kNodes - 1 at offset t in [0, 1) of a cell.
template <int kNodes>
HWY_INLINE void SplineWeights(V t, V* weights) {
  const D d;
  const V one = hn::Set(d, 1.0f);
  const V s = hn::Sub(one, t);
  if constexpr (kNodes == 2) {
    weights[0] = s;
    weights[1] = t;
  } else {
    static_assert(kNodes == 3, "Linear and quadratic splines only");
    const V half = hn::Set(d, 0.5f);
    weights[0] = hn::Mul(half, hn::Mul(s, s));
    weights[2] = hn::Mul(half, hn::Mul(t, t));
    weights[1] = hn::Sub(hn::Sub(one, weights[0]), weights[2]);
  }
}

// weights[node][pixel] of `count` <= kChunk pixels from `begin`, for the
// kNodes^3 nodes of their cell. Pixels up to a whole vector get some finite
// value.
template <int kNodes>
HWY_INLINE void CellWeights(const Block& block, int begin, int count,
                            float (*weights)[kChunk]) {
  const D d;
  for (int q = 0; q < count; q += kVectorLanes) {
    V w[3][kNodes];
    for (int axis = 0; axis < 3; ++axis) {
      SplineWeights<kNodes>(hn::LoadU(d, block.offsets[axis] + begin + q),
                            w[axis]);
    }
    int node = 0;
    for (int a = 0; a < kNodes; ++a) {
      for (int b = 0; b < kNodes; ++b) {
        const V ab = hn::Mul(w[0][a], w[1][b]);
        for (int c = 0; c < kNodes; ++c) {
          hn::Store(hn::Mul(ab, w[2][c]), d, weights[node++] + q);
        }
      }
    }
  }
}

// The values of the group's channels at a pixel, spread over the lanes.
template <int kGroup>
HWY_INLINE V SpreadValue(const float* values, size_t size, int vector) {
  const D d;
  if constexpr (kGroup == 1) {
    (void)size, (void)vector;
    return hn::Set(d, values[0]);
  } else {
#if HWY_TARGET == HWY_SCALAR
    return hn::Set(d, values[(vector % 2) * size]);
#else
    (void)vector;
    return hn::OddEven(hn::Set(d, values[size]), hn::Set(d, values[0]));
#endif
  }
}

// Adds the lanes of each channel of the group to its sum.
template <int kGroup, class Tag, class Vector>
HWY_INLINE void SumLanes(Tag d, Vector v, float* sums) {
  constexpr size_t kLanes = hn::MaxLanes(Tag());
#if HWY_TARGET != HWY_SCALAR
  if constexpr (kLanes > 4) {
    const hn::Half<Tag> half;
    SumLanes<kGroup>(
        half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)), sums);
    return;
  }
#endif
  HWY_ALIGN float lanes[kLanes];
  hn::Store(v, d, lanes);
  for (size_t l = 0; l < kLanes; ++l) sums[l % kGroup] += lanes[l];
}

// Adds kVectors vectors of `values` [count, lanes], weighted, to kLines lines
// of kNodes nodes.
template <int kNodes, int kLines, int kVectors>
HWY_INLINE void SplatLines(const float (*weights)[kChunk], const float* values,
                           int count, int lanes, size_t line_floats,
                           float* grid) {
  const D d;
  V sum[kLines][kNodes][kVectors];
  for (int b = 0; b < kLines; ++b) {
    for (int c = 0; c < kNodes; ++c) {
      for (int v = 0; v < kVectors; ++v) {
        sum[b][c][v] =
            hn::Load(d, grid + b * line_floats + c * lanes + v * kVectorLanes);
      }
    }
  }
  for (int q = 0; q < count; ++q) {
    V value[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      value[v] = hn::Load(d, values + q * lanes + v * kVectorLanes);
    }
    for (int b = 0; b < kLines; ++b) {
      for (int c = 0; c < kNodes; ++c) {
        const V weight = hn::Set(d, weights[b * kNodes + c][q]);
        for (int v = 0; v < kVectors; ++v) {
          sum[b][c][v] = hn::MulAdd(weight, value[v], sum[b][c][v]);
        }
      }
    }
  }
  for (int b = 0; b < kLines; ++b) {
    for (int c = 0; c < kNodes; ++c) {
      for (int v = 0; v < kVectors; ++v) {
        hn::Store(sum[b][c][v], d,
                  grid + b * line_floats + c * lanes + v * kVectorLanes);
      }
    }
  }
}

// grid += B^T D(phi) in, over the lanes of a block.
template <int kNodes, int kLanes, int kGroup>
void Splat(const Block& block, const float* in, float* grid) {
  const D d;
  constexpr int kLines = kManyRegisters ? kNodes : 1;
  constexpr int kVectors = std::min(kLanes / kVectorLanes, kMaxVectors);
  HWY_ALIGN float weights[kNodes * kNodes * kNodes][kChunk];
  HWY_ALIGN float values[kChunk * kLanes];
  for (size_t cell = 0; cell < block.num_cells; ++cell) {
    const int end = block.cells[cell].end;
    for (int begin = block.cells[cell].begin; begin < end; begin += kChunk) {
      const int count = std::min(kChunk, end - begin);
      CellWeights<kNodes>(block, begin, count, weights);
      for (int q = 0; q < count; ++q) {
        const size_t x = static_cast<size_t>(block.pixels[begin + q].x);
        const size_t y = static_cast<size_t>(block.pixels[begin + q].y);
        const float* channel = in + y * block.width + x;
        for (int v = 0; v < kLanes / kVectorLanes; ++v) {
          const int lane = v * kVectorLanes;
          const V phi = hn::Mul(hn::Load(d, block.table_x + x * kLanes + lane),
                                hn::Load(d, block.table_y + y * kLanes + lane));
          hn::Store(hn::Mul(SpreadValue<kGroup>(channel, block.size, v), phi),
                    d, values + q * kLanes + lane);
        }
      }
      for (int a = 0; a < kNodes; ++a) {
        for (int b = 0; b < kNodes; b += kLines) {
          float* line =
              grid + (static_cast<size_t>(block.cells[cell].node) +
                      a * block.plane_stride + b * block.line_stride) *
                         kLanes;
          for (int lane = 0; lane < kLanes; lane += kVectors * kVectorLanes) {
            SplatLines<kNodes, kLines, kVectors>(
                weights + (a * kNodes + b) * kNodes, values + lane, count,
                kLanes, block.line_stride * kLanes, line + lane);
          }
        }
      }
    }
  }
}

// Interpolates the grid at kPixels pixels from `begin` + `q0` of a cell and
// adds their sums over the spatial functions to `out`.
template <int kNodes, int kLanes, int kGroup, int kPixels>
HWY_INLINE void SlicePixels(const Block& block, const float (*weights)[kChunk],
                            const float* cell_grid, int begin, int q0,
                            float* out) {
  const D d;
  constexpr int kVectors = std::min(kLanes / kVectorLanes, kMaxVectors);
  float sums[kPixels][kGroup] = {};
  for (int lane = 0; lane < kLanes; lane += kVectors * kVectorLanes) {
    V sum[kPixels][kVectors];
    for (int q = 0; q < kPixels; ++q) {
      for (int v = 0; v < kVectors; ++v) sum[q][v] = hn::Zero(d);
    }
    for (int a = 0; a < kNodes; ++a) {
      for (int b = 0; b < kNodes; ++b) {
        const float* line =
            cell_grid +
            (a * block.plane_stride + b * block.line_stride) * kLanes;
        for (int c = 0; c < kNodes; ++c) {
          V node[kVectors];
          for (int v = 0; v < kVectors; ++v) {
            node[v] = hn::Load(d, line + c * kLanes + lane + v * kVectorLanes);
          }
          const float* weight = weights[(a * kNodes + b) * kNodes + c] + q0;
          for (int q = 0; q < kPixels; ++q) {
            const V w = hn::Set(d, weight[q]);
            for (int v = 0; v < kVectors; ++v) {
              sum[q][v] = hn::MulAdd(w, node[v], sum[q][v]);
            }
          }
        }
      }
    }
    for (int q = 0; q < kPixels; ++q) {
      const size_t x = static_cast<size_t>(block.pixels[begin + q0 + q].x);
      const size_t y = static_cast<size_t>(block.pixels[begin + q0 + q].y);
      const float* table_x = block.table_x + x * kLanes + lane;
      const float* table_y = block.table_y + y * kLanes + lane;
      V dot[kVectors];
      for (int v = 0; v < kVectors; ++v) {
        const V phi = hn::Mul(hn::Load(d, table_x + v * kVectorLanes),
                              hn::Load(d, table_y + v * kVectorLanes));
        dot[v] = hn::Mul(sum[q][v], phi);
      }
      if constexpr (kVectorLanes % kGroup == 0) {
        for (int v = 1; v < kVectors; ++v) dot[0] = hn::Add(dot[0], dot[v]);
        SumLanes<kGroup>(d, dot[0], sums[q]);
      } else {
        for (int v = 0; v < kVectors; ++v) {
          sums[q][v % kGroup] += hn::GetLane(dot[v]);
        }
      }
    }
  }
  for (int q = 0; q < kPixels; ++q) {
    const Block& b = block;
    const size_t i = static_cast<size_t>(b.pixels[begin + q0 + q].y) * b.width +
                     static_cast<size_t>(b.pixels[begin + q0 + q].x);
    for (int k = 0; k < kGroup; ++k) out[k * b.size + i] += sums[q][k];
  }
}

// out += D(phi) B grid, summed over the functions of a block.
template <int kNodes, int kLanes, int kGroup>
void Slice(const Block& block, const float* grid, float* out) {
  HWY_ALIGN float weights[kNodes * kNodes * kNodes][kChunk];
  for (size_t cell = 0; cell < block.num_cells; ++cell) {
    const int end = block.cells[cell].end;
    const float* cell_grid =
        grid + static_cast<size_t>(block.cells[cell].node) * kLanes;
    for (int begin = block.cells[cell].begin; begin < end; begin += kChunk) {
      const int count = std::min(kChunk, end - begin);
      CellWeights<kNodes>(block, begin, count, weights);
      int q = 0;
      for (; q + kSlicePixels <= count; q += kSlicePixels) {
        SlicePixels<kNodes, kLanes, kGroup, kSlicePixels>(
            block, weights, cell_grid, begin, q, out);
      }
      if constexpr (kSlicePixels == 8) {
        for (; q + 3 <= count; q += 3) {
          SlicePixels<kNodes, kLanes, kGroup, 3>(block, weights, cell_grid,
                                                 begin, q, out);
        }
      }
      for (; q < count; ++q) {
        SlicePixels<kNodes, kLanes, kGroup, 1>(block, weights, cell_grid, begin,
                                               q, out);
      }
    }
  }
}

// The instantiations for the sizes given at run time.
template <int kNodes>
void SplatOfDegree(int lanes, int group, const Block& block, const float* in,
                   float* grid) {
  if (lanes == 16) {
    if (group == 1) {
      Splat<kNodes, 16, 1>(block, in, grid);
    } else {
      Splat<kNodes, 16, 2>(block, in, grid);
    }
  } else if (group == 1) {
    Splat<kNodes, 32, 1>(block, in, grid);
  } else {
    Splat<kNodes, 32, 2>(block, in, grid);
  }
}

void SplatBlock(int degree, int lanes, int group, const Block& block,
                const float* in, float* grid) {
  if (degree == 1) {
    SplatOfDegree<2>(lanes, group, block, in, grid);
  } else {
    SplatOfDegree<3>(lanes, group, block, in, grid);
  }
}

template <int kNodes>
void SliceOfDegree(int lanes, int group, const Block& block, const float* grid,
                   float* out) {
  if (lanes == 16) {
    if (group == 1) {
      Slice<kNodes, 16, 1>(block, grid, out);
    } else {
      Slice<kNodes, 16, 2>(block, grid, out);
    }
  } else if (group == 1) {
    Slice<kNodes, 32, 1>(block, grid, out);
  } else {
    Slice<kNodes, 32, 2>(block, grid, out);
  }
}

void SliceBlock(int degree, int lanes, int group, const Block& block,
                const float* grid, float* out) {
  if (degree == 1) {
    SliceOfDegree<2>(lanes, group, block, grid, out);
  } else {
    SliceOfDegree<3>(lanes, group, block, grid, out);
  }
}

// out = sum_k weights[k] * sources[k], over `size` floats, a multiple of 16.
void CombineLines(const float* const* sources, const float* weights, int count,
                  size_t size, float* out) {
  const D d;
  constexpr size_t kUnroll = 4;
  size_t i = 0;
  for (; i + kUnroll * kVectorLanes <= size; i += kUnroll * kVectorLanes) {
    V sum[kUnroll];
    for (size_t u = 0; u < kUnroll; ++u) sum[u] = hn::Zero(d);
    for (int k = 0; k < count; ++k) {
      const V weight = hn::Set(d, weights[k]);
      for (size_t u = 0; u < kUnroll; ++u) {
        sum[u] = hn::MulAdd(
            weight, hn::Load(d, sources[k] + i + u * kVectorLanes), sum[u]);
      }
    }
    for (size_t u = 0; u < kUnroll; ++u) {
      hn::Store(sum[u], d, out + i + u * kVectorLanes);
    }
  }
  for (; i < size; i += kVectorLanes) {
    V sum = hn::Zero(d);
    for (int k = 0; k < count; ++k) {
      sum =
          hn::MulAdd(hn::Set(d, weights[k]), hn::Load(d, sources[k] + i), sum);
    }
    hn::Store(sum, d, out + i);
  }
}

// out[i] = sum_c weights[c] rgb[c * size + i]; range = {least, largest} of
// them.
void Project(const float* rgb, size_t size, const float* weights, float* out,
             float* range) {
  const D d;
  const V r = hn::Set(d, weights[0]);
  const V g = hn::Set(d, weights[1]);
  const V b = hn::Set(d, weights[2]);
  const float* green = rgb + size;
  const float* blue = rgb + 2 * size;
  const auto project = [&](size_t i) HWY_ATTR {
    const V value = hn::MulAdd(b, hn::LoadU(d, blue + i),
                               hn::MulAdd(g, hn::LoadU(d, green + i),
                                          hn::Mul(r, hn::LoadU(d, rgb + i))));
    hn::StoreU(value, d, out + i);
    return value;
  };
  constexpr size_t kStep = kVectorLanes;
  if (size < kStep) {
    for (size_t i = 0; i < size; ++i) {
      out[i] =
          weights[0] * rgb[i] + weights[1] * green[i] + weights[2] * blue[i];
    }
    range[0] = *std::min_element(out, out + size);
    range[1] = *std::max_element(out, out + size);
    return;
  }
  V low = project(0);
  V high = low;
  for (size_t i = kStep; i < size; i += kStep) {
    // The last vector may overlap the one before it.
    const V value = project(std::min(i, size - kStep));
    low = hn::Min(low, value);
    high = hn::Max(high, value);
  }
  range[0] = hn::GetLane(hn::MinOfLanes(d, low));
  range[1] = hn::GetLane(hn::MaxOfLanes(d, high));
}

}  // namespace HWY_NAMESPACE
}  // namespace vision
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vision {

HWY_EXPORT(SplatBlock);
HWY_EXPORT(SliceBlock);
HWY_EXPORT(CombineLines);
HWY_EXPORT(Project);

namespace {

constexpr int kMaxLanes = 32;

// The diagonal of the spatial kernel, one, is where a truncation shows most,
// and towards the image's border: it is evaluated there and at some points
// between.
std::vector<int> SamplePositions(int size) {
  constexpr int kSamples = 17;
  std::vector<int> positions;
  for (int s = 0; s < kSamples; ++s) {
    const int position =
        static_cast<int>(static_cast<int64_t>(size - 1) * s / (kSamples - 1));
    if (positions.empty() || positions.back() != position) {
      positions.push_back(position);
    }
  }
  return positions;
}

// Half of a discrete Gaussian of standard deviation 1 and pitch h for values
// that are spread over the nodes, and read back, by B-splines of degree p. Each
// of these adds a variance of (p + 1) h^2 / 12, which is taken off here. The
// sum is that of the continuous Gaussian, so that the filter is unbiased.
std::vector<float> BlurTaps(int degree, double pitch) {
  const double variance = 1 - (degree + 1) * pitch * pitch / 6;
  // 4.6 standard deviations: the first tap left out is 2e-5 of the middle one.
  const int radius =
      static_cast<int>(std::ceil(4.6 * std::sqrt(variance) / pitch));
  std::vector<double> taps(radius + 1);
  double sum = 0;
  for (int j = 0; j <= radius; ++j) {
    taps[j] = std::exp(-0.5 * j * j * pitch * pitch / variance);
    sum += j == 0 ? taps[j] : 2 * taps[j];
  }
  const double scale = std::sqrt(2 * 3.14159265358979323846) / (pitch * sum);
  std::vector<float> result;
  for (const double tap : taps) {
    result.push_back(static_cast<float>(tap * scale));
  }
  return result;
}

// Three rows, each the direction of an axis of the grid in colour space.
using Rotation = std::array<float, 9>;

// Principal axes of the colours; the kernel is isotropic in colour, so the grid
// may be turned such that the box around the colours is small. The widest axis
// is the last one, that of contiguous nodes.
Rotation PrincipalAxes(const float* rgb_chw, size_t size) {
  constexpr size_t kStep = 7;  // A sample of the pixels is enough.
  std::array<double, 3> mean = {};
  std::array<double, 9> moments = {};
  double count = 0;
  for (size_t i = 0; i < size; i += kStep) {
    for (size_t a = 0; a < 3; ++a) {
      const double value = rgb_chw[a * size + i];
      mean[a] += value;
      for (size_t b = 0; b < 3; ++b) {
        moments[a * 3 + b] += value * rgb_chw[b * size + i];
      }
    }
    ++count;
  }
  std::vector<double> covariance(9);
  for (size_t a = 0; a < 3; ++a) {
    for (size_t b = 0; b < 3; ++b) {
      covariance[a * 3 + b] =
          moments[a * 3 + b] / count - mean[a] / count * mean[b] / count;
    }
  }
  const SymmetricEigen eigen = ComputeSymmetricEigen(covariance, 3);
  Rotation rotation;
  for (size_t a = 0; a < 3; ++a) {
    for (size_t c = 0; c < 3; ++c) {
      rotation[a * 3 + c] = static_cast<float>(eigen.vectors[(2 - a) * 3 + c]);
    }
  }
  return rotation;
}

// Where in a cell, along each axis, splat, blur and slice give a value at its
// own place with weight exactly one. (At others it is up to a few percent more
// or less, unbiased on average.)
double UnbiasedOffset(int degree, const std::vector<float>& taps) {
  const auto self_weight = [&](double t) {
    std::vector<double> w = {1 - t, t};
    if (degree == 2) {
      w = {0.5 * (1 - t) * (1 - t), 0.75 - (t - 0.5) * (t - 0.5), 0.5 * t * t};
    }
    double sum = 0;
    for (size_t a = 0; a < w.size(); ++a) {
      for (size_t b = 0; b < w.size(); ++b) {
        sum += w[a] * w[b] * taps[a > b ? a - b : b - a];
      }
    }
    return sum;
  };
  // Bisection between a place at a node, where the weight is the largest, and
  // one in the middle of two.
  double at_node = degree == 1 ? 0.0 : 0.5;
  double between = degree == 1 ? 0.5 : 1.0;
  for (int step = 0; step < 40; ++step) {
    const double middle = 0.5 * (at_node + between);
    (self_weight(middle) > 1 ? at_node : between) = middle;
  }
  return at_node;
}

}  // namespace

absl::StatusOr<GridBilateralFilter> GridBilateralFilter::Create(
    const float* rgb_chw, int height, int width, double sigma_rgb,
    double sigma_xy_pixels, const GridBilateralFilterOptions& options) {
  GridBilateralFilter filter;
  filter.height_ = height;
  filter.width_ = width;
  filter.degree_ = options.spline_degree;
  VISION_RETURN_IF_ERROR(
      filter.PlanSpace(sigma_xy_pixels, options.spatial_tolerance));
  VISION_RETURN_IF_ERROR(filter.PlanColors(rgb_chw, sigma_rgb, options));
  return filter;
}

absl::Status GridBilateralFilter::PlanSpace(double sigma_xy_pixels,
                                            double tolerance) {
  const auto too_small = [&] {
    return absl::InvalidArgumentError(absl::StrCat(
        "The grid filter needs a sigma_xy_pixels of the order of the image "
        "(about a sixth of its sides or more), got ",
        sigma_xy_pixels, " for ", height_, " x ", width_,
        "; use the exact method"));
  };
  // One-dimensional factors are made a hundred times more accurate than their
  // truncated product; more than 32 of them would make too many products.
  constexpr int kMaxRank = 32;
  const std::optional<LowRankGaussian> along_x =
      FactorizeGaussian(width_, sigma_xy_pixels, 0.01 * tolerance, kMaxRank);
  if (!along_x.has_value()) return too_small();
  const std::optional<LowRankGaussian> along_y =
      height_ == width_ ? along_x
                        : FactorizeGaussian(height_, sigma_xy_pixels,
                                            0.01 * tolerance, kMaxRank);
  if (!along_y.has_value()) return too_small();

  // Products in the order of their energy, until the diagonal is close to one.
  struct Product {
    double energy;
    int a, b;
  };
  std::vector<Product> products;
  for (int a = 0; a < along_x->rank; ++a) {
    for (int b = 0; b < along_y->rank; ++b) {
      products.push_back({along_x->energies[a] * along_y->energies[b], a, b});
    }
  }
  std::stable_sort(products.begin(), products.end(),
                   [](const Product& left, const Product& right) {
                     return left.energy > right.energy;
                   });
  const std::vector<int> xs = SamplePositions(width_);
  const std::vector<int> ys = SamplePositions(height_);
  std::vector<double> diagonal(xs.size() * ys.size(), 0.0);
  size_t count = 0;
  while (count < products.size()) {
    const auto [energy, a, b] = products[count++];
    double least = 1;
    for (size_t j = 0; j < ys.size(); ++j) {
      const double fy =
          along_y->functions[static_cast<size_t>(b) * height_ + ys[j]];
      for (size_t i = 0; i < xs.size(); ++i) {
        const double phi =
            fy * along_x->functions[static_cast<size_t>(a) * width_ + xs[i]];
        double& value = diagonal[j * xs.size() + i];
        value += phi * phi;
        least = std::min(least, value);
      }
    }
    if (1 - least <= tolerance) break;
  }
  // Filters up the vectors: more functions there cost nothing.
  constexpr size_t kMultiple = 8;
  const size_t padded = (count + kMultiple - 1) / kMultiple * kMultiple;
  if (padded > kMaxFunctions) return too_small();
  count = std::min(padded, products.size());

  num_functions_ = static_cast<int>(padded);
  functions_x_.assign(padded * width_, 0.0f);
  functions_y_.assign(padded * height_, 0.0f);
  for (size_t m = 0; m < count; ++m) {
    std::copy_n(along_x->functions.begin() +
                    static_cast<ptrdiff_t>(products[m].a) * width_,
                width_, functions_x_.begin() + m * width_);
    std::copy_n(along_y->functions.begin() +
                    static_cast<ptrdiff_t>(products[m].b) * height_,
                height_, functions_y_.begin() + m * height_);
  }
  return absl::OkStatus();
}

absl::Status GridBilateralFilter::PlanColors(
    const float* rgb_chw, double sigma_rgb,
    const GridBilateralFilterOptions& options) {
  const size_t size = static_cast<size_t>(height_) * width_;
  taps_ = BlurTaps(degree_, options.pitch);

  // The lowest colours are put where the weight of a colour with itself is
  // exact: images of one colour, or with much black, gain from it.
  const float shift = static_cast<float>(UnbiasedOffset(degree_, taps_));
  // Axes: the given ones or the principal ones, whichever give the smaller box.
  const double scale = 1 / (sigma_rgb * options.pitch);
  double least_nodes = 0;
  std::array<std::vector<float>, 3> colors;
  std::array<float, 3> low;
  for (const Rotation& rotation :
       {Rotation{0, 1, 0, 1, 0, 0, 0, 0, 1}, PrincipalAxes(rgb_chw, size)}) {
    std::array<std::vector<float>, 3> projected;
    std::array<double, 3> sides;
    std::array<float, 3> lows;
    double nodes = 1;
    for (size_t a = 0; a < 3; ++a) {
      float weights[3];
      for (size_t c = 0; c < 3; ++c) {
        weights[c] = static_cast<float>(rotation[a * 3 + c] * scale);
      }
      projected[a].resize(size);
      float range[2];
      HWY_DYNAMIC_DISPATCH(Project)
      (rgb_chw, size, weights, projected[a].data(), range);
      lows[a] = range[0];
      // In the arithmetic of the loop below.
      sides[a] = std::floor(static_cast<double>(range[1] - range[0] + shift)) +
                 1 + degree_;
      nodes *= sides[a];
    }
    if (least_nodes == 0 || nodes < least_nodes) {
      least_nodes = nodes;
      colors = std::move(projected);
      low = lows;
      if (nodes <= kMaxNodes) {
        for (size_t a = 0; a < 3; ++a) nodes_[a] = static_cast<int>(sides[a]);
      }
    }
  }
  // Negated, to catch the NaN of an overflow.
  if (!(least_nodes <= kMaxNodes)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "The grid filter needs ", least_nodes, " nodes for sigma_rgb ",
        sigma_rgb, " and the colours of the image, more than ", kMaxNodes,
        "; use a larger sigma_rgb or the exact method"));
  }

  // Cell and position within it of each pixel.
  const size_t num_nodes =
      static_cast<size_t>(nodes_[0]) * nodes_[1] * nodes_[2];
  std::vector<int32_t> cell_of(size, 0);
  for (size_t a = 0; a < 3; ++a) {
    const float origin = low[a];
    const int32_t factor = a == 0 ? 0 : nodes_[a];
    float* color = colors[a].data();
    for (size_t i = 0; i < size; ++i) {
      const float position = color[i] - origin + shift;
      const int32_t node = static_cast<int32_t>(position);  // Not negative.
      color[i] = position - static_cast<float>(node);
      cell_of[i] = cell_of[i] * factor + node;
    }
  }

  // Counting sort by cell.
  std::vector<int32_t> next(num_nodes + 1, 0);
  for (size_t i = 0; i < size; ++i) ++next[cell_of[i] + 1];
  const size_t num_lines = static_cast<size_t>(nodes_[0]) * nodes_[1];
  line_is_used_.assign(num_lines, 0);
  for (size_t node = 0; node < num_nodes; ++node) {
    const int32_t count = next[node + 1];
    next[node + 1] += next[node];
    if (count == 0) continue;
    cells_.push_back({static_cast<int64_t>(node), next[node], next[node + 1]});
    const size_t line = node / nodes_[2];
    for (int a = 0; a <= degree_; ++a) {
      for (int b = 0; b <= degree_; ++b) {
        line_is_used_[line + static_cast<size_t>(a) * nodes_[1] + b] = 1;
      }
    }
  }
  pixels_.resize(size);
  for (std::vector<float>& offsets : offsets_) {
    offsets.assign(size + grid_internal::kChunk, 0.0f);
  }
  size_t i = 0;
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x, ++i) {
      const size_t position = static_cast<size_t>(next[cell_of[i]]++);
      pixels_[position] = {x, y};
      for (size_t a = 0; a < 3; ++a) offsets_[a][position] = colors[a][i];
    }
  }

  // Lines within the blur's reach of a used one along the first axis.
  const int radius = static_cast<int>(taps_.size()) - 1;
  line_is_between_.assign(num_lines, 0);
  for (int r = 0; r < nodes_[0]; ++r) {
    for (int g = 0; g < nodes_[1]; ++g) {
      if (!line_is_used_[static_cast<size_t>(r) * nodes_[1] + g]) continue;
      const int last = std::min(nodes_[0] - 1, r + radius);
      for (int q = std::max(0, r - radius); q <= last; ++q) {
        line_is_between_[static_cast<size_t>(q) * nodes_[1] + g] = 1;
      }
    }
  }
  return absl::OkStatus();
}

void GridBilateralFilter::Blur(int lanes, float* grid, float* scratch) const {
  const int radius = static_cast<int>(taps_.size()) - 1;
  const size_t line_floats = static_cast<size_t>(nodes_[2]) * lanes;
  std::vector<const float*> sources(2 * radius + 1);
  std::vector<float> weights(2 * radius + 1);
  const auto combine = [](const float* const* lines, const float* line_weights,
                          int count, size_t floats, float* out) {
    HWY_DYNAMIC_DISPATCH(CombineLines)(lines, line_weights, count, floats, out);
  };
  const auto line_at = [&](int r, int g) {
    return static_cast<size_t>(r) * nodes_[1] + g;
  };

  // Along the last axis, whose nodes are neighbours in memory.
  for (size_t line = 0; line < line_is_used_.size(); ++line) {
    if (!line_is_used_[line]) continue;
    const float* from = grid + line * line_floats;
    float* to = scratch + line * line_floats;
    for (int b = 0; b < nodes_[2]; ++b) {
      const int first = std::max(0, b - radius);
      const int last = std::min(nodes_[2] - 1, b + radius);
      int count = 0;
      for (int q = first; q <= last; ++q) {
        sources[count] = from + static_cast<size_t>(q) * lanes;
        weights[count++] = taps_[std::abs(q - b)];
      }
      combine(sources.data(), weights.data(), count, lanes,
              to + static_cast<size_t>(b) * lanes);
    }
  }
  // Along the middle axis. Lines without a source stay undefined.
  std::vector<uint8_t> is_defined(line_is_used_.size(), 0);
  for (int r = 0; r < nodes_[0]; ++r) {
    for (int g = 0; g < nodes_[1]; ++g) {
      if (!line_is_between_[line_at(r, g)]) continue;
      const int last = std::min(nodes_[1] - 1, g + radius);
      int count = 0;
      for (int q = std::max(0, g - radius); q <= last; ++q) {
        if (!line_is_used_[line_at(r, q)]) continue;
        sources[count] = scratch + line_at(r, q) * line_floats;
        weights[count++] = taps_[std::abs(q - g)];
      }
      if (count == 0) continue;
      is_defined[line_at(r, g)] = 1;
      combine(sources.data(), weights.data(), count, line_floats,
              grid + line_at(r, g) * line_floats);
    }
  }
  // Along the first axis.
  for (int r = 0; r < nodes_[0]; ++r) {
    for (int g = 0; g < nodes_[1]; ++g) {
      if (!line_is_used_[line_at(r, g)]) continue;
      const int last = std::min(nodes_[0] - 1, r + radius);
      int count = 0;
      for (int q = std::max(0, r - radius); q <= last; ++q) {
        if (!is_defined[line_at(q, g)]) continue;
        sources[count] = grid + line_at(q, g) * line_floats;
        weights[count++] = taps_[std::abs(q - r)];
      }
      combine(sources.data(), weights.data(), count, line_floats,
              scratch + line_at(r, g) * line_floats);
    }
  }
}

void GridBilateralFilter::Filter(const float* in, int channels,
                                 float* out) const {
  const size_t size = static_cast<size_t>(height_) * width_;
  const size_t num_nodes =
      static_cast<size_t>(nodes_[0]) * nodes_[1] * nodes_[2];
  const int total_lanes = num_functions_ * std::min(channels, 2);
  const int max_lanes = std::min(total_lanes <= 16 ? 16 : 32, kMaxLanes);
  const auto grid = hwy::AllocateAligned<float>(num_nodes * max_lanes);
  const auto scratch = hwy::AllocateAligned<float>(num_nodes * max_lanes);
  const auto table_x =
      hwy::AllocateAligned<float>(static_cast<size_t>(width_) * max_lanes);
  const auto table_y =
      hwy::AllocateAligned<float>(static_cast<size_t>(height_) * max_lanes);
  std::fill(out, out + channels * size, 0.0f);

  for (int channel = 0; channel < channels; channel += 2) {
    const int group = std::min(2, channels - channel);
    for (int first = 0; first < num_functions_;) {
      const int left = (num_functions_ - first) * group;
      const int lanes = left <= 16 ? 16 : 32;
      // A row of the table: the functions, each for every channel of the group.
      const auto fill_table = [&](const std::vector<float>& functions,
                                  int length, float* table) {
        std::fill(table, table + static_cast<size_t>(length) * lanes, 0.0f);
        for (int m = 0; m * group < std::min(left, lanes); ++m) {
          const float* function =
              functions.data() + static_cast<size_t>(first + m) * length;
          for (int i = 0; i < length; ++i) {
            for (int k = 0; k < group; ++k) {
              table[i * lanes + m * group + k] = function[i];
            }
          }
        }
      };
      fill_table(functions_x_, width_, table_x.get());
      fill_table(functions_y_, height_, table_y.get());

      grid_internal::Block block;
      block.cells = cells_.data();
      block.num_cells = cells_.size();
      block.pixels = pixels_.data();
      for (size_t a = 0; a < 3; ++a) block.offsets[a] = offsets_[a].data();
      block.plane_stride = static_cast<size_t>(nodes_[1]) * nodes_[2];
      block.line_stride = static_cast<size_t>(nodes_[2]);
      block.width = static_cast<size_t>(width_);
      block.size = size;
      block.table_x = table_x.get();
      block.table_y = table_y.get();

      const size_t line_floats = static_cast<size_t>(nodes_[2]) * lanes;
      for (size_t line = 0; line < line_is_used_.size(); ++line) {
        if (!line_is_used_[line]) continue;
        std::memset(grid.get() + line * line_floats, 0,
                    line_floats * sizeof(float));
      }
      HWY_DYNAMIC_DISPATCH(SplatBlock)
      (degree_, lanes, group, block, in + channel * size, grid.get());
      Blur(lanes, grid.get(), scratch.get());
      HWY_DYNAMIC_DISPATCH(SliceBlock)
      (degree_, lanes, group, block, scratch.get(), out + channel * size);
      first += lanes / group;
    }
  }
}

}  // namespace vision
#endif  // HWY_ONCE
