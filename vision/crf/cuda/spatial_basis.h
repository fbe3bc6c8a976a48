// The spatial Gaussian of an image size as a sum of few products, in the layout
// that the grid filter on CUDA devices reads; see grid_bilateral_filter.h for
// why few are enough.
//
//   VISION_ASSIGN_OR_RETURN(const SpatialBasis basis,
//                           MakeSpatialBasis(height, width, 100.0));
//   ...  copy basis.x and basis.y to the device, once for all batches

#ifndef VISION_CRF_CUDA_SPATIAL_BASIS_H_
#define VISION_CRF_CUDA_SPATIAL_BASIS_H_

#include <vector>

#include "absl/status/statusor.h"

namespace vision {

// exp(-|p - q|^2 / (2 sigma^2)) ~ sum_m x_m(p_x) y_m(p_y) x_m(q_x) y_m(q_y).
struct SpatialBasis {
  int num_functions = 0;
  std::vector<float> x;  // [width, num_functions]
  std::vector<float> y;  // [height, num_functions]
};

// Functions until the error of the diagonal, the largest one, is at most
// `tolerance` anywhere; 16 for sigma = 0.45 sides. A multiple of 8, with zeros
// at the end. kInvalidArgument: sizes or sigma not positive; a sigma so small
// (below about a sixth of the sides) that more than 96 are needed.
absl::StatusOr<SpatialBasis> MakeSpatialBasis(int height, int width,
                                              double sigma_xy_pixels,
                                              double tolerance = 1e-2);

}  // namespace vision

#endif  // VISION_CRF_CUDA_SPATIAL_BASIS_H_
