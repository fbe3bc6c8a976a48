#include "vision/image/color_jitter.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/rng.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

// 12 x 8 pixels of the generator that the golden numbers are made with.
cv::Mat RandomImage() {
  cv::Mat rgb(8, 12, CV_8UC3);
  uint32_t state = 7;
  for (size_t i = 0; i < rgb.total() * 3; ++i) {
    state = 1664525 * state + 1013904223;
    rgb.data[i] = static_cast<uint8_t>(state >> 24);
  }
  return rgb;
}

uint32_t Crc32(const cv::Mat& rgb) {
  return static_cast<uint32_t>(
      crc32(0, rgb.data, static_cast<uInt>(rgb.total() * 3)));
}

cv::Mat OnePixel(uint8_t red, uint8_t green, uint8_t blue) {
  cv::Mat rgb(1, 1, CV_8UC3);
  rgb.at<cv::Vec3b>(0, 0) = {red, green, blue};
  return rgb;
}

TEST(ApplyColorChangeTest, HandComputed) {
  ColorChange change;
  change.brightness = 0.5;
  cv::Mat rgb = OnePixel(255, 100, 3);
  ApplyColorChange(change, &rgb);
  // Halves, cut off.
  EXPECT_EQ(rgb.at<cv::Vec3b>(0, 0), cv::Vec3b(127, 50, 1));

  change = ColorChange();
  change.saturation = 0;
  rgb = OnePixel(255, 0, 0);
  ApplyColorChange(change, &rgb);
  // (19595 * 255 + 32768) / 65536 = 76.7...
  EXPECT_EQ(rgb.at<cv::Vec3b>(0, 0), cv::Vec3b(76, 76, 76));

  change = ColorChange();
  change.hue = 0.5;
  rgb = OnePixel(255, 0, 0);
  ApplyColorChange(change, &rgb);
  // Red becomes its opposite, cyan.
  EXPECT_EQ(rgb.at<cv::Vec3b>(0, 0), cv::Vec3b(0, 255, 255));

  change = ColorChange();
  change.contrast = 2;
  rgb = cv::Mat(1, 2, CV_8UC3, cv::Scalar::all(100));
  rgb.at<cv::Vec3b>(0, 1) = {110, 110, 110};
  ApplyColorChange(change, &rgb);
  // The mean is 105: 105 + 2 * (-5) and 105 + 2 * 5.
  EXPECT_EQ(rgb.at<cv::Vec3b>(0, 0), cv::Vec3b(95, 95, 95));
  EXPECT_EQ(rgb.at<cv::Vec3b>(0, 1), cv::Vec3b(115, 115, 115));
}

TEST(ApplyColorChangeTest, TheOrderMatters) {
  ColorChange change;
  change.brightness = 2;
  change.contrast = 0.5;
  cv::Mat first(1, 2, CV_8UC3, cv::Scalar::all(0));
  first.at<cv::Vec3b>(0, 1) = {200, 200, 200};
  cv::Mat second = first.clone();
  ApplyColorChange(change, &first);
  std::swap(change.order[0], change.order[1]);
  ApplyColorChange(change, &second);
  // Brighter first: 255, mean 128, then half way to it. Contrast first: 50 and
  // 150, then twice that.
  EXPECT_EQ(first.at<cv::Vec3b>(0, 1)[0], 191);
  EXPECT_EQ(second.at<cv::Vec3b>(0, 1)[0], 255);
  EXPECT_EQ(second.at<cv::Vec3b>(0, 0)[0], 100);
}

// Checksums of Pillow 12's ImageEnhance.Brightness, .Contrast and .Color.
TEST(ApplyColorChangeTest, FactorsAreBitEqualToPillow) {
  const struct {
    double factor;
    uint32_t brightness, contrast, saturation;
  } cases[] = {{0.0, 3958532690u, 1211481143u, 154940050u},
               {0.3, 2233658896u, 2396971196u, 3681029357u},
               {0.75, 3943599105u, 3958471499u, 2227480641u},
               {1.4, 1641796024u, 3489506242u, 794106677u},
               {2.0, 1288154828u, 2432627943u, 3970098423u}};
  for (const auto& test : cases) {
    SCOPED_TRACE(test.factor);
    ColorChange change;
    change.brightness = test.factor;
    cv::Mat rgb = RandomImage();
    ApplyColorChange(change, &rgb);
    EXPECT_EQ(Crc32(rgb), test.brightness);

    change = ColorChange();
    change.contrast = test.factor;
    rgb = RandomImage();
    ApplyColorChange(change, &rgb);
    EXPECT_EQ(Crc32(rgb), test.contrast);

    change = ColorChange();
    change.saturation = test.factor;
    rgb = RandomImage();
    ApplyColorChange(change, &rgb);
    EXPECT_EQ(Crc32(rgb), test.saturation);
  }
}

