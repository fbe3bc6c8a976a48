#include "wsol/metrics/test_planes.h"

#include <algorithm>
#include <cstdint>

#include "opencv2/core.hpp"

namespace wsol {

BytePlane PlaneOf(const cv::Mat& bytes) {
  BytePlane plane;
  plane.Resize(bytes.cols, bytes.rows);
  for (int y = 0; y < bytes.rows; ++y) {
    std::copy_n(bytes.ptr<uint8_t>(y), bytes.cols, plane.Row(y));
  }
  return plane;
}

cv::Mat MatOf(const BytePlane& plane) {
  cv::Mat bytes(plane.height(), plane.width(), CV_8UC1);
  for (int y = 0; y < bytes.rows; ++y) {
    std::copy_n(plane.Row(y), bytes.cols, bytes.ptr<uint8_t>(y));
  }
  return bytes;
}

}  // namespace wsol
