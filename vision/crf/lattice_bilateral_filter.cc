#include "vision/crf/lattice_bilateral_filter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "vision/base/status_util.h"
#include "vision/crf/filter_workspace.h"
#include "vision/crf/run_phases.h"

// The code between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE is compiled
// once for each instruction set; the best one for the CPU is chosen at run
// time. Vectors without a compile-time size (SVE, RVV) cannot be kept in
// arrays.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vision/crf/lattice_bilateral_filter.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#ifndef VISION_CRF_LATTICE_BILATERAL_FILTER_CC_
#define VISION_CRF_LATTICE_BILATERAL_FILTER_CC_
namespace vision {
namespace lattice_internal {

constexpr int kD = 5;  // Dimensions of a feature.

// Lattice coordinates are below this, so that they fit the keys.
constexpr float kMaxCoordinate = 2000.0f;

// Pixels whose simplices are found together.
constexpr int kBlock = 16;

// The simplices of the lattice around a block of points.
struct Simplices {
  alignas(64) float features[kD][kBlock];
  // Coordinates of the vertex with remainder 0.
  alignas(64) int32_t base[kD][kBlock];
  // rank[i]: how many coordinates have a larger residual.
  alignas(64) int32_t rank[kD + 1][kBlock];
  alignas(64) float weights[kD + 1][kBlock];  // Barycentric coordinates.
};

}  // namespace lattice_internal
}  // namespace vision
#endif  // VISION_CRF_LATTICE_BILATERAL_FILTER_CC_

