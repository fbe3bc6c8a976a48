// From OpenCV's matrices to byte planes and back, for tests.
//
//   const wsol::BytePlane plane = wsol::PlaneOf(bytes);

#ifndef WSOL_METRICS_TEST_PLANES_H_
#define WSOL_METRICS_TEST_PLANES_H_

#include "opencv2/core/mat.hpp"
#include "wsol/metrics/byte_plane.h"

namespace wsol {

// `bytes` is CV_8UC1.
BytePlane PlaneOf(const cv::Mat& bytes);

// CV_8UC1, without the frame.
cv::Mat MatOf(const BytePlane& plane);

}  // namespace wsol

#endif  // WSOL_METRICS_TEST_PLANES_H_
