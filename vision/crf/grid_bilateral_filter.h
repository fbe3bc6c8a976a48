// The bilateral filter in linear time. Implementation of bilateral_filter.h,
// which is what to use and which checks its arguments.
//
// In space the Gaussian is a few functions on each of some tiles
// (spatial_tiles.h), so that only colour needs a grid:
//
//   W ~ sum_tu sum_mn D(f_tm) B G B^T D(f_un) C_tu,mn
//
// for tiles t, u and functions m, n, with B the weights of each pixel's colour
// on a regular grid and G a separable discrete Gaussian on it, narrowed by the
// variance that B adds. The form is symmetric positive semidefinite whatever
// the approximations, so -2 W s is the exact gradient of -s^T W s.
//
// B: a quadratic B-spline has 27 nodes in three dimensions. Its weights are
// polynomials of the position u within the cell, and the terms of degree three
// to six hardly matter: without them the error of W grows by a sixth. Ten terms
// are left,
//
//   1, u_a, u_b, u_c, u_a^2, u_a u_b, u_a u_c, u_b^2, u_b u_c, u_c^2,
//
// whose sums over the pixels of a cell (moments) fit into registers; each
// cell's moments are then spread to its 27 nodes at once.

#ifndef VISION_CRF_GRID_BILATERAL_FILTER_H_
#define VISION_CRF_GRID_BILATERAL_FILTER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vision/crf/filter_workspace.h"
#include "vision/crf/spatial_tiles.h"

namespace vision {

struct GridBilateralFilterOptions {
  // Distance of grid nodes in units of sigma_rgb, below sqrt(2).
  double pitch = 0.8;
  // Largest error of the spatial kernel within a tile; its largest value is 1.
  double spatial_tolerance = 1e-2;
};

// Filter() may run on several threads at once. Time and memory are linear in
// the pixels, the channels, and the cells of the colours' boxes: for 2 channels
// at 224x224 some 1 to 4 MB in the workspace and 2 MB in the filter.
class GridBilateralFilter {
 public:
  // The most grid nodes, summed over the tiles: this or 4 a pixel.
  static constexpr int64_t kMaxNodes = int64_t{1} << 19;
  // The longest side.
  static constexpr int kMaxSide = 1 << 16;

  // `rgb_chw`: [3, height, width], finite; sizes and sigmas positive.
  // kInvalidArgument if a side is above kMaxSide, or sigma_rgb (or both sigmas)
  // so small that the boxes of the tiles' colours have too many grid nodes.
  static absl::StatusOr<GridBilateralFilter> Create(
      const float* rgb_chw, int height, int width, double sigma_rgb,
      double sigma_xy_pixels, const GridBilateralFilterOptions& options);

  // Make a filter before use: see Plan().
  GridBilateralFilter() = default;

  // Create() that keeps memory, and the spatial functions if sizes and options
  // are those of the last time. After an error the filter is not to be used.
  absl::Status Plan(const float* rgb_chw, int height, int width,
                    double sigma_rgb, double sigma_xy_pixels,
                    const GridBilateralFilterOptions& options);

  // out = W in, both [channels, height, width]. Bitwise the same for any number
  // of threads.
  void Filter(const float* in, int channels, float* out,
              FilterWorkspace* workspace, int num_threads) const;

  // For tests.
  void Filter(const float* in, int channels, float* out) const {
    FilterWorkspace workspace;
    Filter(in, channels, out, &workspace, /*num_threads=*/1);
  }

  // Of `channels` channels, a fused one being one: to compare with a CPU's
  // peak.
  double NumMultiplyAdds(int channels) const;
  // Memory of the filter itself.
  size_t bytes() const;
  int num_tiles() const { return static_cast<int>(tiles_.size()); }
  int64_t num_nodes() const { return num_nodes_; }
  int64_t num_cells() const { return static_cast<int64_t>(cells_.size()); }

  // What the kernels read and write; for the implementation.
  struct Pixel {
    float u[3];     // Place in its cell, from the middle: [-1/2, 1/2].
    uint16_t x, y;  // In the image.
  };
  struct Cell {
    int32_t node;        // Its lowest node, in the tile's box.
    int32_t begin, end;  // Its pixels in `pixels_`.
  };

 private:
  // A box of grid nodes [low, low + size) along each axis.
  struct Box {
    std::array<int, 3> low;
    std::array<int, 3> size;
    size_t NumLines() const { return static_cast<size_t>(size[0]) * size[1]; }
    size_t NumNodes() const { return NumLines() * size[2]; }
  };
  struct Tile {
    int x, y;  // First pixel.
    Box box;   // Nodes of its pixels' cells.
    // The box in whatever is stored by node or line of all tiles.
    size_t first_node, first_line;
    // Cells in `cells_` by plane: those whose lowest node is in plane r of the
    // box are [planes_[first_plane + r], planes_[first_plane + r + 1]).
    size_t first_plane;
  };
  // Where one tile's values go through the blur.
  struct Blurred;

  absl::Status PlanColors(const float* rgb_chw);
  // Colours in units of cells from the lowest one, in `positions_`; the number
  // of cells along each axis.
  std::array<double, 3> ProjectColors(const float* rgb_chw);

  // The steps of Filter() for a group of one or two channels, each for one
  // plane of nodes (first axis) of a tile.
  void ClearPlane(const Tile& tile, int plane, int lanes, float* nodes) const;
  void SplatPlane(const Tile& tile, int plane, int group, const float* in,
                  float* nodes) const;
  void SlicePlane(const Tile& tile, int plane, int group, const float* nodes,
                  float* out) const;
  void FilterOneTile(const float* in, int channels, float* out,
                     FilterWorkspace* workspace, int num_threads) const;
  void FilterTiles(const float* in, int channels, float* out,
                   FilterWorkspace* workspace, int num_threads) const;
  // The values that reach `tile` from all tiles, blurred along all axes, on the
  // tile's box: in the returned one of the two arrays.
  const float* GatherAndBlur(const Tile& tile, int group, const float* nodes,
                             FilterWorkspace* workspace, size_t slot) const;
  // Box that GatherAndBlur() works on.
  Box ReachOf(const Tile& tile) const;

  int height_ = 0;
  int width_ = 0;
  double sigma_rgb_ = 0;
  double sigma_xy_pixels_ = 0;
  GridBilateralFilterOptions options_;

  SpatialTiles space_;
  std::vector<float> taps_;  // Of the symmetric blur: [0, radius].
  double offset_ = 0;        // Of the lowest colours in their cell.

  std::vector<float> positions_;  // [3, pixels], while planning.
  std::vector<int32_t> keys_;
  std::vector<int32_t> starts_;

  // Sorted by tile and cell, in raster order within one, so that sums are
  // always taken in the same order.
  std::vector<Pixel> pixels_;
  std::vector<Cell> cells_;  // The occupied ones.
  std::vector<int32_t> planes_;
  std::vector<Tile> tiles_;  // Row by row.
  // Lines of nodes along the last axis that hold a node of an occupied cell.
  std::vector<uint8_t> line_is_used_;
  int64_t num_nodes_ = 0;
};

}  // namespace vision

#endif  // VISION_CRF_GRID_BILATERAL_FILTER_H_
