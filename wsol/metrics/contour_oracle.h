// The protocol to the letter: one cv::threshold and one cv::findContours per
// level. Slow; level_boxes.h must give the same boxes. For tests.
//
//   const wsol::OracleContours oracle = wsol::FindContours(bytes, level);
//   EXPECT_EQ(level_boxes.LargestContourBox(level), oracle.largest_box);

#ifndef WSOL_METRICS_CONTOUR_ORACLE_H_
#define WSOL_METRICS_CONTOUR_ORACLE_H_

#include <vector>

#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"

namespace wsol {

// The protocol's boxes at one level; [0, 0, 0, 0], made half-open, if there is
// no contour.
struct OracleContours {
  // Of all contours, holes' too, in the order of cv::findContours (RETR_TREE),
  // which differs between versions of OpenCV.
  std::vector<vision::Box> boxes;
  // Of the contour of largest cv::contourArea, the first of equals.
  vision::Box largest_box;
};

// The contours of {bytes > level}; `bytes` is CV_8UC1.
OracleContours FindContours(const cv::Mat& bytes, int level);

}  // namespace wsol

#endif  // WSOL_METRICS_CONTOUR_ORACLE_H_
