// Score maps that look at no image: what a method must beat.
//
//   evaluator.Accumulate(wsol::CenterBaselineMap(), truth, std::nullopt);

#ifndef WSOL_METRICS_BASELINE_MAPS_H_
#define WSOL_METRICS_BASELINE_MAPS_H_

#include "opencv2/core/mat.hpp"

namespace wsol {

// The object is in the middle: (a - min a) / (max a - min a) with
//   a(y, x) = -((x - 112)^2 + (y - 112)^2)
// in double. CV_64FC1, 224 x 224, in [0, 1].
cv::Mat CenterBaselineMap();

// The object is everywhere: 0.5. CV_64FC1, 224 x 224.
cv::Mat ConstantBaselineMap();

}  // namespace wsol

#endif  // WSOL_METRICS_BASELINE_MAPS_H_