HWY_BEFORE_NAMESPACE();
namespace vision {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using lattice_internal::kBlock;
using lattice_internal::kD;
using lattice_internal::kMaxCoordinate;
using lattice_internal::Simplices;

// Finds the simplices of the features; false if coordinates of one of them do
// not fit. No fused operations: roundings decide ties the published way.
bool FindSimplices(Simplices* simplices) {
  const hn::CappedTag<float, kBlock> d;
  const hn::RebindToSigned<decltype(d)> di;
  using V = hn::Vec<decltype(d)>;
  using VI = hn::Vec<decltype(di)>;
  const V plus_one = hn::Set(d, 1.0f);
  const V sides = hn::Set(d, static_cast<float>(kD + 1));
  const V inverse = hn::Set(d, 1.0f / (kD + 1));
  // Adding it leaves no bits for fractions: nearest integer, ties to even, as
  // the published SSE code rounds.
  const V magic = hn::Set(d, 12582912.0f);  // 1.5 * 2^23.
  // NOTE(reference): the scale is rounded as the published code rounds it. For
  // round numbers as features, points lie on the borders of simplices, and the
  // last bit decides which vertices of weight zero exist, through which the
  // blur then runs.
  const float unit = static_cast<float>(std::sqrt(2.0 / 3.0) * (kD + 1));
  float scales[kD];
  for (int j = 1; j <= kD; ++j) {
    scales[j - 1] = static_cast<float>(1.0 / std::sqrt(j * (j + 1.0)) * unit);
  }
  bool fits = true;
  for (int p = 0; p < kBlock; p += static_cast<int>(hn::Lanes(d))) {
    // Embedding in the plane of coordinate sum 0 in 6 dimensions, scaled such
    // that the blur's standard deviation is one feature unit.
    V elevated[kD + 1];
    V sum = hn::Zero(d);
    for (int j = kD; j > 0; --j) {
      const V value = hn::Mul(hn::Load(d, simplices->features[j - 1] + p),
                              hn::Set(d, scales[j - 1]));
      elevated[j] =
          hn::Sub(sum, hn::Mul(hn::Set(d, static_cast<float>(j)), value));
      sum = hn::Add(sum, value);
    }
    elevated[0] = sum;

    // The nearest point whose coordinates are multiples of 6.
    V base[kD + 1];
    V excess = hn::Zero(d);  // Its coordinates' sum, which should be 0, over 6.
    V largest = hn::Zero(d);
    for (int i = 0; i <= kD; ++i) {
      largest = hn::Max(largest, hn::Abs(elevated[i]));
      const V multiple =
          hn::Sub(hn::Add(hn::Mul(elevated[i], inverse), magic), magic);
      base[i] = hn::Mul(multiple, sides);
      excess = hn::Add(excess, multiple);
    }
    fits &= hn::AllTrue(d, hn::Lt(largest, hn::Set(d, kMaxCoordinate)));
    if (!fits) return false;

    VI rank[kD + 1];
    for (int i = 0; i <= kD; ++i) rank[i] = hn::Zero(di);
    const VI one = hn::Set(di, 1);
    for (int i = 0; i < kD; ++i) {
      const V residual = hn::Sub(elevated[i], base[i]);
      for (int j = i + 1; j <= kD; ++j) {
        // -1 where true.
        const VI is_less = hn::VecFromMask(
            di, hn::RebindMask(
                    di, hn::Lt(residual, hn::Sub(elevated[j], base[j]))));
        rank[i] = hn::Sub(rank[i], is_less);
        rank[j] = hn::Add(rank[j], hn::Add(one, is_less));
      }
    }
    // Back to the plane of sum 0, by moving the coordinates furthest off.
    const VI shift = hn::ConvertTo(di, excess);  // Exact.
    const VI six = hn::Set(di, kD + 1);
    V sorted[kD + 1];
    for (int i = 0; i <= kD; ++i) {
      rank[i] = hn::Add(rank[i], shift);
      const auto is_low = hn::Lt(rank[i], hn::Zero(di));
      const auto is_high = hn::Gt(rank[i], hn::Set(di, kD));
      rank[i] = hn::Add(rank[i], hn::IfThenElseZero(is_low, six));
      rank[i] = hn::Sub(rank[i], hn::IfThenElseZero(is_high, six));
      base[i] = hn::Add(base[i],
                        hn::IfThenElseZero(hn::RebindMask(d, is_low), sides));
      base[i] = hn::Sub(base[i],
                        hn::IfThenElseZero(hn::RebindMask(d, is_high), sides));
      hn::Store(rank[i], di, simplices->rank[i] + p);
      if (i < kD)
        hn::Store(hn::ConvertTo(di, base[i]), di, simplices->base[i] + p);
      sorted[i] = hn::Mul(hn::Sub(elevated[i], base[i]), inverse);
    }
    // Descending, by a network of 12 comparators: the order of the ranks.
    const auto compare = [&](int i, int j) HWY_ATTR {
      const V larger = hn::Max(sorted[i], sorted[j]);
      sorted[j] = hn::Min(sorted[i], sorted[j]);
      sorted[i] = larger;
    };
    compare(0, 5), compare(1, 3), compare(2, 4);
    compare(1, 2), compare(3, 4);
    compare(0, 3), compare(2, 5);
    compare(0, 1), compare(2, 3), compare(4, 5);
    compare(1, 2), compare(3, 4);
    hn::Store(hn::Add(sorted[kD], hn::Sub(plus_one, sorted[0])), d,
              simplices->weights[0] + p);
    for (int m = 1; m <= kD; ++m) {
      hn::Store(hn::Sub(sorted[kD - m], sorted[kD + 1 - m]), d,
                simplices->weights[m] + p);
    }
  }
  return fits;
}

}  // namespace HWY_NAMESPACE
}  // namespace vision
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vision {

HWY_EXPORT(FindSimplices);

namespace {

using lattice_internal::kBlock;
using lattice_internal::kD;
using lattice_internal::kMaxCoordinate;
using lattice_internal::Simplices;

// A vertex's first five coordinates (the sixth follows from them) in fields of
// 12 bits, offset to be positive, with room for the neighbours' coordinates.
constexpr int kFieldBits = 12;
constexpr int kFieldOffset = 1 << (kFieldBits - 1);

constexpr uint64_t FieldUnit(int i) { return uint64_t{1} << (kFieldBits * i); }

// One in each field.
constexpr uint64_t kOnes =
    FieldUnit(0) + FieldUnit(1) + FieldUnit(2) + FieldUnit(3) + FieldUnit(4);

// Keys of the six vertices of point p of a block.
std::array<uint64_t, kD + 1> VertexKeys(const Simplices& simplices, int p) {
  std::array<uint64_t, kD + 1> keys;
  // Where the coordinate of each rank is in a key; the last one is not.
  std::array<uint64_t, kD + 1> units;
  keys[0] = 0;
  for (int i = 0; i < kD; ++i) {
    keys[0] += static_cast<uint64_t>(simplices.base[i][p] + kFieldOffset) *
               FieldUnit(i);
    units[simplices.rank[i][p]] = FieldUnit(i);
  }
  units[simplices.rank[kD][p]] = 0;
  // From vertex to vertex all coordinates grow by one, but that of the largest
  // rank left, which falls by five.
  for (int v = 0; v < kD; ++v) {
    keys[v + 1] = keys[v] + kOnes - (kD + 1) * units[kD - v];
  }
  return keys;
}

}  // namespace

void LatticeBilateralFilter::VertexTable::Clear() {
  keys_.clear();
  Rehash(std::max(bits_, 14));
}

int32_t LatticeBilateralFilter::VertexTable::Insert(size_t slot, uint64_t key) {
  // Probing is short as long as a third of the table is the most in use.
  if (3 * (keys_.size() + 1) > slots_.size()) {
    Rehash(bits_ + 1);
    slot = FindSlot(key);
  }
  keys_.push_back(key);
  slots_[slot] = {key, static_cast<int32_t>(keys_.size())};
  return slots_[slot].number;
}

void LatticeBilateralFilter::VertexTable::Rehash(int bits) {
  bits_ = bits;
  slots_.assign(size_t{1} << bits, Slot{0, 0});
  for (size_t i = 0; i < keys_.size(); ++i) {
    slots_[FindSlot(keys_[i])] = {keys_[i], static_cast<int32_t>(i + 1)};
  }
}

absl::StatusOr<LatticeBilateralFilter> LatticeBilateralFilter::Create(
    const float* rgb_chw, int height, int width, double sigma_rgb,
    double sigma_xy_pixels, const LatticeBilateralFilterOptions& options) {
  LatticeBilateralFilter filter;
  VISION_RETURN_IF_ERROR(
      filter.Plan(rgb_chw, height, width, sigma_rgb, sigma_xy_pixels, options));
  return filter;
}

absl::Status LatticeBilateralFilter::Plan(
    const float* rgb_chw, int height, int width, double sigma_rgb,
    double sigma_xy_pixels, const LatticeBilateralFilterOptions& options) {
  static_assert(kD == kDimensions);
  const size_t size = static_cast<size_t>(height) * width;
  size_ = size;
  vertices_.resize(size);
  weights_.resize(size);
  table_.Clear();
  const float xy = static_cast<float>(sigma_xy_pixels);
  const float rgb = static_cast<float>(sigma_rgb);
  Simplices simplices = {};
  // Neighbours are often in one simplex, whose vertices are looked up once.
  std::array<uint64_t, kVertices> last_keys = {};
  std::array<int32_t, kVertices> last_numbers = {};
  int x = 0;
  int y = 0;
  for (size_t first = 0; first < size; first += kBlock) {
    const size_t count = std::min<size_t>(kBlock, size - first);
    for (size_t p = 0; p < count; ++p) {
      simplices.features[0][p] = static_cast<float>(x) / xy;
      simplices.features[1][p] = static_cast<float>(y) / xy;
      if (++x == width) {
        x = 0;
        ++y;
      }
    }
    for (size_t c = 0; c < 3; ++c) {
      const float* plane = rgb_chw + c * size + first;
      for (size_t p = 0; p < count; ++p) {
        simplices.features[2 + c][p] = plane[p] / rgb;
      }
    }
    if (!HWY_DYNAMIC_DISPATCH(FindSimplices)(&simplices)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "Lattice coordinates must stay below ", kMaxCoordinate,
          ", which sigma_rgb ", sigma_rgb, " and sigma_xy_pixels ",
          sigma_xy_pixels, " are too small for at pixels ", first, " to ",
          first + count - 1, " of the ", height, " x ", width, " image"));
    }
    for (size_t p = 0; p < count; ++p) {
      const std::array<uint64_t, kVertices> keys =
          VertexKeys(simplices, static_cast<int>(p));
      uint64_t differences = 0;
      for (size_t v = 0; v < kVertices; ++v) {
        differences |= keys[v] ^ last_keys[v];
      }
      if (differences != 0) {
        for (size_t v = 0; v < kVertices; ++v) {
          last_numbers[v] = table_.FindOrInsert(keys[v]);
        }
        last_keys = keys;
      }
      vertices_[first + p] = last_numbers;
      for (size_t v = 0; v < kVertices; ++v) {
        weights_[first + p][v] = simplices.weights[v][p];
      }
    }
  }
  if (options.phantom_points && size % 4 != 0) {
    simplices = {};
    HWY_DYNAMIC_DISPATCH(FindSimplices)(&simplices);
    for (const uint64_t key : VertexKeys(simplices, 0)) {
      table_.FindOrInsert(key);
    }
  }

  const std::vector<uint64_t>& keys = table_.keys();
  num_vertices_ = static_cast<int>(keys.size());
  for (size_t axis = 0; axis < kVertices; ++axis) {
    auto& neighbors = neighbors_[axis];
    neighbors.assign(keys.size() + 1, {0, 0});
    // One along all coordinates but the axis', which moves by -5 (which is not
    // part of the key if it is the sixth). The fields cannot overflow.
    const uint64_t step =
        axis < kDimensions
            ? kOnes - (kD + 1) * FieldUnit(static_cast<int>(axis))
            : kOnes;
    for (size_t v = 0; v < keys.size(); ++v) {
      const int32_t next = table_.Find(keys[v] + step);
      if (next == 0) continue;
      const size_t number = v + 1;
      neighbors[number][1] = next;
      neighbors[next][0] = static_cast<int32_t>(number);
    }
  }
  return absl::OkStatus();
}

