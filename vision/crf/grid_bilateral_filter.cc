#include "vision/crf/grid_bilateral_filter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "vision/base/status_util.h"
#include "vision/crf/filter_workspace.h"
#include "vision/crf/run_phases.h"
#include "vision/crf/spatial_tiles.h"
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

constexpr int kFunctions = SpatialTiles::kFunctions;
constexpr int kMaxGroup = 2;  // Channels that are filtered together.
constexpr int kMoments = 10;  // 1, a, b, c, aa, ab, ac, bb, bc, cc.
constexpr int kNodes = 3;     // Of a cell, along each axis.

// What splat and slice read. A "lane" is a pair of a channel and a spatial
// function; a node has lane = channel * kFunctions + function.
struct Block {
  const GridBilateralFilter::Cell* cells;
  size_t num_cells;
  const GridBilateralFilter::Pixel* pixels;
  size_t plane_stride;  // In nodes.
  size_t line_stride;
  size_t width;                      // Of the image.
  size_t size;                       // Pixels of the image.
  const SpatialTiles::Row* table_x;  // [tile width].
  const SpatialTiles::Row* table_y;  // [tile height].
};

}  // namespace grid_internal
}  // namespace vision
#endif  // VISION_CRF_GRID_BILATERAL_FILTER_CC_

HWY_BEFORE_NAMESPACE();
namespace vision {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using grid_internal::Block;
using grid_internal::kFunctions;
using grid_internal::kMoments;
using grid_internal::kNodes;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr int kVectorLanes = static_cast<int>(hn::MaxLanes(D()));
// With 32 registers the moments of two channels are kept at once, else of one.
constexpr bool kManyRegisters = kVectorLanes == 16;

// Moments m0, m1, m2 (of 1, u, u^2) along one axis to values at the three
// nodes, whose B-spline weights are (1/2 - u)^2 / 2, 3/4 - u^2 and
// (1/2 + u)^2 / 2.
HWY_INLINE void SpreadMoments(V m0, V m1, V m2, V* nodes) {
  const D d;
  const V half = hn::Set(d, 0.5f);
  const V even = hn::MulAdd(half, m2, hn::Mul(hn::Set(d, 0.125f), m0));
  nodes[0] = hn::NegMulAdd(half, m1, even);
  nodes[1] = hn::MulSub(hn::Set(d, 0.75f), m0, m2);
  nodes[2] = hn::MulAdd(half, m1, even);
}

// The same for m2 = 0.
HWY_INLINE void SpreadMoments(V m0, V m1, V* nodes) {
  const D d;
  const V half = hn::Set(d, 0.5f);
  const V even = hn::Mul(hn::Set(d, 0.125f), m0);
  nodes[0] = hn::NegMulAdd(half, m1, even);
  nodes[1] = hn::Mul(hn::Set(d, 0.75f), m0);
  nodes[2] = hn::MulAdd(half, m1, even);
}

// The same for m1 = m2 = 0.
HWY_INLINE void SpreadMoments(V m0, V* nodes) {
  const D d;
  nodes[0] = hn::Mul(hn::Set(d, 0.125f), m0);
  nodes[1] = hn::Mul(hn::Set(d, 0.75f), m0);
  nodes[2] = nodes[0];
}

// The transposes of SpreadMoments().
HWY_INLINE V GatherMoment0(V n0, V n1, V n2) {
  const D d;
  return hn::MulAdd(hn::Set(d, 0.125f), hn::Add(n0, n2),
                    hn::Mul(hn::Set(d, 0.75f), n1));
}
HWY_INLINE V GatherMoment1(V n0, V n2) {
  const D d;
  return hn::Mul(hn::Set(d, 0.5f), hn::Sub(n2, n0));
}
HWY_INLINE V GatherMoment2(V n0, V n1, V n2) {
  const D d;
  return hn::MulSub(hn::Set(d, 0.5f), hn::Add(n0, n2), n1);
}

// Sums of f(x, y) s u_.. over the pixels of a cell, for the functions from
// `lane` on and kChannels channels from `in`.
template <int kChannels>
HWY_INLINE void SumMoments(const Block& block, int begin, int end, size_t lane,
                           const float* in, V (*m)[kMoments]) {
  const D d;
  for (int k = 0; k < kChannels; ++k) {
    for (int i = 0; i < kMoments; ++i) m[k][i] = hn::Zero(d);
  }
  for (int q = begin; q < end; ++q) {
    const GridBilateralFilter::Pixel& pixel = block.pixels[q];
    const size_t x = pixel.x;
    const size_t y = pixel.y;
    const V f = hn::Mul(hn::Load(d, block.table_x[x].values + lane),
                        hn::Load(d, block.table_y[y].values + lane));
    const V a = hn::Set(d, pixel.u[0]);
    const V b = hn::Set(d, pixel.u[1]);
    const V c = hn::Set(d, pixel.u[2]);
    const float* value = in + y * block.width + x;
    for (int k = 0; k < kChannels; ++k) {
      const V s = hn::Mul(f, hn::Set(d, value[k * block.size]));
      const V sa = hn::Mul(s, a);
      const V sb = hn::Mul(s, b);
      const V sc = hn::Mul(s, c);
      m[k][0] = hn::Add(m[k][0], s);
      m[k][1] = hn::Add(m[k][1], sa);
      m[k][2] = hn::Add(m[k][2], sb);
      m[k][3] = hn::Add(m[k][3], sc);
      m[k][4] = hn::MulAdd(sa, a, m[k][4]);
      m[k][5] = hn::MulAdd(sa, b, m[k][5]);
      m[k][6] = hn::MulAdd(sa, c, m[k][6]);
      m[k][7] = hn::MulAdd(sb, b, m[k][7]);
      m[k][8] = hn::MulAdd(sb, c, m[k][8]);
      m[k][9] = hn::MulAdd(sc, c, m[k][9]);
    }
  }
}

// Adds moments to the 27 nodes of their cell.
HWY_INLINE void AddToNodes(const V* m, size_t plane_floats, size_t line_floats,
                           size_t lanes, float* nodes) {
  const D d;
  V along_c[6][kNodes];  // 1, a, b, aa, ab, bb.
  SpreadMoments(m[0], m[3], m[9], along_c[0]);
  SpreadMoments(m[1], m[6], along_c[1]);
  SpreadMoments(m[2], m[8], along_c[2]);
  SpreadMoments(m[4], along_c[3]);
  SpreadMoments(m[5], along_c[4]);
  SpreadMoments(m[7], along_c[5]);
  // Called for each node along c rather than in a loop, which compilers might
  // not unroll: an index known at run time only keeps arrays out of registers.
  const auto add = [&](int c) HWY_ATTR {
    V along_b[3][kNodes];  // 1, a, aa.
    SpreadMoments(along_c[0][c], along_c[2][c], along_c[5][c], along_b[0]);
    SpreadMoments(along_c[1][c], along_c[4][c], along_b[1]);
    SpreadMoments(along_c[3][c], along_b[2]);
    for (int b = 0; b < kNodes; ++b) {
      V values[kNodes];
      SpreadMoments(along_b[0][b], along_b[1][b], along_b[2][b], values);
      for (int a = 0; a < kNodes; ++a) {
        float* node = nodes + a * plane_floats + b * line_floats + c * lanes;
        hn::Store(hn::Add(hn::Load(d, node), values[a]), d, node);
      }
    }
  };
  add(0);
  add(1);
  add(2);
}

// The transpose of AddToNodes().
HWY_INLINE void GatherFromNodes(const float* nodes, size_t plane_floats,
                                size_t line_floats, size_t lanes, V* m) {
  const D d;
  V along_c[6][kNodes];  // 1, a, b, aa, ab, bb.
  const auto gather = [&](int c) HWY_ATTR {
    V along_b[3][kNodes];  // 1, a, aa.
    for (int b = 0; b < kNodes; ++b) {
      const float* node = nodes + b * line_floats + c * lanes;
      const V n0 = hn::Load(d, node);
      const V n1 = hn::Load(d, node + plane_floats);
      const V n2 = hn::Load(d, node + 2 * plane_floats);
      along_b[0][b] = GatherMoment0(n0, n1, n2);
      along_b[1][b] = GatherMoment1(n0, n2);
      along_b[2][b] = GatherMoment2(n0, n1, n2);
    }
    along_c[0][c] = GatherMoment0(along_b[0][0], along_b[0][1], along_b[0][2]);
    along_c[1][c] = GatherMoment0(along_b[1][0], along_b[1][1], along_b[1][2]);
    along_c[2][c] = GatherMoment1(along_b[0][0], along_b[0][2]);
    along_c[3][c] = GatherMoment0(along_b[2][0], along_b[2][1], along_b[2][2]);
    along_c[4][c] = GatherMoment1(along_b[1][0], along_b[1][2]);
    along_c[5][c] = GatherMoment2(along_b[0][0], along_b[0][1], along_b[0][2]);
  };
  gather(0);
  gather(1);
  gather(2);
  const auto moment0 = [&](int i) HWY_ATTR {
    return GatherMoment0(along_c[i][0], along_c[i][1], along_c[i][2]);
  };
  m[0] = moment0(0);
  m[1] = moment0(1);
  m[2] = moment0(2);
  m[3] = GatherMoment1(along_c[0][0], along_c[0][2]);
  m[4] = moment0(3);
  m[5] = moment0(4);
  m[6] = GatherMoment1(along_c[1][0], along_c[1][2]);
  m[7] = moment0(5);
  m[8] = GatherMoment1(along_c[2][0], along_c[2][2]);
  m[9] = GatherMoment2(along_c[0][0], along_c[0][1], along_c[0][2]);
}

// nodes += B^T D(f) in, for the pixels of the block's cells.
template <int kGroup>
HWY_INLINE void Splat(const Block& block, const float* in, float* nodes) {
  constexpr int kChannels = kManyRegisters ? kGroup : 1;
  constexpr size_t kLanes = kGroup * kFunctions;
  for (size_t i = 0; i < block.num_cells; ++i) {
    const GridBilateralFilter::Cell& cell = block.cells[i];
    float* cell_nodes = nodes + static_cast<size_t>(cell.node) * kLanes;
    for (int k = 0; k < kGroup; k += kChannels) {
      for (size_t lane = 0; lane < kFunctions; lane += kVectorLanes) {
        V moments[kChannels][kMoments];
        SumMoments<kChannels>(block, cell.begin, cell.end, lane,
                              in + k * block.size, moments);
        float* first = cell_nodes + k * kFunctions + lane;
        AddToNodes(moments[0], block.plane_stride * kLanes,
                   block.line_stride * kLanes, kLanes, first);
        if constexpr (kChannels == 2) {
          AddToNodes(moments[1], block.plane_stride * kLanes,
                     block.line_stride * kLanes, kLanes, first + kFunctions);
        }
      }
    }
  }
}

// Sums of the lanes of one vector, or of each of two, added to sums[0, 1].
template <int kChannels, class Tag, class Vector>
HWY_INLINE void AddSumsOfLanes(Tag d, const Vector* v, float* sums) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (kChannels == 2 && kVectorLanes == 16) {
    const hn::Half<Tag> half;
    const hn::Half<hn::Half<Tag>> quarter;
    const auto a =
        hn::Add(hn::LowerHalf(half, v[0]), hn::UpperHalf(half, v[0]));
    const auto b =
        hn::Add(hn::LowerHalf(half, v[1]), hn::UpperHalf(half, v[1]));
    const auto a4 =
        hn::Add(hn::LowerHalf(quarter, a), hn::UpperHalf(quarter, a));
    const auto b4 =
        hn::Add(hn::LowerHalf(quarter, b), hn::UpperHalf(quarter, b));
    const auto pairs = hn::Add(hn::InterleaveLower(quarter, a4, b4),
                               hn::InterleaveUpper(quarter, a4, b4));
    const auto total = hn::Add(pairs, hn::Shuffle1032(pairs));
    HWY_ALIGN float lanes[4];
    hn::Store(total, quarter, lanes);
    sums[0] += lanes[0];
    sums[1] += lanes[1];
    return;
  }
#endif
  for (int k = 0; k < kChannels; ++k) {
    sums[k] += hn::GetLane(hn::SumOfLanes(d, v[k]));
  }
}

