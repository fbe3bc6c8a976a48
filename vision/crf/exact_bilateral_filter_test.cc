#include "vision/crf/exact_bilateral_filter.h"

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "vision/crf/for_each_target.h"
#include "vision/crf/reference_bilateral_filter.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

std::vector<float> Filter(const std::vector<float>& image, int height,
                          int width, double sigma_rgb, double sigma_xy,
                          const std::vector<float>& maps) {
  const size_t size = static_cast<size_t>(height) * width;
  std::vector<float> out(maps.size());
  ExactBilateralFilter(image.data(), height, width, sigma_rgb, sigma_xy)
      .Filter(maps.data(), static_cast<int>(maps.size() / size), out.data());
  return out;
}

TEST(ExactBilateralFilterTest, MatchesAHandComputedCase) {
  // Two pixels, one apart, colours (0, 0, 0) and (15, 0, 0): their weight is
  // w = exp(-1 / (2 100^2) - 1 / 2) = 0.60650033; W (1, 2) = (1 + 2 w, w + 2).
  const std::vector<float> image = {0, 15, 0, 0, 0, 0};
  const double w = std::exp(-0.5 / 1e4 - 0.5);
  const std::vector<float> out = Filter(image, 1, 2, 15, 100, {1, 2});
  EXPECT_NEAR(out[0], 1 + 2 * w, 3e-7);
  EXPECT_NEAR(out[1], w + 2, 3e-7);
  const std::vector<double> reference =
      ReferenceBilateralFilter(image, 1, 2, 15, 100, {1, 2});
  EXPECT_DOUBLE_EQ(reference[0], 1 + 2 * w);
  EXPECT_DOUBLE_EQ(reference[1], w + 2);
}

TEST(ExactBilateralFilterTest, IsWithinOneMillionthOnEveryInstructionSet) {
  struct Case {
    TestImage kind;
    int height, width, channels;
  };
  // 40 x 39 pixels: three tiles of columns, the last one with a partial vector,
  // and a partial block of rows. 7 channels: nothing depends on their number.
  for (const Case& c : {Case{TestImage::kNatural, 40, 40, 2},
                        Case{TestImage::kNoise, 40, 39, 7},
                        Case{TestImage::kConstant, 17, 31, 1}}) {
    const std::vector<float> image =
        MakeTestImage(c.kind, c.height, c.width, 5);
    const std::vector<float> maps =
        MakeTestMaps(c.channels, c.height, c.width, 6);
    const std::vector<double> expected =
        ReferenceBilateralFilter(image, c.height, c.width, 15, 100, maps);
    ForEachTarget([&](absl::string_view name) {
      SCOPED_TRACE(std::string(name));
      EXPECT_LE(RelativeL2Error(Filter(image, c.height, c.width, 15, 100, maps),
                                expected),
                1e-6);
    });
  }
}

TEST(ExactBilateralFilterTest, HandlesSmallSizes) {
  for (const int height : {1, 2, 3}) {
    for (const int width : {1, 2, 3, 5, 15, 16, 17}) {
      const std::vector<float> image =
          MakeTestImage(TestImage::kNatural, height, width, 8);
      const std::vector<float> maps = MakeTestMaps(3, height, width, 9);
      EXPECT_LE(RelativeL2Error(Filter(image, height, width, 25, 3, maps),
                                ReferenceBilateralFilter(image, height, width,
                                                         25, 3, maps)),
                1e-6)
          << height << " x " << width;
    }
  }
}

TEST(ExactBilateralFilterTest, ExtremeSigmasDoNotOverflow) {
  const std::vector<float> image = MakeTestImage(TestImage::kNoise, 5, 7, 1);
  const std::vector<float> maps = MakeTestMaps(1, 5, 7, 2);
  // Nothing but each pixel itself.
  EXPECT_EQ(Filter(image, 5, 7, 1e-30, 1e-30, maps), maps);
  // Everything alike.
  double sum = 0;
  for (const float value : maps) sum += value;
  for (const float value : Filter(image, 5, 7, 1e30, 1e30, maps)) {
    EXPECT_NEAR(value, sum, 1e-5);
  }
}

TEST(ExactBilateralFilterTest, NothingOutsideOfTheWindowMatters) {
  // A window of 2 ceil(6.5 sigma) + 1 pixels: narrower than the image, than its
  // rows only, and wider.
  for (const double sigma_xy : {0.3, 1.0, 2.5, 4.0}) {
    for (const auto& [height, width] :
         {std::pair<int, int>{30, 41}, {60, 9}, {3, 200}}) {
      const std::vector<float> image =
          MakeTestImage(TestImage::kNatural, height, width, 5);
      const std::vector<float> maps = MakeTestMaps(3, height, width, 6);
      EXPECT_LE(
          RelativeL2Error(Filter(image, height, width, 40, sigma_xy, maps),
                          ReferenceBilateralFilter(image, height, width, 40,
                                                   sigma_xy, maps)),
          1e-6)
          << sigma_xy << ", " << height << " x " << width;
    }
  }
  EXPECT_EQ(ExactBilateralFilter::WindowRadius(30, 41, 2), 13);
  EXPECT_EQ(ExactBilateralFilter::WindowRadius(30, 41, 1e30), 41);
}

TEST(ExactBilateralFilterTest, IsTheSameForAnyNumberOfThreads) {
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, 33, 31, 1);
  const std::vector<float> maps = MakeTestMaps(3, 33, 31, 2);
  for (const double sigma_xy : {100.0, 1.0}) {
    const ExactBilateralFilter filter(image.data(), 33, 31, 15, sigma_xy);
    std::vector<float> expected(maps.size());
    filter.Filter(maps.data(), 3, expected.data());
    for (const int num_threads : {2, 7}) {
      std::vector<float> out(maps.size());
      filter.Filter(maps.data(), 3, out.data(), num_threads);
      EXPECT_EQ(out, expected);
    }
  }
}

TEST(FilterExactlyInDoubleTest, MatchesTheReference) {
  const std::vector<float> image = MakeTestImage(TestImage::kNatural, 9, 7, 3);
  const std::vector<float> maps = MakeTestMaps(2, 9, 7, 4);
  const std::vector<double> in(maps.begin(), maps.end());
  std::vector<double> out(in.size());
  FilterExactlyInDouble(image.data(), 9, 7, 15, 100, in.data(), 2, out.data());
  const std::vector<double> expected =
      ReferenceBilateralFilter(image, 9, 7, 15, 100, maps);
  for (size_t i = 0; i < out.size(); ++i) {
    EXPECT_NEAR(out[i], expected[i], 1e-12);
  }
}

}  // namespace
}  // namespace vision
