#include "vision/image/transforms.h"

#include <array>
#include <cstdint>

#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "vision/base/rng.h"

namespace vision {
namespace {

using ValueTable = std::array<float, 256>;

// chw[c][y][x] = tables[c][rgb[y][x][c]].
void LookUpToChw(const cv::Mat& rgb, const std::array<ValueTable, 3>& tables,
                 float* chw) {
  CHECK_EQ(rgb.type(), CV_8UC3) << "expected an RGB image of 8 bits";
  const size_t plane = static_cast<size_t>(rgb.rows) * rgb.cols;
  for (int y = 0; y < rgb.rows; ++y) {
    const uint8_t* in = rgb.ptr<uint8_t>(y);
    float* out = chw + static_cast<size_t>(y) * rgb.cols;
    for (int x = 0; x < rgb.cols; ++x) {
      out[x] = tables[0][in[3 * x]];
      out[plane + x] = tables[1][in[3 * x + 1]];
      out[2 * plane + x] = tables[2][in[3 * x + 2]];
    }
  }
}

}  // namespace

CropFlip SampleCropFlip(int resize, int crop, Rng& rng) {
  CHECK_GT(crop, 0);
  CHECK_LE(crop, resize);
  const uint64_t positions = static_cast<uint64_t>(resize) - crop + 1;
  CropFlip geometry;
  geometry.top = static_cast<int>(rng.UniformInt(positions));
  geometry.left = static_cast<int>(rng.UniformInt(positions));
  geometry.size = crop;
  geometry.flip = rng.Bernoulli(0.5);
  return geometry;
}

cv::Mat ApplyCropFlip(const cv::Mat& image, const CropFlip& geometry) {
  CHECK_GT(geometry.size, 0);
  CHECK_GE(geometry.top, 0);
  CHECK_GE(geometry.left, 0);
  CHECK_LE(geometry.top, image.rows - geometry.size);
  CHECK_LE(geometry.left, image.cols - geometry.size);
  const cv::Mat crop = image(
      cv::Rect(geometry.left, geometry.top, geometry.size, geometry.size));
  if (!geometry.flip) return crop.clone();
  cv::Mat flipped;
  cv::flip(crop, flipped, /*flipCode=*/1);
  return flipped;
}

void NormalizeToChw(const cv::Mat& rgb, const Normalization& normalization,
                    float* chw) {
  std::array<ValueTable, 3> tables;
  for (int c = 0; c < 3; ++c) {
    for (int value = 0; value < 256; ++value) {
      tables[c][value] =
          (static_cast<float>(value) / 255.0f - normalization.mean[c]) /
          normalization.std[c];
    }
  }
  LookUpToChw(rgb, tables, chw);
}

void ToChw(const cv::Mat& rgb, float* chw) {
  CHECK_EQ(rgb.type(), CV_8UC3) << "expected an RGB image of 8 bits";
  const size_t plane = static_cast<size_t>(rgb.rows) * rgb.cols;
  for (int y = 0; y < rgb.rows; ++y) {
    const uint8_t* in = rgb.ptr<uint8_t>(y);
    float* out = chw + static_cast<size_t>(y) * rgb.cols;
    for (int x = 0; x < rgb.cols; ++x) {
      out[x] = in[3 * x];
      out[plane + x] = in[3 * x + 1];
      out[2 * plane + x] = in[3 * x + 2];
    }
  }
}

}  // namespace vision