// out = D(f) B nodes, summed over the functions, for the pixels of the block's
// cells.
template <int kGroup>
HWY_INLINE void Slice(const Block& block, const float* nodes, float* out) {
  const D d;
  constexpr int kChannels = kManyRegisters ? kGroup : 1;
  constexpr size_t kLanes = kGroup * kFunctions;
  for (size_t i = 0; i < block.num_cells; ++i) {
    const GridBilateralFilter::Cell& cell = block.cells[i];
    const float* cell_nodes = nodes + static_cast<size_t>(cell.node) * kLanes;
    for (int k = 0; k < kGroup; k += kChannels) {
      for (size_t lane = 0; lane < kFunctions; lane += kVectorLanes) {
        V m[kChannels][kMoments];
        const float* first = cell_nodes + k * kFunctions + lane;
        GatherFromNodes(first, block.plane_stride * kLanes,
                        block.line_stride * kLanes, kLanes, m[0]);
        if constexpr (kChannels == 2) {
          GatherFromNodes(first + kFunctions, block.plane_stride * kLanes,
                          block.line_stride * kLanes, kLanes, m[1]);
        }
        for (int q = cell.begin; q < cell.end; ++q) {
          const GridBilateralFilter::Pixel& pixel = block.pixels[q];
          const size_t x = pixel.x;
          const size_t y = pixel.y;
          const V f = hn::Mul(hn::Load(d, block.table_x[x].values + lane),
                              hn::Load(d, block.table_y[y].values + lane));
          const V a = hn::Set(d, pixel.u[0]);
          const V b = hn::Set(d, pixel.u[1]);
          const V c = hn::Set(d, pixel.u[2]);
          V values[kChannels];
          for (int j = 0; j < kChannels; ++j) {
            V of_a = hn::MulAdd(m[j][4], a, m[j][1]);
            V of_b = hn::MulAdd(m[j][7], b, m[j][2]);
            of_a = hn::MulAdd(m[j][5], b, of_a);
            of_b = hn::MulAdd(m[j][8], c, of_b);
            of_a = hn::MulAdd(m[j][6], c, of_a);
            const V of_c = hn::MulAdd(m[j][9], c, m[j][3]);
            V value = hn::MulAdd(of_c, c, m[j][0]);
            value = hn::MulAdd(of_b, b, value);
            value = hn::MulAdd(of_a, a, value);
            values[j] = hn::Mul(value, f);
          }
          float* to = out + k * block.size + y * block.width + x;
          float sums[kChannels];
          for (int j = 0; j < kChannels; ++j) {
            sums[j] = lane == 0 ? 0.0f : to[j * block.size];
          }
          AddSumsOfLanes<kChannels>(d, values, sums);
          for (int j = 0; j < kChannels; ++j) to[j * block.size] = sums[j];
        }
      }
    }
  }
}

