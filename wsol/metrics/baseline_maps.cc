#include "wsol/metrics/baseline_maps.h"

#include "opencv2/core.hpp"
#include "vision/base/rng.h"

namespace wsol {

cv::Mat CenterBaselineMap(int width, int height) {
  const int64_t center_x = width / 2, center_y = height / 2;
  // The corner (0, 0) is the farthest pixel; the centre has a = 0.
  const double min_a =
      -static_cast<double>(center_x * center_x + center_y * center_y);
  cv::Mat map(height, width, CV_64FC1, cv::Scalar(0));
  if (min_a == 0) return map;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int64_t dx = x - center_x, dy = y - center_y;
      const double a = -static_cast<double>(dx * dx + dy * dy);
      map.at<double>(y, x) = (a - min_a) / -min_a;
    }
  }
  return map;
}

cv::Mat ConstantBaselineMap(int width, int height) {
  return cv::Mat(height, width, CV_64FC1, cv::Scalar(0.5));
}

cv::Mat RandomBaselineMap(uint64_t seed, absl::string_view id, int width,
                          int height) {
  // FNV-1a: the same key on every machine.
  uint64_t key = 0xCBF29CE484222325;
  for (const char c : id) {
    key = (key ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  }
  vision::Rng rng(seed, {key});
  cv::Mat map(height, width, CV_64FC1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) map.at<double>(y, x) = rng.Uniform();
  }
  return map;
}

}  // namespace wsol
