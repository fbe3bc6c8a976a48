#include "wsol/metrics/baseline_maps.h"

#include "opencv2/core.hpp"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {

cv::Mat CenterBaselineMap() {
  constexpr int kCenter = kFrameSize / 2;
  // The corner (0, 0) is the farthest pixel; the centre has a = 0.
  constexpr double kMin = -2.0 * kCenter * kCenter;
  cv::Mat map(kFrameSize, kFrameSize, CV_64FC1);
  for (int y = 0; y < kFrameSize; ++y) {
    for (int x = 0; x < kFrameSize; ++x) {
      const int dx = x - kCenter, dy = y - kCenter;
      map.at<double>(y, x) = (-(dx * dx + dy * dy) - kMin) / -kMin;
    }
  }
  return map;
}

cv::Mat ConstantBaselineMap() {
  return cv::Mat(kFrameSize, kFrameSize, CV_64FC1, cv::Scalar(0.5));
}

}  // namespace wsol