template <size_t kGroup>
void LatticeBilateralFilter::FilterGroup(const float* in, float* values,
                                         float* blurred, float* out) const {
  using Value = std::array<float, kGroup>;
  // Values of the group's channels, side by side.
  const size_t count = static_cast<size_t>(num_vertices_) + 1;
  const auto at = [](float* array, size_t vertex) {
    return array + vertex * kGroup;
  };
  std::fill(values, values + count * kGroup, 0.0f);
  std::fill(blurred, blurred + kGroup, 0.0f);
  for (size_t i = 0; i < size_; ++i) {
    Value value;
    for (size_t k = 0; k < kGroup; ++k) value[k] = in[k * size_ + i];
    for (size_t v = 0; v < kVertices; ++v) {
      float* to = at(values, vertices_[i][v]);
      for (size_t k = 0; k < kGroup; ++k) to[k] += weights_[i][v] * value[k];
    }
  }
  for (const auto& neighbors : neighbors_) {
    for (size_t v = 1; v < count; ++v) {
      const float* before = at(values, neighbors[v][0]);
      const float* after = at(values, neighbors[v][1]);
      const float* middle = at(values, v);
      float* to = at(blurred, v);
      for (size_t k = 0; k < kGroup; ++k) {
        to[k] = middle[k] + 0.5f * (before[k] + after[k]);
      }
    }
    std::swap(values, blurred);
  }
  // The blur's gain, 1 + 2^-5, is taken off again.
  const float gain = 1.0f / (1.0f + 1.0f / (1 << kD));
  for (size_t i = 0; i < size_; ++i) {
    Value sum = {};
    for (size_t v = 0; v < kVertices; ++v) {
      const float* from = at(values, vertices_[i][v]);
      for (size_t k = 0; k < kGroup; ++k) sum[k] += weights_[i][v] * from[k];
    }
    for (size_t k = 0; k < kGroup; ++k) out[k * size_ + i] = gain * sum[k];
  }
}

