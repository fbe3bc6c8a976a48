// The bilateral filter in linear time for a sigma_xy of the order of the image.
// Implementation of bilateral_filter.h, which is what to use and which checks
// its arguments.
//
// The spatial Gaussian of a kernel about as wide as the image has few
// significant eigenfunctions phi_m, so that only colour needs a grid:
//
//   W ~ sum_m D(phi_m) B G B^T D(phi_m)
//
// with B the B-spline weights of each pixel's colour on a regular grid and G a
// separable discrete Gaussian on it, narrowed by the variance that the splines
// add. The form is symmetric positive semidefinite whatever the approximations,
// so -2 W s is the exact gradient of -s^T W s.

#ifndef VISION_CRF_GRID_BILATERAL_FILTER_H_
#define VISION_CRF_GRID_BILATERAL_FILTER_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vision {

struct GridBilateralFilterOptions {
  // Degree of the B-splines in colour: 1 or 2.
  int spline_degree = 2;
  // Distance of grid nodes in units of sigma_rgb, below sqrt(6 / (degree + 1)).
  double pitch = 0.8;
  // Largest error of the spatial kernel, whose largest value is 1.
  double spatial_tolerance = 1e-2;
};

// Immutable; Filter() may run on several threads. Time and memory are linear in
// the pixels, the product of channels and spatial functions, and the cells of
// the colours' box: for 2 channels at 224x224 some 2 to 8 MB while Filter()
// runs.
class GridBilateralFilter {
 public:
  // `rgb_chw`: [3, height, width], finite; sizes and sigmas positive.
  // kInvalidArgument if sigma_xy is so small that the spatial kernel has more
  // than kMaxFunctions functions, or sigma_rgb so small that the box of the
  // image's colours has more than kMaxNodes grid nodes.
  static absl::StatusOr<GridBilateralFilter> Create(
      const float* rgb_chw, int height, int width, double sigma_rgb,
      double sigma_xy_pixels, const GridBilateralFilterOptions& options);

  static constexpr int kMaxFunctions = 96;
  static constexpr int64_t kMaxNodes = int64_t{1} << 19;

  // out = W in, both [channels, height, width].
  void Filter(const float* in, int channels, float* out) const;

  // What the kernels read and write; for the implementation.
  struct Pixel {
    int32_t x, y;
  };
  struct Cell {
    int64_t node;        // The cell's lowest node.
    int32_t begin, end;  // Its pixels in `pixels_`.
  };

 private:
  GridBilateralFilter() = default;

  // Functions of image coordinates: phi_m(x, y) = functions_x_[m][x] *
  // functions_y_[m][y]. The number is a multiple of 8, with zeros at the end.
  absl::Status PlanSpace(double sigma_xy_pixels, double tolerance);
  // Grid, blur taps, and the pixels sorted by cell.
  absl::Status PlanColors(const float* rgb_chw, double sigma_rgb,
                          const GridBilateralFilterOptions& options);
  // Convolves the values at the nodes, [nodes, lanes], with the taps along the
  // three axes. Only the used lines of nodes are valid on input and output. The
  // result is in `scratch`, `grid` is overwritten.
  void Blur(int lanes, float* grid, float* scratch) const;

  int height_ = 0;
  int width_ = 0;
  int degree_ = 0;

  int num_functions_ = 0;
  std::vector<float> functions_x_;  // [num_functions_, width_]
  std::vector<float> functions_y_;  // [num_functions_, height_]

  // Number of nodes along each axis of the (rotated) colour space.
  std::array<int, 3> nodes_ = {0, 0, 0};
  std::vector<float> taps_;  // Of the symmetric blur: [0, radius].

  // Pixels sorted by cell, in raster order within one, so that sums are always
  // taken in the same order.
  std::vector<Pixel> pixels_;
  // Positions within the cell along each axis, in [0, 1); padded to whole
  // chunks.
  std::array<std::vector<float>, 3> offsets_;
  std::vector<Cell> cells_;  // The occupied ones.

  // Lines of nodes along the last axis, [nodes_[0], nodes_[1]]: those which
  // hold a node of some occupied cell, and those which the third pass of the
  // blur reads.
  std::vector<uint8_t> line_is_used_;
  std::vector<uint8_t> line_is_between_;
};

}  // namespace vision

#endif  // VISION_CRF_GRID_BILATERAL_FILTER_H_