void SplatBlock(int group, const Block& block, const float* in, float* nodes) {
  if (group == 1) {
    Splat<1>(block, in, nodes);
  } else {
    Splat<2>(block, in, nodes);
  }
}

void SliceBlock(int group, const Block& block, const float* nodes, float* out) {
  if (group == 1) {
    Slice<1>(block, nodes, out);
  } else {
    Slice<2>(block, nodes, out);
  }
}

// out += C in at `count` nodes, of kGroup channels of kFunctions functions. C
// is given transposed.
template <int kGroup>
HWY_INLINE void AddCoupledNodes(const SpatialTiles::Row* transposed,
                                const float* in, size_t count, float* out) {
  const D d;
  constexpr size_t kRows = 4;  // Pairs of a node and a channel at a time.
  const size_t rows = count * kGroup;
  const auto add = [&](size_t row, auto rows_tag) HWY_ATTR {
    constexpr size_t kCount = decltype(rows_tag)::value;
    for (size_t lane = 0; lane < kFunctions; lane += kVectorLanes) {
      V sum[kCount];
      for (size_t r = 0; r < kCount; ++r) {
        sum[r] = hn::Load(d, out + (row + r) * kFunctions + lane);
      }
      for (size_t n = 0; n < kFunctions; ++n) {
        const V column = hn::Load(d, transposed[n].values + lane);
        for (size_t r = 0; r < kCount; ++r) {
          sum[r] = hn::MulAdd(
              column, hn::Set(d, in[(row + r) * kFunctions + n]), sum[r]);
        }
      }
      for (size_t r = 0; r < kCount; ++r) {
        hn::Store(sum[r], d, out + (row + r) * kFunctions + lane);
      }
    }
  };
  size_t row = 0;
  for (; row + kRows <= rows; row += kRows) {
    add(row, std::integral_constant<size_t, kRows>());
  }
  for (; row < rows; ++row) add(row, std::integral_constant<size_t, 1>());
}

void AddCoupled(int group, const SpatialTiles::Row* transposed, const float* in,
                size_t count, float* out) {
  if (group == 1) {
    AddCoupledNodes<1>(transposed, in, count, out);
  } else {
    AddCoupledNodes<2>(transposed, in, count, out);
  }
}

// out += in, over `size` floats, a multiple of 16.
void AddLine(const float* in, size_t size, float* out) {
  const D d;
  for (size_t i = 0; i < size; i += kVectorLanes) {
    hn::Store(hn::Add(hn::Load(d, out + i), hn::Load(d, in + i)), d, out + i);
  }
}

