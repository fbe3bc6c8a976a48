#include "vision/image/colormap.h"

#include <cmath>
#include <limits>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"

namespace vision {
namespace {

using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr Colormap kAllColormaps[] = {Colormap::kViridis, Colormap::kInferno,
                                      Colormap::kTurbo, Colormap::kJet};

cv::Vec3b ColorOf(double value, Colormap colormap) {
  return ApplyColormap(cv::Mat(1, 1, CV_64F, cv::Scalar(value)), colormap)
      .at<cv::Vec3b>(0, 0);
}

// Published end points, within one level.
void ExpectNear(const cv::Vec3b& actual, const cv::Vec3b& expected) {
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(actual[c], expected[c], 1) << actual << " " << expected;
  }
}

TEST(ApplyColormapTest, EndsAreThePublishedColours) {
  // Viridis runs from #440154 to #fde725, inferno from #000004 to #fcffa4.
  ExpectNear(ColorOf(0, Colormap::kViridis), {0x44, 0x01, 0x54});
  ExpectNear(ColorOf(1, Colormap::kViridis), {0xFD, 0xE7, 0x25});
  ExpectNear(ColorOf(0, Colormap::kInferno), {0x00, 0x00, 0x04});
  ExpectNear(ColorOf(1, Colormap::kInferno), {0xFC, 0xFF, 0xA4});
  // Turbo from #30123b to #7a0403; jet from dark blue to dark red.
  ExpectNear(ColorOf(0, Colormap::kTurbo), {0x30, 0x12, 0x3B});
  ExpectNear(ColorOf(1, Colormap::kTurbo), {0x7A, 0x04, 0x03});
  ExpectNear(ColorOf(0, Colormap::kJet), {0, 0, 128});
  ExpectNear(ColorOf(1, Colormap::kJet), {128, 0, 0});
}

TEST(ApplyColormapTest, UniformMapsGrowBrighter) {
  for (const Colormap colormap : {Colormap::kViridis, Colormap::kInferno}) {
    double last = -1;
    for (int level = 0; level <= 16; ++level) {
      const cv::Vec3b color = ColorOf(level / 16.0, colormap);
      const double luma =
          0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2];
      EXPECT_GT(luma, last) << ColormapName(colormap) << " " << level;
      last = luma;
    }
  }
}

TEST(ApplyColormapTest, RoundsToTheNearestLevel) {
  for (const Colormap colormap : kAllColormaps) {
    EXPECT_EQ(ColorOf(100.4 / 255, colormap), ColorOf(100.0 / 255, colormap));
    EXPECT_EQ(ColorOf(99.6 / 255, colormap), ColorOf(100.0 / 255, colormap));
  }
  EXPECT_NE(ColorOf(100.6 / 255, Colormap::kTurbo),
            ColorOf(100.0 / 255, Colormap::kTurbo));
}

TEST(ApplyColormapTest, ClampsAndDrawsNanAsZero) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const Colormap colormap : kAllColormaps) {
    const cv::Vec3b zero = ColorOf(0, colormap);
    const cv::Vec3b one = ColorOf(1, colormap);
    EXPECT_EQ(ColorOf(-0.5, colormap), zero);
    EXPECT_EQ(ColorOf(-kInfinity, colormap), zero);
    EXPECT_EQ(ColorOf(std::nan(""), colormap), zero);
    EXPECT_EQ(ColorOf(1.5, colormap), one);
    EXPECT_EQ(ColorOf(kInfinity, colormap), one);
  }
}

TEST(ApplyColormapTest, FloatAndDoubleAgreeAndShapeIsKept) {
  const cv::Mat map = (cv::Mat_<double>(2, 3) << 0, 0.25, 0.5, 0.75, 1, 0.125);
  cv::Mat floats;
  map.convertTo(floats, CV_32F);
  const cv::Mat image = ApplyColormap(map, Colormap::kTurbo);
  EXPECT_EQ(image.type(), CV_8UC3);
  EXPECT_EQ(image.size(), cv::Size(3, 2));
  EXPECT_EQ(
      cv::norm(image, ApplyColormap(floats, Colormap::kTurbo), cv::NORM_INF),
      0);
}

TEST(ApplyColormapTest, EmptyMap) {
  EXPECT_TRUE(ApplyColormap(cv::Mat(0, 3, CV_32F), Colormap::kJet).empty());
}

TEST(ApplyColormapTest, ChecksTheType) {
  EXPECT_DEATH(ApplyColormap(cv::Mat(2, 2, CV_8UC1), Colormap::kJet),
               "got CV_8UC1");
}

TEST(ColormapTest, NamesAndParsing) {
  for (const Colormap colormap : kAllColormaps) {
    EXPECT_THAT(ParseColormap(ColormapName(colormap)), IsOkAndHolds(colormap));
  }
  EXPECT_THAT(ParseColormap("hot"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "unknown colormap \"hot\", expected viridis, inferno, "
                       "turbo, jet"));
}

}  // namespace
}  // namespace vision