void LatticeBilateralFilter::Filter(const float* in, int channels, float* out,
                                    FilterWorkspace* workspace,
                                    int num_threads) const {
  constexpr int kLargestGroup = 4;
  const size_t floats = (static_cast<size_t>(num_vertices_) + 1) *
                        std::min(channels, kLargestGroup);
  const int groups = (channels + kLargestGroup - 1) / kLargestGroup;
  const int workers = std::clamp(num_threads, 1, groups);
  std::vector<float*> arrays;
  for (int i = 0; i < 2 * workers; ++i) {
    arrays.push_back(workspace->Get(arrays.size(), floats));
  }
  const Phase filter = {
      groups, [&](int64_t group, int worker) {
        const size_t first = static_cast<size_t>(group) * kLargestGroup;
        const float* from = in + first * size_;
        float* to = out + first * size_;
        float* values = arrays[2 * static_cast<size_t>(worker)];
        float* blurred = arrays[2 * static_cast<size_t>(worker) + 1];
        switch (std::min<size_t>(kLargestGroup, channels - first)) {
          case 1:
            FilterGroup<1>(from, values, blurred, to);
            break;
          case 2:
            FilterGroup<2>(from, values, blurred, to);
            break;
          case 3:
            FilterGroup<3>(from, values, blurred, to);
            break;
          default:
            FilterGroup<4>(from, values, blurred, to);
        }
      }};
  RunPhases({&filter, 1}, workers);
}

size_t LatticeBilateralFilter::bytes() const {
  size_t bytes = table_.bytes() + vertices_.capacity() * (sizeof(vertices_[0]) +
                                                          sizeof(weights_[0]));
  for (const auto& neighbors : neighbors_) {
    bytes += neighbors.capacity() * sizeof(neighbors[0]);
  }
  return bytes;
}

}  // namespace vision
#endif  // HWY_ONCE