// out[b] = sum_q taps[|q - b - offset|] in[q], for nodes q of [0, in_nodes) and
// b of [0, out_nodes), each of `lanes` floats.
void BlurLine(const float* in, int in_nodes, const float* taps, int radius,
              int offset, int lanes, int out_nodes, float* out) {
  const D d;
  const size_t stride = static_cast<size_t>(lanes);
  for (int b = 0; b < out_nodes; ++b) {
    const int center = b + offset;
    const int first = std::max(0, center - radius);
    const int last = std::min(in_nodes - 1, center + radius);
    for (int lane = 0; lane < lanes; lane += kVectorLanes) {
      V sum = hn::Zero(d);
      for (int q = first; q <= last; ++q) {
        const V tap = hn::Set(d, taps[q < center ? center - q : q - center]);
        sum = hn::MulAdd(tap, hn::Load(d, in + q * stride + lane), sum);
      }
      hn::Store(sum, d, out + b * stride + lane);
    }
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

// Of `size` values from `values`, to range.
void FindRange(const float* values, size_t size, float* range) {
  const D d;
  V low = hn::Set(d, values[0]);
  V high = low;
  size_t i = 0;
  for (; i + kVectorLanes <= size; i += kVectorLanes) {
    const V value = hn::LoadU(d, values + i);
    low = hn::Min(low, value);
    high = hn::Max(high, value);
  }
  range[0] = hn::GetLane(hn::MinOfLanes(d, low));
  range[1] = hn::GetLane(hn::MaxOfLanes(d, high));
  for (; i < size; ++i) {
    range[0] = std::min(range[0], values[i]);
    range[1] = std::max(range[1], values[i]);
  }
}

// positions[a][i] -= subtract[a]; splits them into cells, packed by kCellBits
// bits an axis, and places u within the cell, from its middle.
void FindCells(size_t size, const float* subtract, float* const* positions,
               int32_t* cells) {
  // Left to the compiler to vectorise.
  float* p0 = positions[0];
  float* p1 = positions[1];
  float* p2 = positions[2];
  const float s0 = subtract[0];
  const float s1 = subtract[1];
  const float s2 = subtract[2];
  for (size_t i = 0; i < size; ++i) {
    const float x0 = p0[i] - s0;
    const float x1 = p1[i] - s1;
    const float x2 = p2[i] - s2;
    const int32_t c0 = static_cast<int32_t>(x0);  // None is negative.
    const int32_t c1 = static_cast<int32_t>(x1);
    const int32_t c2 = static_cast<int32_t>(x2);
    p0[i] = (x0 - static_cast<float>(c0)) - 0.5f;
    p1[i] = (x1 - static_cast<float>(c1)) - 0.5f;
    p2[i] = (x2 - static_cast<float>(c2)) - 0.5f;
    cells[i] = (c0 << 20) | (c1 << 10) | c2;
  }
}

// Least and largest cell along each axis: bounds[axis * 2 + {0, 1}], updated.
void FindCellBounds(const int32_t* cells, size_t size, int32_t* bounds) {
  int32_t low[3] = {bounds[0], bounds[2], bounds[4]};
  int32_t high[3] = {bounds[1], bounds[3], bounds[5]};
  for (size_t i = 0; i < size; ++i) {
    const int32_t c0 = cells[i] >> 20;
    const int32_t c1 = (cells[i] >> 10) & 1023;
    const int32_t c2 = cells[i] & 1023;
    low[0] = std::min(low[0], c0);
    high[0] = std::max(high[0], c0);
    low[1] = std::min(low[1], c1);
    high[1] = std::max(high[1], c1);
    low[2] = std::min(low[2], c2);
    high[2] = std::max(high[2], c2);
  }
  for (int a = 0; a < 3; ++a) {
    bounds[2 * a] = low[a];
    bounds[2 * a + 1] = high[a];
  }
}

// Packed cells to base + (c0 * factor0 + c1) * factor1 + c2.
void NumberCells(int32_t base, int32_t factor0, int32_t factor1, size_t size,
                 int32_t* cells) {
  for (size_t i = 0; i < size; ++i) {
    const int32_t c0 = cells[i] >> 20;
    const int32_t c1 = (cells[i] >> 10) & 1023;
    const int32_t c2 = cells[i] & 1023;
    cells[i] = base + (c0 * factor0 + c1) * factor1 + c2;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace vision
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vision {

HWY_EXPORT(SplatBlock);
HWY_EXPORT(SliceBlock);
HWY_EXPORT(AddCoupled);
HWY_EXPORT(AddLine);
HWY_EXPORT(BlurLine);
HWY_EXPORT(CombineLines);
HWY_EXPORT(Project);
HWY_EXPORT(FindRange);
HWY_EXPORT(FindCells);
HWY_EXPORT(FindCellBounds);
HWY_EXPORT(NumberCells);

namespace {

using grid_internal::kFunctions;
using grid_internal::kMaxGroup;
using grid_internal::kNodes;

// Cells of the three axes are packed into one int32, ten bits each.
constexpr double kMaxCells = 1023;

// Half of a discrete Gaussian of standard deviation 1 and pitch h for values
// that are spread over the nodes, and read back, by quadratic B-splines. Each
// of these adds a variance of h^2 / 4, which is taken off here. The sum is that
// of the continuous Gaussian, so that the filter is unbiased.
std::vector<float> BlurTaps(double pitch) {
  const double variance = 1 - pitch * pitch / 2;
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
  constexpr size_t kStep = 17;  // A sample of the pixels is enough.
  std::array<double, 3> mean = {};
  std::array<double, 9> moments = {};
  double count = 0;
  for (size_t i = 0; i < size; i += kStep) {
    for (size_t a = 0; a < 3; ++a) {
      const double value = rgb_chw[a * size + i];
      mean[a] += value;
      for (size_t b = 0; b <= a; ++b) {
        moments[a * 3 + b] += value * rgb_chw[b * size + i];
      }
    }
    ++count;
  }
  std::vector<double> covariance(9);
  for (size_t a = 0; a < 3; ++a) {
    for (size_t b = 0; b <= a; ++b) {
      covariance[a * 3 + b] = covariance[b * 3 + a] =
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

// Where in a cell, the same along each axis, splat, blur and slice give a value
// at its own place with weight one, or as near to it as can be. (At others it
// is up to a few percent more or less, unbiased on average.)
double UnbiasedOffset(const std::vector<float>& taps) {
  // Weights of the powers of u at the nodes, and what the blur makes of each
  // pair of powers.
  constexpr double kWeights[3][3] = {
      {0.125, 0.75, 0.125}, {-0.5, 0, 0.5}, {0.5, -1, 0.5}};
  double blurred[3][3] = {};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      for (int a = 0; a < 3; ++a) {
        for (int b = 0; b < 3; ++b) {
          const size_t distance = static_cast<size_t>(std::abs(a - b));
          if (distance >= taps.size()) continue;
          blurred[i][j] += kWeights[i][a] * kWeights[j][b] * taps[distance];
        }
      }
    }
  }
  const auto self_weight = [&](double u) {
    const double powers[3] = {1, u, u * u};
    double sum = 0;
    for (int a = 0; a < 3; ++a) {
      for (int b = 0; a + b < 3; ++b) {
        for (int c = 0; a + b + c < 3; ++c) {
          for (int d = 0; d < 3; ++d) {
            for (int e = 0; d + e < 3; ++e) {
              for (int f = 0; d + e + f < 3; ++f) {
                sum += powers[a] * powers[b] * powers[c] * powers[d] *
                       powers[e] * powers[f] * blurred[a][d] * blurred[b][e] *
                       blurred[c][f];
              }
            }
          }
        }
      }
    }
    return sum;
  };
  // From the middle of a cell, at a node, where the weight is large, it falls
  // towards the corner before it grows again.
  constexpr int kSteps = 32;
  double at_node = 0;
  double at_least = 0;
  for (int step = 1; step <= kSteps; ++step) {
    const double u = 0.5 * step / kSteps;
    if (self_weight(u) >= self_weight(at_least)) break;
    at_least = u;
  }
  // The pitch of the fast form is too large for one to be reached.
  if (self_weight(at_least) > 1) return 0.5 + at_least;
  for (int step = 0; step < 20; ++step) {
    const double middle = 0.5 * (at_node + at_least);
    (self_weight(middle) > 1 ? at_node : at_least) = middle;
  }
  return 0.5 + at_node;
}

// Lines (of `rows` x `columns`) that some line marked in `marks` is within
// `radius` of, along the first axis or the second.
void DilateRows(const std::vector<uint8_t>& marks, int rows, int columns,
                int radius, std::vector<uint8_t>* dilated) {
  dilated->assign(marks.size(), 0);
  for (int r = 0; r < rows; ++r) {
    for (int q = std::max(0, r - radius); q <= std::min(rows - 1, r + radius);
         ++q) {
      for (int g = 0; g < columns; ++g) {
        (*dilated)[static_cast<size_t>(q) * columns + g] |=
            marks[static_cast<size_t>(r) * columns + g];
      }
    }
  }
}
void DilateColumns(const std::vector<uint8_t>& marks, int rows, int columns,
                   int radius, std::vector<uint8_t>* dilated) {
  dilated->assign(marks.size(), 0);
  for (int r = 0; r < rows; ++r) {
    const uint8_t* from = marks.data() + static_cast<size_t>(r) * columns;
    uint8_t* to = dilated->data() + static_cast<size_t>(r) * columns;
    for (int g = 0; g < columns; ++g) {
      if (!from[g]) continue;
      std::fill(to + std::max(0, g - radius),
                to + std::min(columns, g + radius + 1), uint8_t{1});
    }
  }
}

// Weighted sums of the lines of one axis, one result at a time.
class LineBlur {
 public:
  explicit LineBlur(const std::vector<float>& taps)
      : taps_(taps), sources_(2 * taps.size()), weights_(2 * taps.size()) {}

  // Lines q of [0, count) for which is_valid(q), at line_at(q), blurred to
  // `center`, of `floats` floats.
  template <typename IsValid, typename LineAt>
  void Blur(int center, int count, size_t floats, IsValid is_valid,
            LineAt line_at, float* out) {
    const int radius = static_cast<int>(taps_.size()) - 1;
    int used = 0;
    for (int q = std::max(0, center - radius);
         q <= std::min(count - 1, center + radius); ++q) {
      if (!is_valid(q)) continue;
      sources_[used] = line_at(q);
      weights_[used++] = taps_[std::abs(q - center)];
    }
    HWY_DYNAMIC_DISPATCH(CombineLines)
    (sources_.data(), weights_.data(), used, floats, out);
  }

 private:
  const std::vector<float>& taps_;
  std::vector<const float*> sources_;
  std::vector<float> weights_;
};

}  // namespace

absl::StatusOr<GridBilateralFilter> GridBilateralFilter::Create(
    const float* rgb_chw, int height, int width, double sigma_rgb,
    double sigma_xy_pixels, const GridBilateralFilterOptions& options) {
  GridBilateralFilter filter;
  VISION_RETURN_IF_ERROR(
      filter.Plan(rgb_chw, height, width, sigma_rgb, sigma_xy_pixels, options));
  return filter;
}

absl::Status GridBilateralFilter::Plan(
    const float* rgb_chw, int height, int width, double sigma_rgb,
    double sigma_xy_pixels, const GridBilateralFilterOptions& options) {
  if (std::max(height, width) > kMaxSide) {
    return absl::InvalidArgumentError(absl::StrCat(
        "The grid filter takes sides of at most ", kMaxSide, " pixels, got ",
        height, " x ", width, "; use the exact method"));
  }
  if (height != height_ || width != width_ ||
      sigma_xy_pixels != sigma_xy_pixels_ ||
      options.spatial_tolerance != options_.spatial_tolerance) {
    space_ = PlanSpatialTiles(height, width, sigma_xy_pixels,
                              options.spatial_tolerance);
  }
  if (taps_.empty() || options.pitch != options_.pitch) {
    taps_ = BlurTaps(options.pitch);
    offset_ = UnbiasedOffset(taps_);
  }
  height_ = height;
  width_ = width;
  sigma_rgb_ = sigma_rgb;
  sigma_xy_pixels_ = sigma_xy_pixels;
  options_ = options;
  return PlanColors(rgb_chw);
}

std::array<double, 3> GridBilateralFilter::ProjectColors(const float* rgb_chw) {
  const size_t size = static_cast<size_t>(height_) * width_;
  // The lowest colours are put where the weight of a colour with itself is
  // exact: images of one colour, or with much black, gain from it.
  const float offset = static_cast<float>(offset_);
  // What FindCells() does to the largest value.
  const auto count_cells = [&](const float* range) {
    const float subtract = range[0] - offset;
    return std::floor(static_cast<double>(range[1] - subtract)) + 1;
  };
  const double scale = 1 / (sigma_rgb_ * options_.pitch);
  positions_.resize(3 * size);
  std::array<float, 3> low;
  const auto project = [&](const Rotation& rotation) {
    std::array<double, 3> cells;
    for (size_t a = 0; a < 3; ++a) {
      float weights[3];
      for (size_t c = 0; c < 3; ++c) {
        weights[c] = static_cast<float>(rotation[a * 3 + c] * scale);
      }
      float range[2];
      HWY_DYNAMIC_DISPATCH(Project)
      (rgb_chw, size, weights, positions_.data() + a * size, range);
      low[a] = range[0];
      cells[a] = count_cells(range);
    }
    return cells;
  };
  const auto volume = [](const std::array<double, 3>& cells) {
    return (cells[0] + 2) * (cells[1] + 2) * (cells[2] + 2);
  };
  // Axes: the given ones or the principal ones, whichever give the smaller box.
  constexpr Rotation kGivenAxes = {0, 1, 0, 1, 0, 0, 0, 0, 1};
  std::array<double, 3> given_cells;
  for (size_t a = 0; a < 3; ++a) {
    float range[2];
    const size_t channel = a == 2 ? 2 : 1 - a;
    HWY_DYNAMIC_DISPATCH(FindRange)(rgb_chw + channel * size, size, range);
    range[0] *= static_cast<float>(scale);
    range[1] *= static_cast<float>(scale);
    given_cells[a] = count_cells(range);
  }
  std::array<double, 3> cells = project(PrincipalAxes(rgb_chw, size));
  // Negated, to catch the NaN of an overflow.
  if (!(volume(cells) <= volume(given_cells))) cells = project(kGivenAxes);
  if (volume(cells) <= static_cast<double>(int64_t{1} << 40)) {
    float subtract[3];
    float* planes[3];
    for (size_t a = 0; a < 3; ++a) {
      subtract[a] = low[a] - offset;
      planes[a] = positions_.data() + a * size;
      if (cells[a] > kMaxCells) return cells;
    }
    keys_.resize(size);
    HWY_DYNAMIC_DISPATCH(FindCells)(size, subtract, planes, keys_.data());
  }
  return cells;
}

absl::Status GridBilateralFilter::PlanColors(const float* rgb_chw) {
  const size_t size = static_cast<size_t>(height_) * width_;
  const std::array<double, 3> cells = ProjectColors(rgb_chw);
  const auto too_many = [&](double nodes, double most) {
    return absl::InvalidArgumentError(
        absl::StrCat("The grid filter needs ", nodes, " nodes for sigma_rgb ",
                     sigma_rgb_, ", sigma_xy_pixels ", sigma_xy_pixels_,
                     " and the colours of the image, more than ", most,
                     "; use larger sigmas or the exact method"));
  };
  const int64_t max_nodes = std::max(kMaxNodes, 4 * static_cast<int64_t>(size));
  double all_nodes = 1;
  for (const double count : cells) all_nodes *= count + 2;
  const bool one_tile = space_.rows * space_.columns == 1;
  for (const double count : cells) {
    // Negated, to catch the NaN of an overflow.
    if (!(count <= kMaxCells)) {
      return too_many(all_nodes, static_cast<double>(max_nodes));
    }
  }

  // The tiles' boxes.
  tiles_.clear();
  num_nodes_ = 0;
  size_t num_lines = 0;
  size_t num_planes = 0;
  const auto for_each_segment = [&](const Tile& tile, auto body) {
    const int columns = std::min(space_.tile_width, width_ - tile.x);
    const int rows = std::min(space_.tile_height, height_ - tile.y);
    if (columns == width_) {  // Whole rows are one segment.
      body(static_cast<size_t>(tile.y) * width_,
           static_cast<size_t>(rows) * width_);
      return;
    }
    for (int y = tile.y; y < tile.y + rows; ++y) {
      body(static_cast<size_t>(y) * width_ + tile.x,
           static_cast<size_t>(columns));
    }
  };
  for (int row = 0; row < space_.rows; ++row) {
    for (int column = 0; column < space_.columns; ++column) {
      Tile tile;
      tile.x = column * space_.tile_width;
      tile.y = row * space_.tile_height;
      int32_t bounds[6];
      for (int a = 0; a < 3; ++a) {
        bounds[2 * a] = one_tile ? 0 : static_cast<int32_t>(kMaxCells);
        bounds[2 * a + 1] = one_tile ? static_cast<int32_t>(cells[a]) - 1 : 0;
      }
      if (!one_tile) {
        for_each_segment(tile, [&](size_t begin, size_t count) {
          HWY_DYNAMIC_DISPATCH(FindCellBounds)
          (keys_.data() + begin, count, bounds);
        });
      }
      for (size_t a = 0; a < 3; ++a) {
        tile.box.low[a] = bounds[2 * a];
        tile.box.size[a] = bounds[2 * a + 1] - bounds[2 * a] + kNodes;
      }
      tile.first_node = static_cast<size_t>(num_nodes_);
      tile.first_line = num_lines;
      tile.first_plane = num_planes;
      num_nodes_ += static_cast<int64_t>(tile.box.NumNodes());
      num_lines += tile.box.NumLines();
      num_planes += static_cast<size_t>(tile.box.size[0]) + 1;
      tiles_.push_back(tile);
      if (num_nodes_ > max_nodes) {
        return too_many(static_cast<double>(num_nodes_) * space_.rows *
                            space_.columns / tiles_.size(),
                        static_cast<double>(max_nodes));
      }
    }
  }

  // Counting sort by tile and cell.
  starts_.assign(static_cast<size_t>(num_nodes_) + 1, 0);
  for (const Tile& tile : tiles_) {
    const Box& box = tile.box;
    const int32_t base = static_cast<int32_t>(tile.first_node) -
                         (box.low[0] * box.size[1] + box.low[1]) * box.size[2] -
                         box.low[2];
    for_each_segment(tile, [&](size_t begin, size_t count) {
      HWY_DYNAMIC_DISPATCH(NumberCells)
      (base, box.size[1], box.size[2], count, keys_.data() + begin);
    });
  }
  int32_t* starts = starts_.data();
  const int32_t* keys = keys_.data();
  for (size_t i = 0; i < size; ++i) ++starts[keys[i] + 1];
  cells_.clear();
  planes_.clear();
  line_is_used_.assign(num_lines, 0);
  for (const Tile& tile : tiles_) {
    const Box& box = tile.box;
    size_t node = tile.first_node;
    int32_t box_node = 0;
    uint8_t* used = line_is_used_.data() + tile.first_line;
    for (int r = 0; r < box.size[0]; ++r) {
      planes_.push_back(static_cast<int32_t>(cells_.size()));
      for (int g = 0; g < box.size[1]; ++g) {
        const size_t before = cells_.size();
        for (int b = 0; b < box.size[2]; ++b, ++node, ++box_node) {
          const int32_t count = starts[node + 1];
          starts[node + 1] += starts[node];
          if (count != 0) {
            cells_.push_back({box_node, starts[node], starts[node + 1]});
          }
        }
        if (cells_.size() == before) continue;
        for (int a = 0; a < kNodes; ++a) {
          for (int b = 0; b < kNodes; ++b) {
            used[static_cast<size_t>(r + a) * box.size[1] + g + b] = 1;
          }
        }
      }
    }
    planes_.push_back(static_cast<int32_t>(cells_.size()));
  }
  pixels_.resize(size);
  const float* u0 = positions_.data();
  const float* u1 = u0 + size;
  const float* u2 = u1 + size;
  Pixel* pixels = pixels_.data();
  size_t i = 0;
  for (int y = 0; y < height_; ++y) {
    const uint16_t tile_y = static_cast<uint16_t>(y % space_.tile_height);
    for (int x = 0; x < width_; x += space_.tile_width) {
      const int columns = std::min(space_.tile_width, width_ - x);
      for (int tile_x = 0; tile_x < columns; ++tile_x, ++i) {
        Pixel& pixel = pixels[starts[keys[i]]++];
        pixel.u[0] = u0[i];
        pixel.u[1] = u1[i];
        pixel.u[2] = u2[i];
        pixel.x = static_cast<uint16_t>(tile_x);
        pixel.y = tile_y;
      }
    }
  }
  return absl::OkStatus();
}

void GridBilateralFilter::ClearPlane(const Tile& tile, int plane, int lanes,
                                     float* nodes) const {
  const Box& box = tile.box;
  const size_t line_floats = static_cast<size_t>(box.size[2]) * lanes;
  for (int g = 0; g < box.size[1]; ++g) {
    const size_t line = static_cast<size_t>(plane) * box.size[1] + g;
    if (!line_is_used_[tile.first_line + line]) continue;
    std::memset(nodes + line * line_floats, 0, line_floats * sizeof(float));
  }
}

namespace {

// What of a block does not depend on the cells.
grid_internal::Block MakeBlock(const SpatialTiles& space, int height, int width,
                               const GridBilateralFilter::Pixel* pixels,
                               const std::array<int, 3>& box_size) {
  grid_internal::Block block;
  block.cells = nullptr;
  block.num_cells = 0;
  block.pixels = pixels;
  block.plane_stride = static_cast<size_t>(box_size[1]) * box_size[2];
  block.line_stride = static_cast<size_t>(box_size[2]);
  block.width = static_cast<size_t>(width);
  block.size = static_cast<size_t>(height) * width;
  block.table_x = space.functions_x.data();
  block.table_y = space.functions_y.data();
  return block;
}

}  // namespace

void GridBilateralFilter::SplatPlane(const Tile& tile, int plane, int group,
                                     const float* in, float* nodes) const {
  grid_internal::Block block =
      MakeBlock(space_, height_, width_, pixels_.data(), tile.box.size);
  const int32_t* planes = planes_.data() + tile.first_plane + plane;
  block.cells = cells_.data() + planes[0];
  block.num_cells = static_cast<size_t>(planes[1] - planes[0]);
  HWY_DYNAMIC_DISPATCH(SplatBlock)
  (group, block, in + static_cast<size_t>(tile.y) * width_ + tile.x, nodes);
}

void GridBilateralFilter::SlicePlane(const Tile& tile, int plane, int group,
                                     const float* nodes, float* out) const {
  grid_internal::Block block =
      MakeBlock(space_, height_, width_, pixels_.data(), tile.box.size);
  const int32_t* planes = planes_.data() + tile.first_plane + plane;
  block.cells = cells_.data() + planes[0];
  block.num_cells = static_cast<size_t>(planes[1] - planes[0]);
  HWY_DYNAMIC_DISPATCH(SliceBlock)
  (group, block, nodes, out + static_cast<size_t>(tile.y) * width_ + tile.x);
}

void GridBilateralFilter::FilterOneTile(const float* in, int channels,
                                        float* out, FilterWorkspace* workspace,
                                        int num_threads) const {
  const size_t size = static_cast<size_t>(height_) * width_;
  const Tile& tile = tiles_[0];
  const Box& box = tile.box;
  const int planes = box.size[0];
  const int lines = box.size[1];
  const int radius = static_cast<int>(taps_.size()) - 1;
  // Lines that the last pass reads: between used ones of the first axis, and
  // with used ones within reach along the second.
  std::vector<uint8_t> is_between, is_defined;
  DilateRows(line_is_used_, planes, lines, radius, &is_between);
  DilateColumns(line_is_used_, planes, lines, radius, &is_defined);
  for (size_t line = 0; line < is_between.size(); ++line) {
    is_defined[line] &= is_between[line];
  }
  const auto line_of = [lines](int r, int g) {
    return static_cast<size_t>(r) * lines + g;
  };

  const auto filter_group = [&](int channel, float* nodes, float* scratch,
                                int threads) {
    const int group = std::min(kMaxGroup, channels - channel);
    const int lanes = group * kFunctions;
    const size_t line_floats = static_cast<size_t>(box.size[2]) * lanes;
    const float* from = in + channel * size;
    float* to = out + channel * size;
    // Cells write to their own plane and the next two, so those of every third
    // plane do not meet.
    const auto splat_every_third = [&](int first) {
      return Phase{(planes - first + 2) / 3, [&, first](int64_t i, int) {
                     SplatPlane(tile, first + 3 * static_cast<int>(i), group,
                                from, nodes);
                   }};
    };
    const Phase phases[] = {
        {planes,
         [&](int64_t r, int) {
           ClearPlane(tile, static_cast<int>(r), lanes, nodes);
         }},
        splat_every_third(0),
        splat_every_third(1),
        splat_every_third(2),
        {planes,
         [&](int64_t item, int) {
           const int r = static_cast<int>(item);
           for (int g = 0; g < lines; ++g) {
             if (!line_is_used_[line_of(r, g)]) continue;
             HWY_DYNAMIC_DISPATCH(BlurLine)
             (nodes + line_of(r, g) * line_floats, box.size[2], taps_.data(),
              radius, 0, lanes, box.size[2],
              scratch + line_of(r, g) * line_floats);
           }
           LineBlur blur(taps_);
           for (int g = 0; g < lines; ++g) {
             if (!is_defined[line_of(r, g)]) continue;
             blur.Blur(
                 g, lines, line_floats,
                 [&](int q) { return line_is_used_[line_of(r, q)] != 0; },
                 [&](int q) { return scratch + line_of(r, q) * line_floats; },
                 nodes + line_of(r, g) * line_floats);
           }
         }},
        {planes,
         [&](int64_t item, int) {
           const int r = static_cast<int>(item);
           LineBlur blur(taps_);
           for (int g = 0; g < lines; ++g) {
             if (!line_is_used_[line_of(r, g)]) continue;
             blur.Blur(
                 r, planes, line_floats,
                 [&](int q) { return is_defined[line_of(q, g)] != 0; },
                 [&](int q) { return nodes + line_of(q, g) * line_floats; },
                 scratch + line_of(r, g) * line_floats);
           }
         }},
        {planes,
         [&](int64_t r, int) {
           SlicePlane(tile, static_cast<int>(r), group, scratch, to);
         }},
    };
    RunPhases(phases, threads);
  };

  const int groups = (channels + kMaxGroup - 1) / kMaxGroup;
  const size_t floats = static_cast<size_t>(num_nodes_) *
                        std::min(channels, kMaxGroup) * kFunctions;
  if (groups > 1 && groups >= num_threads) {
    // Whole groups for each thread.
    std::vector<float*> arrays;
    for (int worker = 0; worker < std::max(1, num_threads); ++worker) {
      for (size_t i = 0; i < 2; ++i) {
        arrays.push_back(workspace->Get(arrays.size(), floats));
      }
    }
    const Phase all_groups = {groups, [&](int64_t g, int worker) {
                                const size_t w = static_cast<size_t>(worker);
                                filter_group(static_cast<int>(g) * kMaxGroup,
                                             arrays[2 * w], arrays[2 * w + 1],
                                             /*threads=*/1);
                              }};
    RunPhases({&all_groups, 1}, num_threads);
    return;
  }
  float* nodes = workspace->Get(0, floats);
  float* scratch = workspace->Get(1, floats);
  for (int channel = 0; channel < channels; channel += kMaxGroup) {
    filter_group(channel, nodes, scratch, num_threads);
  }
}

GridBilateralFilter::Box GridBilateralFilter::ReachOf(const Tile& tile) const {
  const int radius = static_cast<int>(taps_.size()) - 1;
  const int columns = space_.columns;
  const int row = tile.y / space_.tile_height;
  const int column = tile.x / space_.tile_width;
  // What there is within the blur's reach, in the tiles within theirs.
  std::array<int, 3> low, high;
  low.fill(static_cast<int>(kMaxCells) + kNodes);
  high.fill(0);
  for (int r = std::max(0, row - space_.row_reach);
       r <= std::min(space_.rows - 1, row + space_.row_reach); ++r) {
    for (int c = std::max(0, column - space_.column_reach);
         c <= std::min(columns - 1, column + space_.column_reach); ++c) {
      const Box& box = tiles_[static_cast<size_t>(r) * columns + c].box;
      for (size_t a = 0; a < 3; ++a) {
        low[a] = std::min(low[a], box.low[a]);
        high[a] = std::max(high[a], box.low[a] + box.size[a]);
      }
    }
  }
  Box reach;
  for (size_t a = 0; a < 3; ++a) {
    reach.low[a] = std::max(low[a], tile.box.low[a] - radius);
    reach.size[a] =
        std::min(high[a], tile.box.low[a] + tile.box.size[a] + radius) -
        reach.low[a];
  }
  return reach;
}

const float* GridBilateralFilter::GatherAndBlur(const Tile& tile, int group,
                                                const float* nodes,
                                                FilterWorkspace* workspace,
                                                size_t slot) const {
  const int lanes = group * kFunctions;
  const int radius = static_cast<int>(taps_.size()) - 1;
  const Box& box = tile.box;
  const Box reach = ReachOf(tile);
  std::array<int, 3> inner;  // Of the box in its reach.
  for (size_t a = 0; a < 3; ++a) inner[a] = box.low[a] - reach.low[a];
  const auto line_of = [&](int r, int g) {
    return static_cast<size_t>(r) * reach.size[1] + g;
  };
  const size_t line_floats = static_cast<size_t>(box.size[2]) * lanes;
  const size_t reach_floats = static_cast<size_t>(reach.size[2]) * lanes;
  float* first = workspace->Get(slot, reach.NumNodes() * lanes);
  float* second = workspace->Get(slot + 1, reach.NumLines() * line_floats);

  // Lines that matter: used ones, dilated.
  std::vector<uint8_t> is_used(reach.NumLines(), 0);
  for (int r = 0; r < box.size[0]; ++r) {
    for (int g = 0; g < box.size[1]; ++g) {
      is_used[line_of(r + inner[0], g + inner[1])] =
          line_is_used_[tile.first_line + static_cast<size_t>(r) * box.size[1] +
                        g];
    }
  }
  std::vector<uint8_t> is_between, is_wanted;
  DilateRows(is_used, reach.size[0], reach.size[1], radius, &is_between);
  DilateColumns(is_between, reach.size[0], reach.size[1], radius, &is_wanted);

  // Sums over tiles, in their order.
  std::vector<uint8_t> is_source(reach.NumLines(), 0);
  const int row = tile.y / space_.tile_height;
  const int column = tile.x / space_.tile_width;
  for (size_t t = 0; t < tiles_.size(); ++t) {
    const Tile& other = tiles_[t];
    const int dy = other.y / space_.tile_height - row;
    const int dx = other.x / space_.tile_width - column;
    // Transposed: of the opposite distance.
    const SpatialTiles::Row* coupling = space_.Coupling(-dy, -dx);
    if (coupling == nullptr) continue;
    std::array<int, 3> begin, end;  // Overlap, in units of the reach.
    for (size_t a = 0; a < 3; ++a) {
      begin[a] = std::max(0, other.box.low[a] - reach.low[a]);
      end[a] = std::min(reach.size[a],
                        other.box.low[a] + other.box.size[a] - reach.low[a]);
    }
    if (begin[2] >= end[2]) continue;
    const size_t count = static_cast<size_t>(end[2] - begin[2]);
    for (int r = begin[0]; r < end[0]; ++r) {
      for (int g = begin[1]; g < end[1]; ++g) {
        if (!is_wanted[line_of(r, g)]) continue;
        const size_t other_line =
            static_cast<size_t>(r + reach.low[0] - other.box.low[0]) *
                other.box.size[1] +
            static_cast<size_t>(g + reach.low[1] - other.box.low[1]);
        if (!line_is_used_[other.first_line + other_line]) continue;
        float* to = first + line_of(r, g) * reach_floats;
        if (!is_source[line_of(r, g)]) {
          is_source[line_of(r, g)] = 1;
          std::memset(to, 0, reach_floats * sizeof(float));
        }
        to += static_cast<size_t>(begin[2]) * lanes;
        const float* from =
            nodes +
            (other.first_node +
             other_line * static_cast<size_t>(other.box.size[2]) +
             static_cast<size_t>(begin[2] + reach.low[2] - other.box.low[2])) *
                lanes;
        if (dy == 0 && dx == 0) {
          HWY_DYNAMIC_DISPATCH(AddLine)(from, count * lanes, to);
        } else {
          HWY_DYNAMIC_DISPATCH(AddCoupled)(group, coupling, from, count, to);
        }
      }
    }
  }

  // Along the last axis, whose nodes are neighbours in memory.
  for (size_t line = 0; line < is_source.size(); ++line) {
    if (!is_source[line]) continue;
    HWY_DYNAMIC_DISPATCH(BlurLine)
    (first + line * reach_floats, reach.size[2], taps_.data(), radius, inner[2],
     lanes, box.size[2], second + line * line_floats);
  }
  // Along the middle axis, to columns of the box.
  std::vector<uint8_t> is_defined;
  DilateColumns(is_source, reach.size[0], reach.size[1], radius, &is_defined);
  LineBlur blur(taps_);
  for (int r = 0; r < reach.size[0]; ++r) {
    for (int g = inner[1]; g < inner[1] + box.size[1]; ++g) {
      is_defined[line_of(r, g)] &= is_between[line_of(r, g)];
      if (!is_defined[line_of(r, g)]) continue;
      blur.Blur(
          g, reach.size[1], line_floats,
          [&](int q) { return is_source[line_of(r, q)] != 0; },
          [&](int q) { return second + line_of(r, q) * line_floats; },
          first + line_of(r, g) * line_floats);
    }
  }
  // Along the first axis, to the box.
  for (int r = 0; r < box.size[0]; ++r) {
    for (int g = 0; g < box.size[1]; ++g) {
      if (!is_used[line_of(r + inner[0], g + inner[1])]) continue;
      blur.Blur(
          r + inner[0], reach.size[0], line_floats,
          [&](int q) { return is_defined[line_of(q, g + inner[1])] != 0; },
          [&](int q) { return first + line_of(q, g + inner[1]) * line_floats; },
          second + (static_cast<size_t>(r) * box.size[1] + g) * line_floats);
    }
  }
  return second;
}

void GridBilateralFilter::FilterTiles(const float* in, int channels, float* out,
                                      FilterWorkspace* workspace,
                                      int num_threads) const {
  const size_t size = static_cast<size_t>(height_) * width_;
  const int most_lanes = std::min(channels, kMaxGroup) * kFunctions;
  float* nodes =
      workspace->Get(0, static_cast<size_t>(num_nodes_) * most_lanes);
  // Workers may not resize the workspace: they find their arrays as large as
  // any tile needs them.
  size_t first = 0;
  size_t second = 0;
  for (const Tile& tile : tiles_) {
    const Box reach = ReachOf(tile);
    first = std::max(first, reach.NumNodes());
    second = std::max(second, reach.NumLines() * tile.box.size[2]);
  }
  const int workers = std::clamp(num_threads, 1, num_tiles());
  for (int w = workers - 1; w >= 0; --w) {
    workspace->Get(2 * static_cast<size_t>(w) + 2, second * most_lanes);
    workspace->Get(2 * static_cast<size_t>(w) + 1, first * most_lanes);
  }
  for (int channel = 0; channel < channels; channel += kMaxGroup) {
    const int group = std::min(kMaxGroup, channels - channel);
    const int lanes = group * kFunctions;
    const Phase phases[] = {
        {num_tiles(),
         [&](int64_t t, int) {
           const Tile& tile = tiles_[t];
           float* tile_nodes = nodes + tile.first_node * lanes;
           for (int r = 0; r < tile.box.size[0]; ++r) {
             ClearPlane(tile, r, lanes, tile_nodes);
           }
           for (int r = 0; r < tile.box.size[0]; ++r) {
             SplatPlane(tile, r, group, in + channel * size, tile_nodes);
           }
         }},
        {num_tiles(),
         [&](int64_t t, int worker) {
           const Tile& tile = tiles_[t];
           const float* blurred =
               GatherAndBlur(tile, group, nodes, workspace,
                             2 * static_cast<size_t>(worker) + 1);
           for (int r = 0; r < tile.box.size[0]; ++r) {
             SlicePlane(tile, r, group, blurred, out + channel * size);
           }
         }},
    };
    RunPhases(phases, workers);
  }
}

void GridBilateralFilter::Filter(const float* in, int channels, float* out,
                                 FilterWorkspace* workspace,
                                 int num_threads) const {
  if (num_tiles() == 1) {
    FilterOneTile(in, channels, out, workspace, num_threads);
  } else {
    FilterTiles(in, channels, out, workspace, num_threads);
  }
}

double GridBilateralFilter::NumMultiplyAdds(int channels) const {
  // Multiplications, additions and fused ones of a lane, as written above.
  constexpr double kPerPixel = 14 + 10;
  constexpr double kPerCell = 106 + 100;
  double lanes = kPerPixel * static_cast<double>(pixels_.size()) +
                 kPerCell * static_cast<double>(cells_.size());
  int64_t used = 0;
  for (const Tile& tile : tiles_) {
    for (size_t line = 0; line < tile.box.NumLines(); ++line) {
      if (line_is_used_[tile.first_line + line]) used += tile.box.size[2];
    }
  }
  lanes += 3.0 * (2.0 * static_cast<double>(taps_.size()) - 1) *
           static_cast<double>(used);
  if (num_tiles() > 1) {
    const double pairs = std::min(space_.rows, 2 * space_.row_reach + 1) *
                         std::min(space_.columns, 2 * space_.column_reach + 1);
    lanes += (pairs - 1) * kFunctions * static_cast<double>(used);
  }
  return lanes * kFunctions * channels;
}

size_t GridBilateralFilter::bytes() const {
  return sizeof(float) * positions_.capacity() +
         sizeof(SpatialTiles::Row) *
             (space_.functions_x.size() + space_.functions_y.size() +
              space_.couplings.size()) +
         sizeof(int32_t) *
             (keys_.capacity() + starts_.capacity() + planes_.capacity()) +
         sizeof(Pixel) * pixels_.capacity() + sizeof(Cell) * cells_.capacity() +
         sizeof(Tile) * tiles_.capacity() + line_is_used_.capacity();
}

}  // namespace vision
#endif  // HWY_ONCE
