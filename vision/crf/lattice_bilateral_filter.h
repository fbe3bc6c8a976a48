// The bilateral filter on a permutohedral lattice, with the values of the
// published implementations. Implementation of bilateral_filter.h, which is
// what to use and which checks its arguments.
//
// Adams, Baek, Davis, Eurographics 2010, in the variant of Kraehenbuehl and
// Koltun, NIPS 2011, that rloss and F-CAM use: the 5-D features (x, y) /
// sigma_xy and (r, g, b) / sigma_rgb are embedded in the plane of A_5^*'s
// lattice, values are spread to the 6 vertices of each point's simplex by
// barycentric weights, blurred by [1/2 1 1/2] along the 6 lattice directions in
// turn, and read back.
//
// The blur runs through occupied vertices only, and loses what would leave
// them: values are about half of the true W, by an amount that depends on the
// image, and the order of the directions makes the filter not quite symmetric.
// It is here to reproduce numbers, not to be preferred.

#ifndef VISION_CRF_LATTICE_BILATERAL_FILTER_H_
#define VISION_CRF_LATTICE_BILATERAL_FILTER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vision/crf/filter_workspace.h"

namespace vision {

struct LatticeBilateralFilterOptions {
  // NOTE(reference): the published code handles four pixels at a time and fills
  // up the last four with points of feature zero. They carry no value, but
  // their vertices exist and let the blur through, so for sizes that are not a
  // multiple of four results depend on them. False leaves them out.
  bool phantom_points = true;
};

// Filter() may run on several threads. O(N) with a hash table of the lattice's
// vertices; some 100 to 250 N bytes.
class LatticeBilateralFilter {
 public:
  // Make a filter before use: see Plan().
  LatticeBilateralFilter() = default;

  // `rgb_chw`: [3, height, width], finite; sizes and sigmas positive.
  // kInvalidArgument if features are so large (colours over sigma_rgb beyond
  // some 350) that lattice coordinates do not fit the hash table's keys.
  static absl::StatusOr<LatticeBilateralFilter> Create(
      const float* rgb_chw, int height, int width, double sigma_rgb,
      double sigma_xy_pixels,
      const LatticeBilateralFilterOptions& options = {});

  // Create() that keeps memory. After an error the filter is not to be used.
  absl::Status Plan(const float* rgb_chw, int height, int width,
                    double sigma_rgb, double sigma_xy_pixels,
                    const LatticeBilateralFilterOptions& options = {});

  // out = W in, both [channels, height, width]. Bitwise the same for any number
  // of threads.
  void Filter(const float* in, int channels, float* out,
              FilterWorkspace* workspace, int num_threads) const;

  // Number of occupied lattice vertices.
  int num_vertices() const { return num_vertices_; }
  // Memory of the filter itself.
  size_t bytes() const;

 private:
  static constexpr size_t kDimensions = 5;
  static constexpr size_t kVertices = kDimensions + 1;  // Of a simplex.

  // Numbers keys from 1 in the order of their first appearance.
  class VertexTable {
   public:
    void Clear();
    int32_t FindOrInsert(uint64_t key) {
      const size_t slot = FindSlot(key);
      const int32_t number = slots_[slot].number;
      return number != 0 ? number : Insert(slot, key);
    }
    // The key's number, 0 if it has none.
    int32_t Find(uint64_t key) const { return slots_[FindSlot(key)].number; }
    const std::vector<uint64_t>& keys() const { return keys_; }
    size_t bytes() const {
      return slots_.capacity() * sizeof(Slot) +
             keys_.capacity() * sizeof(uint64_t);
    }

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
    // Puts the key into its free slot.
    int32_t Insert(size_t slot, uint64_t key);
    void Rehash(int bits);

    int bits_ = 0;
    std::vector<Slot> slots_;
    std::vector<uint64_t> keys_;
  };

  // Of `kGroup` channels from `in`.
  template <size_t kGroup>
  void FilterGroup(const float* in, float* values, float* blurred,
                   float* out) const;

  size_t size_ = 0;  // Pixels.
  int num_vertices_ = 0;
  VertexTable table_;
  // Of each pixel's simplex, padded to whole blocks. Vertices are numbered from
  // 1: 0 stands for one that does not exist and whose value is zero.
  std::vector<std::array<int32_t, kVertices>> vertices_;
  std::vector<std::array<float, kVertices>> weights_;
  // The two neighbours of each vertex along each lattice direction.
  std::array<std::vector<std::array<int32_t, 2>>, kVertices> neighbors_;
};

}  // namespace vision

#endif  // VISION_CRF_LATTICE_BILATERAL_FILTER_H_
