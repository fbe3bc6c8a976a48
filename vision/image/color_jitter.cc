#include "vision/image/color_jitter.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/rng.h"

namespace vision {
namespace {

uint8_t Luma(const cv::Vec3b& rgb) {
  return static_cast<uint8_t>(
      (19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 0x8000) >> 16);
}

// from + factor (to - from), cut off to an integer as Pillow does it, in
// float32.
uint8_t Blend(uint8_t from, uint8_t to, float factor) {
  const float value = static_cast<float>(from) +
                      factor * static_cast<float>(int{to} - int{from});
  return static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f));
}

// Blends each pixel with what `grey` makes of it.
template <typename Grey>
void BlendWithGrey(double factor, Grey grey, cv::Mat* rgb) {
  const float f = static_cast<float>(factor);
  for (int y = 0; y < rgb->rows; ++y) {
    cv::Vec3b* row = rgb->ptr<cv::Vec3b>(y);
    for (int x = 0; x < rgb->cols; ++x) {
      const uint8_t level = grey(row[x]);
      for (int c = 0; c < 3; ++c) row[x][c] = Blend(level, row[x][c], f);
    }
  }
}

uint8_t MeanLuma(const cv::Mat& rgb) {
  int64_t sum = 0;
  for (int y = 0; y < rgb.rows; ++y) {
    const cv::Vec3b* row = rgb.ptr<cv::Vec3b>(y);
    for (int x = 0; x < rgb.cols; ++x) sum += Luma(row[x]);
  }
  return static_cast<uint8_t>(
      static_cast<double>(sum) / static_cast<double>(rgb.total()) + 0.5);
}

void TurnHue(double turns, cv::Mat* rgb) {
  cv::Mat hsv;
  rgb->convertTo(hsv, CV_32F, 1.0 / 255);
  cv::cvtColor(hsv, hsv, cv::COLOR_RGB2HSV);
  const float degrees = static_cast<float>(360 * turns);
  for (int y = 0; y < hsv.rows; ++y) {
    cv::Vec3f* row = hsv.ptr<cv::Vec3f>(y);
    for (int x = 0; x < hsv.cols; ++x) {
      // OpenCV takes hues from 0 to 360.
      const float hue = std::fmod(row[x][0] + degrees, 360.0f);
      row[x][0] = hue < 0 ? hue + 360 : hue;
    }
  }
  cv::cvtColor(hsv, hsv, cv::COLOR_HSV2RGB);
  // Rounds to nearest and, as *rgb has this type and size already, writes to
  // its pixels even where it is a part of an image.
  hsv.convertTo(*rgb, CV_8U, 255);
}

void Apply(ColorOperation operation, const ColorChange& change, cv::Mat* rgb) {
  switch (operation) {
    case ColorOperation::kBrightness:
      if (change.brightness == 1) return;
      BlendWithGrey(
          change.brightness, [](const cv::Vec3b&) { return uint8_t{0}; }, rgb);
      return;
    case ColorOperation::kContrast: {
      if (change.contrast == 1) return;
      const uint8_t mean = MeanLuma(*rgb);
      BlendWithGrey(
          change.contrast, [mean](const cv::Vec3b&) { return mean; }, rgb);
      return;
    }
    case ColorOperation::kSaturation:
      if (change.saturation == 1) return;
      BlendWithGrey(change.saturation, Luma, rgb);
      return;
    case ColorOperation::kHue:
      if (change.hue == 0) return;
      TurnHue(change.hue, rgb);
      return;
  }
}

}  // namespace

bool ColorJitter::IsOff() const {
  return brightness == 0 && contrast == 0 && saturation == 0 && hue == 0;
}

absl::Status ColorJitter::Validate() const {
  const std::pair<const char*, double> factors[] = {{"brightness", brightness},
                                                    {"contrast", contrast},
                                                    {"saturation", saturation}};
  for (const auto& [name, value] : factors) {
    if (!(value >= 0) || !std::isfinite(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is ", value, ", expected 0 or more"));
    }
  }
  if (!(hue >= 0 && hue <= 0.5)) {
    return absl::InvalidArgumentError(
        absl::StrCat("hue is ", hue, ", expected a number from 0 to 0.5"));
  }
  return absl::OkStatus();
}

ColorChange SampleColorChange(const ColorJitter& jitter, Rng& rng) {
  ColorChange change;
  for (size_t i = change.order.size(); i > 1; --i) {
    std::swap(change.order[i - 1], change.order[rng.UniformInt(i)]);
  }
  const auto factor = [&rng](double strength) {
    return rng.Uniform(std::max(0.0, 1 - strength), 1 + strength);
  };
  change.brightness = factor(jitter.brightness);
  change.contrast = factor(jitter.contrast);
  change.saturation = factor(jitter.saturation);
  change.hue = rng.Uniform(-jitter.hue, jitter.hue);
  return change;
}

void ApplyColorChange(const ColorChange& change, cv::Mat* rgb) {
  CHECK_EQ(rgb->type(), CV_8UC3) << "expected an RGB image of 8 bits";
  if (rgb->empty()) return;
  for (const ColorOperation operation : change.order) {
    Apply(operation, change, rgb);
  }
}

}  // namespace vision
