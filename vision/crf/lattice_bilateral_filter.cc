#include "vision/crf/lattice_bilateral_filter.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace vision {
namespace {

constexpr int kD = 5;  // Dimensions of a feature.

// A vertex's first five coordinates (the sixth follows from them) in fields of
// 12 bits, offset to be positive, with room for the neighbours' coordinates.
constexpr int kFieldBits = 12;
constexpr int kFieldOffset = 1 << (kFieldBits - 1);
constexpr float kMaxCoordinate = 2000.0f;

constexpr uint64_t FieldUnit(int i) { return uint64_t{1} << (kFieldBits * i); }

// One in each field.
constexpr uint64_t kOnes =
    FieldUnit(0) + FieldUnit(1) + FieldUnit(2) + FieldUnit(3) + FieldUnit(4);

// Numbers keys from 1 in the order of their first appearance.
class VertexTable {
 public:
  VertexTable() { Rehash(12); }

  int32_t FindOrInsert(uint64_t key) {
    size_t slot = FindSlot(key);
    if (slots_[slot].number == 0) {
      // Probing is short as long as a third of the table is the most in use.
      if (3 * (keys_.size() + 1) > slots_.size()) {
        Rehash(bits_ + 1);
        slot = FindSlot(key);
      }
      keys_.push_back(key);
      slots_[slot] = {key, static_cast<int32_t>(keys_.size())};
    }
    return slots_[slot].number;
  }

  // The key's number, 0 if it has none.
  int32_t Find(uint64_t key) const { return slots_[FindSlot(key)].number; }

  const std::vector<uint64_t>& keys() const { return keys_; }

 private:
  struct Slot {
    uint64_t key;
    int32_t number;  // 0: free.
  };

  // The key's slot, or the free one where it belongs.
  size_t FindSlot(uint64_t key) const {
    // Fibonacci hashing (Knuth, volume 3, section 6.4), linear probing.
    size_t slot = (key * 0x9E3779B97F4A7C15) >> (64 - bits_);
    while (slots_[slot].number != 0 && slots_[slot].key != key) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    return slot;
  }

  void Rehash(int bits) {
    bits_ = bits;
    slots_.assign(size_t{1} << bits, Slot{0, 0});
    for (size_t i = 0; i < keys_.size(); ++i) {
      slots_[FindSlot(keys_[i])] = {keys_[i], static_cast<int32_t>(i + 1)};
    }
  }

  int bits_ = 0;
  std::vector<Slot> slots_;
  std::vector<uint64_t> keys_;
};

// The simplex of the lattice around a point.
struct Simplex {
  std::array<uint64_t, kD + 1> keys;
  std::array<float, kD + 1> weights;  // Barycentric coordinates.
};

// Nearest integer, ties to even, of |x| < 2^22, as the published SSE code
// rounds.
float RoundToEven(float x) {
  constexpr float kMagic = 12582912.0f;  // 1.5 * 2^23: no bits for fractions.
  return (x + kMagic) - kMagic;
}

// Finds the simplex of a feature; false if its coordinates do not fit.
bool FindSimplex(const std::array<float, kD>& feature, Simplex* simplex) {
  // Embedding in the plane of coordinate sum 0 in 6 dimensions, scaled such
  // that the blur's standard deviation is one feature unit.
  // NOTE(reference): the scale is rounded as the published code rounds it. For
  // round numbers as features, points lie on the borders of simplices, and the
  // last bit decides which vertices of weight zero exist, through which the
  // blur then runs.
  std::array<float, kD + 1> elevated;
  float sum = 0;
  const float unit = static_cast<float>(std::sqrt(2.0 / 3.0) * (kD + 1));
  for (int j = kD; j > 0; --j) {
    const float scale =
        static_cast<float>(1.0 / std::sqrt(j * (j + 1.0)) * unit);
    const float value = feature[j - 1] * scale;
    elevated[j] = sum - static_cast<float>(j) * value;
    sum += value;
  }
  elevated[0] = sum;

  // The nearest point whose coordinates are multiples of 6.
  std::array<float, kD + 1> base;
  float excess = 0;  // Its coordinates' sum, which should be 0, over 6.
  for (int i = 0; i <= kD; ++i) {
    if (!(std::abs(elevated[i]) < kMaxCoordinate)) return false;
    const float multiple = RoundToEven(elevated[i] * (1.0f / (kD + 1)));
    base[i] = multiple * (kD + 1);
    excess += multiple;
  }

  // rank[i]: how many coordinates have a larger residual.
  std::array<int, kD + 1> rank = {};
  for (int i = 0; i < kD; ++i) {
    for (int j = i + 1; j <= kD; ++j) {
      if (elevated[i] - base[i] < elevated[j] - base[j]) {
        ++rank[i];
      } else {
        ++rank[j];
      }
    }
  }
  // Back to the plane of sum 0, by moving the coordinates furthest off.
  for (int i = 0; i <= kD; ++i) {
    rank[i] += static_cast<int>(excess);
    if (rank[i] < 0) {
      rank[i] += kD + 1;
      base[i] += kD + 1;
    } else if (rank[i] > kD) {
      rank[i] -= kD + 1;
      base[i] -= kD + 1;
    }
  }

  std::array<float, kD + 2> barycentric = {};
  for (int i = 0; i <= kD; ++i) {
    const float v = (elevated[i] - base[i]) * (1.0f / (kD + 1));
    barycentric[kD - rank[i]] += v;
    barycentric[kD - rank[i] + 1] -= v;
  }
  barycentric[0] += 1.0f + barycentric[kD + 1];

  for (int vertex = 0; vertex <= kD; ++vertex) {
    simplex->weights[vertex] = barycentric[vertex];
    uint64_t key = 0;
    for (int i = 0; i < kD; ++i) {
      const int step = rank[i] <= kD - vertex ? vertex : vertex - (kD + 1);
      const int coordinate = static_cast<int>(base[i]) + step;
      key += static_cast<uint64_t>(coordinate + kFieldOffset) * FieldUnit(i);
    }
    simplex->keys[vertex] = key;
  }
  return true;
}

}  // namespace

