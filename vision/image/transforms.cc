#include "vision/image/transforms.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "vision/base/rng.h"

namespace vision {
namespace {

template <typename T>
using Tables = std::array<std::array<T, 256>, 3>;

template <typename T>
void LookUp(const cv::Mat& rgb, const Tables<T>& tables, PixelLayout layout,
            T* out) {
  CHECK_EQ(rgb.type(), CV_8UC3) << "expected an RGB image of 8 bits";
  const size_t plane = static_cast<size_t>(rgb.rows) * rgb.cols;
  for (int y = 0; y < rgb.rows; ++y) {
    const uint8_t* in = rgb.ptr<uint8_t>(y);
    if (layout == PixelLayout::kHwc) {
      T* row = out + static_cast<size_t>(y) * rgb.cols * 3;
      for (int i = 0; i < 3 * rgb.cols; i += 3) {
        row[i] = tables[0][in[i]];
        row[i + 1] = tables[1][in[i + 1]];
        row[i + 2] = tables[2][in[i + 2]];
      }
      continue;
    }
    T* row = out + static_cast<size_t>(y) * rgb.cols;
    for (int x = 0; x < rgb.cols; ++x) {
      row[x] = tables[0][in[3 * x]];
      row[plane + x] = tables[1][in[3 * x + 1]];
      row[2 * plane + x] = tables[2][in[3 * x + 2]];
    }
  }
}

// The nearest bfloat16 of a finite number, ties to even: its upper 16 bits
// after half of their last unit (just less for an even one) was added.
uint16_t RoundToBfloat16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  bits += 0x7fff + ((bits >> 16) & 1);
  return static_cast<uint16_t>(bits >> 16);
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

PixelNormalizer::PixelNormalizer(const Normalization& normalization) {
  for (int c = 0; c < 3; ++c) {
    for (int value = 0; value < 256; ++value) {
      values_[c][value] =
          (static_cast<float>(value) / 255.0f - normalization.mean[c]) /
          normalization.std[c];
      bfloat16_[c][value] = RoundToBfloat16(values_[c][value]);
    }
  }
}

void PixelNormalizer::Write(const cv::Mat& rgb, PixelLayout layout,
                            float* out) const {
  LookUp(rgb, values_, layout, out);
}

void PixelNormalizer::WriteBfloat16(const cv::Mat& rgb, PixelLayout layout,
                                    uint16_t* out) const {
  LookUp(rgb, bfloat16_, layout, out);
}

void ToChw(const cv::Mat& rgb, float* chw) {
  CHECK_EQ(rgb.type(), CV_8UC3) << "expected an RGB image of 8 bits";
  if (rgb.empty()) return;
  std::array<cv::Mat, 3> planes;
  cv::split(rgb, planes.data());
  for (cv::Mat& plane : planes) {
    // It has this size and type, so the values are written to its memory.
    cv::Mat target(plane.size(), CV_32FC1, chw);
    plane.convertTo(target, CV_32F);
    chw += plane.total();
  }
}

}  // namespace vision
