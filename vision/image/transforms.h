// The random geometry of training and the conversion of pixels to network
// input.
//
//   vision::Rng rng(seed, {epoch, index});
//   const vision::CropFlip geometry = vision::SampleCropFlip(256, 224, rng);
//   const cv::Mat crop = vision::ApplyCropFlip(resized, geometry);
//   const vision::PixelNormalizer normalizer{vision::Normalization()};
//   normalizer.Write(crop, vision::PixelLayout::kHwc, input);
//
// One CropFlip is drawn per sample and applied alike to its image, map and
// mask.

#ifndef VISION_IMAGE_TRANSFORMS_H_
#define VISION_IMAGE_TRANSFORMS_H_

#include <array>
#include <cstdint>

#include "opencv2/core/mat.hpp"
#include "vision/base/rng.h"

namespace vision {

// (pixel / 255 - mean) / std of each channel, in RGB order. The defaults are
// ImageNet's, with which torchvision's weights were trained.
struct Normalization {
  std::array<float, 3> mean = {0.485f, 0.456f, 0.406f};
  std::array<float, 3> std = {0.229f, 0.224f, 0.225f};
};

// A square crop, then a mirror image (left and right exchanged).
struct CropFlip {
  int top = 0;   // First row of the crop, in pixels.
  int left = 0;  // First column.
  int size = 0;  // Rows and columns.
  bool flip = false;
};

// Draws a crop of `crop` x `crop` pixels out of `resize` x `resize`: first the
// top row, then the left column, each uniform in [0, resize - crop], then a
// flip with probability 1/2. Always three draws. Needs 0 < crop <= resize
// (CHECK).
CropFlip SampleCropFlip(int resize, int crop, Rng& rng);

// The cropped and mirrored part of `image`, any type, [size, size], a
// continuous copy. The crop must lie inside the image (CHECK).
cv::Mat ApplyCropFlip(const cv::Mat& image, const CropFlip& geometry);

// Where the three values of a pixel go.
enum class PixelLayout {
  kChw,  // [3, height, width], the memory of a contiguous tensor.
  kHwc,  // [height, width, 3], the memory of a channels-last tensor.
};

// Bytes to network input, in one pass. Each value is computed in float32 as
// PyTorch does it, three roundings; a table of 3 x 256 values holds them all.
// Immutable, so it may be used from several threads.
class PixelNormalizer {
 public:
  explicit PixelNormalizer(const Normalization& normalization);

  // Writes (pixel / 255 - mean) / std, 3 * rows * columns values. `rgb` is
  // [height, width] CV_8UC3 in RGB order, rows possibly strided (CHECK).
  void Write(const cv::Mat& rgb, PixelLayout layout, float* out) const;

  // The same rounded to bfloat16 (to nearest, ties to even), as its bits.
  void WriteBfloat16(const cv::Mat& rgb, PixelLayout layout,
                     uint16_t* out) const;

 private:
  std::array<std::array<float, 256>, 3> values_;
  std::array<std::array<uint16_t, 256>, 3> bfloat16_;
};

// Writes the pixel values themselves, 0 to 255, to chw[channel][row][column].
void ToChw(const cv::Mat& rgb, float* chw);

}  // namespace vision

#endif  // VISION_IMAGE_TRANSFORMS_H_
