// Score maps that look at no image: what a method must beat.
//
//   evaluator.Accumulate(wsol::CenterBaselineMap(), truth, std::nullopt);

#ifndef WSOL_METRICS_BASELINE_MAPS_H_
#define WSOL_METRICS_BASELINE_MAPS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {

// The object is in the middle: (a - min a) / (max a - min a) with
//   a(y, x) = -((x - width / 2)^2 + (y - height / 2)^2)
// in double, halves rounded down; 0 for a single pixel. CV_64FC1 of this size,
// at least one pixel, in [0, 1].
cv::Mat CenterBaselineMap(int width = kFrameSize, int height = kFrameSize);

// The object is everywhere: 0.5. CV_64FC1.
cv::Mat ConstantBaselineMap(int width = kFrameSize, int height = kFrameSize);

// The object is anywhere: uniform noise in [0, 1), a function of `seed` and the
// image's id alone. CV_64FC1.
cv::Mat RandomBaselineMap(uint64_t seed, absl::string_view id,
                          int width = kFrameSize, int height = kFrameSize);

}  // namespace wsol

#endif  // WSOL_METRICS_BASELINE_MAPS_H_