absl::StatusOr<LatticeBilateralFilter> LatticeBilateralFilter::Create(
    const float* rgb_chw, int height, int width, double sigma_rgb,
    double sigma_xy_pixels, const LatticeBilateralFilterOptions& options) {
  static_assert(kD == kDimensions);
  LatticeBilateralFilter filter;
  filter.size_ = height * width;
  const size_t size = static_cast<size_t>(filter.size_);
  filter.vertices_.resize(size);
  filter.weights_.resize(size);
  const float xy = static_cast<float>(sigma_xy_pixels);
  const float rgb = static_cast<float>(sigma_rgb);
  VertexTable table;
  Simplex simplex;
  size_t i = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x, ++i) {
      const std::array<float, kD> feature = {
          static_cast<float>(x) / xy, static_cast<float>(y) / xy,
          rgb_chw[i] / rgb, rgb_chw[size + i] / rgb,
          rgb_chw[2 * size + i] / rgb};
      if (!FindSimplex(feature, &simplex)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "Lattice coordinates must stay below ", kMaxCoordinate,
            ", which sigma_rgb ", sigma_rgb, " and sigma_xy_pixels ",
            sigma_xy_pixels, " are too small for at row ", y, ", column ", x));
      }
      filter.weights_[i] = simplex.weights;
      for (size_t v = 0; v < kVertices; ++v) {
        filter.vertices_[i][v] = table.FindOrInsert(simplex.keys[v]);
      }
    }
  }
  if (options.phantom_points && size % 4 != 0) {
    FindSimplex({}, &simplex);
    for (const uint64_t key : simplex.keys) table.FindOrInsert(key);
  }

  filter.num_vertices_ = static_cast<int>(table.keys().size());
  for (size_t axis = 0; axis < kVertices; ++axis) {
    auto& neighbors = filter.neighbors_[axis];
    neighbors.assign(table.keys().size() + 1, {0, 0});
    // One along all coordinates but the axis', which moves by -5 (which is not
    // part of the key if it is the sixth). The fields cannot overflow.
    const uint64_t step =
        axis < kDimensions
            ? kOnes - (kD + 1) * FieldUnit(static_cast<int>(axis))
            : kOnes;
    for (size_t v = 0; v < table.keys().size(); ++v) {
      neighbors[v + 1] = {table.Find(table.keys()[v] - step),
                          table.Find(table.keys()[v] + step)};
    }
  }
  return filter;
}

void LatticeBilateralFilter::Filter(const float* in, int channels,
                                    float* out) const {
  const size_t size = static_cast<size_t>(size_);
  // The blur's gain, 1 + 2^-5, is taken off again.
  const float gain = 1.0f / (1.0f + 1.0f / (1 << kD));
  std::vector<float> values(static_cast<size_t>(num_vertices_) + 1);
  std::vector<float> blurred(values.size());
  for (int k = 0; k < channels; ++k) {
    const float* map = in + static_cast<size_t>(k) * size;
    float* filtered = out + static_cast<size_t>(k) * size;
    values.assign(values.size(), 0.0f);
    for (size_t i = 0; i < size; ++i) {
      for (size_t v = 0; v < kVertices; ++v) {
        values[vertices_[i][v]] += weights_[i][v] * map[i];
      }
    }
    for (const auto& neighbors : neighbors_) {
      for (size_t v = 1; v < values.size(); ++v) {
        blurred[v] = values[v] +
                     0.5f * (values[neighbors[v][0]] + values[neighbors[v][1]]);
      }
      values.swap(blurred);
      values[0] = 0.0f;
    }
    for (size_t i = 0; i < size; ++i) {
      float sum = 0;
      for (size_t v = 0; v < kVertices; ++v) {
        sum += weights_[i][v] * values[vertices_[i][v]];
      }
      filtered[i] = gain * sum;
    }
  }
}

}  // namespace vision
