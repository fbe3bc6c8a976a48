// The score maps of the golden split in wsol/metrics/testdata/evaluation, from
// the closed forms in its README. For tests.

#ifndef WSOL_EVALUATION_RUN_GOLDEN_MAPS_H_
#define WSOL_EVALUATION_RUN_GOLDEN_MAPS_H_

#include <cstddef>

#include "opencv2/core/mat.hpp"

namespace wsol {

// The map of image number `index`, CV_64FC1, 224 x 224.
cv::Mat GoldenScoreMap(size_t index);

}  // namespace wsol

#endif  // WSOL_EVALUATION_RUN_GOLDEN_MAPS_H_
