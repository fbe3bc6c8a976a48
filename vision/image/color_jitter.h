// Random brightness, contrast, saturation and hue, as torchvision's ColorJitter
// applies them to 8-bit images.
//
//   vision::ColorJitter jitter;
//   jitter.brightness = 0.2;
//   vision::Rng rng(seed, {epoch, index});
//   vision::ApplyColorChange(vision::SampleColorChange(jitter, rng), &rgb);
//
// Only the network's input is changed; what compares colours, such as a CRF,
// takes the image before.

#ifndef VISION_IMAGE_COLOR_JITTER_H_
#define VISION_IMAGE_COLOR_JITTER_H_

#include <array>

#include "absl/status/status.h"
#include "opencv2/core/mat.hpp"
#include "vision/base/rng.h"

namespace vision {

// Strengths; 0 switches a part off, and all are off by default.
struct ColorJitter {
  // Factors are uniform in [max(0, 1 - strength), 1 + strength]; >= 0.
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;
  // Shifts are uniform in [-hue, hue] turns of the colour circle; in [0, 0.5].
  double hue = 0;

  bool IsOff() const;
  absl::Status Validate() const;
};

enum class ColorOperation { kBrightness, kContrast, kSaturation, kHue };

// One draw. Factors of 1 and a shift of 0 change nothing.
struct ColorChange {
  std::array<ColorOperation, 4> order = {
      ColorOperation::kBrightness, ColorOperation::kContrast,
      ColorOperation::kSaturation, ColorOperation::kHue};
  double brightness = 1;
  double contrast = 1;
  double saturation = 1;
  double hue = 0;  // In turns.
};

// Draws the order, uniform among the 24, then the four amounts. Always seven
// draws, whatever is switched off.
ColorChange SampleColorChange(const ColorJitter& jitter, Rng& rng);

// Changes `rgb`, CV_8UC3 in RGB order (CHECK), in place, one operation after
// the other in their order, each rounded to bytes:
//   brightness  f x
//   contrast    f x + (1 - f) m, m the mean of the image's luma as an integer
//   saturation  f x + (1 - f) luma of the pixel
//   hue         the hue of HSV turned; saturation and value stay
// with luma = (19595 R + 38470 G + 7471 B + 2^15) / 2^16. The first three are
// bit-equal to Pillow's ImageEnhance, which truncates. The hue is turned in
// float32 and rounded to nearest; Pillow, which rounds hue and saturation to
// bytes on the way, differs by up to about a dozen levels.
void ApplyColorChange(const ColorChange& change, cv::Mat* rgb);

}  // namespace vision

#endif  // VISION_IMAGE_COLOR_JITTER_H_
