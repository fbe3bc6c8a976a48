#include "wsol/evaluation_run/golden_maps.h"

#include <algorithm>
#include <cstdint>

#include "opencv2/core.hpp"

namespace wsol {
namespace {

constexpr int kSide = 224;

class Lcg {
 public:
  explicit Lcg(uint32_t seed) : state_(seed) {}
  int Next() {
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<int>(state_ >> 16);
  }

 private:
  uint32_t state_;
};

// (a - min) / (max - min), zeros if constant; `a` holds integers.
cv::Mat ToMap(const cv::Mat_<double>& a) {
  double low = 0, high = 0;
  cv::minMaxLoc(a, &low, &high);
  cv::Mat_<double> map(a.size(), 0);
  if (low == high) return map;
  for (int y = 0; y < a.rows; ++y) {
    for (int x = 0; x < a.cols; ++x) map(y, x) = (a(y, x) - low) / (high - low);
  }
  return map;
}

cv::Mat Blobs(uint32_t seed) {
  Lcg lcg(seed);
  cv::Mat_<double> sum(kSide, kSide, 0.0);
  for (int i = 0; i < 3; ++i) {
    const int cx = lcg.Next() % kSide, cy = lcg.Next() % kSide;
    const int amplitude = 200 + lcg.Next() % 800, k = 20 + lcg.Next() % 300;
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const int d2 = (x - cx) * (x - cx) + (y - cy) * (y - cy);
        sum(y, x) += std::max(0, amplitude * 1000 - k * d2);
      }
    }
  }
  return ToMap(sum);
}

cv::Mat Noise(uint32_t seed) {
  Lcg lcg(seed);
  cv::Mat_<double> coarse(kSide / 8, kSide / 8), sum(kSide, kSide);
  for (double& value : coarse) value = lcg.Next() % 1000;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      sum(y, x) = coarse(y / 8, x / 8) + lcg.Next() % 200;
    }
  }
  return ToMap(sum);
}

}  // namespace

cv::Mat GoldenScoreMap(size_t index) {
  const auto seed = static_cast<uint32_t>(index + 1);
  return index % 8 == 7 ? Noise(seed) : Blobs(seed);
}

}  // namespace wsol
