// The bilateral filter by its definition, in float64: what the others are
// tested against. O(N^2), for small images.

#ifndef VISION_CRF_REFERENCE_BILATERAL_FILTER_H_
#define VISION_CRF_REFERENCE_BILATERAL_FILTER_H_

#include <vector>

#include "absl/types/span.h"

namespace vision {

// Returns W in for each of the maps `in`, [channels, height, width], and the
// planar image `rgb_chw`, [3, height, width]; see bilateral_filter.h for W. The
// number of channels follows from the size of `in`.
std::vector<double> ReferenceBilateralFilter(absl::Span<const float> rgb_chw,
                                             int height, int width,
                                             double sigma_rgb,
                                             double sigma_xy_pixels,
                                             absl::Span<const float> in);

}  // namespace vision

#endif  // VISION_CRF_REFERENCE_BILATERAL_FILTER_H_