// The first four pixels by Python's colorsys, and as Pillow 12 has them after
// convert("HSV"), a turned hue, and back.
TEST(ApplyColorChangeTest, HueIsExactAndNearPillows) {
  const struct {
    double turns;
    std::vector<int> exact;
    std::vector<int> pillow;
  } cases[] = {{0.1,
                {61, 207, 233, 237, 12, 84, 92, 56, 13, 184, 251, 136},
                {61, 211, 233, 237, 12, 91, 92, 52, 13, 188, 251, 137}},
               {-0.25,
                {224, 233, 61, 12, 106, 237, 48, 13, 92, 251, 136, 195},
                {223, 233, 61, 12, 107, 237, 49, 13, 92, 251, 137, 193}},
               {0.5,
                {233, 61, 138, 12, 237, 30, 13, 92, 88, 136, 138, 251},
                {233, 61, 142, 12, 237, 17, 13, 92, 84, 137, 142, 251}}};
  for (const auto& test : cases) {
    ColorChange change;
    change.hue = test.turns;
    cv::Mat rgb = RandomImage();
    ApplyColorChange(change, &rgb);
    for (size_t i = 0; i < test.exact.size(); ++i) {
      EXPECT_NEAR(rgb.data[i], test.exact[i], 1) << test.turns << " " << i;
      // Two roundings of a byte of hue, at 6 levels each for strong colours.
      EXPECT_NEAR(rgb.data[i], test.pillow[i], 14) << test.turns << " " << i;
    }
  }
}

TEST(ApplyColorChangeTest, NoChangeAndEmptyImages) {
  cv::Mat rgb = RandomImage();
  ApplyColorChange(ColorChange(), &rgb);
  EXPECT_EQ(Crc32(rgb), Crc32(RandomImage()));
  cv::Mat empty(0, 0, CV_8UC3);
  ApplyColorChange(ColorChange(), &empty);
}

TEST(ApplyColorChangeTest, TouchesOnlyTheGivenPart) {
  cv::Mat rgb = RandomImage();
  cv::Mat part = rgb(cv::Rect(2, 1, 5, 4));
  ColorChange change;
  change.brightness = 0;
  change.hue = 0.3;
  ApplyColorChange(change, &part);
  cv::Mat expected = RandomImage();
  expected(cv::Rect(2, 1, 5, 4)).setTo(cv::Scalar::all(0));
  EXPECT_EQ(Crc32(rgb), Crc32(expected));
}

TEST(SampleColorChangeTest, StaysInRangeAndReachesAllOrders) {
  ColorJitter jitter;
  jitter.brightness = 0.25;
  jitter.contrast = 1.5;
  jitter.hue = 0.1;
  std::set<std::array<ColorOperation, 4>> orders;
  double lowest = 2;
  double highest = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    Rng rng(3, {0, i});
    const ColorChange change = SampleColorChange(jitter, rng);
    orders.insert(change.order);
    EXPECT_GE(change.brightness, 0.75);
    EXPECT_LE(change.brightness, 1.25);
    lowest = std::min(lowest, change.contrast);
    highest = std::max(highest, change.contrast);
    EXPECT_EQ(change.saturation, 1);
    EXPECT_LE(std::abs(change.hue), 0.1);
  }
  EXPECT_EQ(orders.size(), 24u);
  // [0, 2.5], not [-0.5, 2.5].
  EXPECT_GE(lowest, 0);
  EXPECT_LT(lowest, 0.05);
  EXPECT_GT(highest, 2.4);
}

TEST(ColorJitterTest, Validates) {
  ColorJitter jitter;
  EXPECT_TRUE(jitter.IsOff());
  EXPECT_THAT(jitter.Validate(), IsOk());
  jitter.saturation = -0.5;
  EXPECT_THAT(jitter.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("saturation is -0.5")));
  jitter.saturation = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(jitter.Validate(), StatusIs(absl::StatusCode::kInvalidArgument));
  jitter.saturation = 0;
  jitter.hue = 0.6;
  EXPECT_FALSE(jitter.IsOff());
  EXPECT_THAT(jitter.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("hue is 0.6")));
}

}  // namespace
}  // namespace vision
