#include "vision/crf/grid_bilateral_filter.h"

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/crf/filter_workspace.h"
#include "vision/crf/for_each_target.h"
#include "vision/crf/reference_bilateral_filter.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

GridBilateralFilterOptions Fast() {
  GridBilateralFilterOptions options;
  options.pitch = 1.0;
  options.spatial_tolerance = 2e-2;
  return options;
}

GridBilateralFilterOptions Accurate() {
  GridBilateralFilterOptions options;
  options.pitch = 0.65;
  options.spatial_tolerance = 5e-3;
  return options;
}

std::vector<float> Filter(const std::vector<float>& image, int height,
                          int width, double sigma_rgb, double sigma_xy,
                          const std::vector<float>& maps,
                          const GridBilateralFilterOptions& options = {}) {
  const auto filter = GridBilateralFilter::Create(image.data(), height, width,
                                                  sigma_rgb, sigma_xy, options);
  EXPECT_THAT(filter, IsOk());
  std::vector<float> out(maps.size());
  filter->Filter(maps.data(),
                 static_cast<int>(maps.size() / (image.size() / 3)),
                 out.data());
  return out;
}

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * b[i];
  }
  return sum;
}

TEST(GridBilateralFilterTest, OnePixelKeepsItsValue) {
  // The lowest colour has weight one with itself; one function is exact.
  const std::vector<float> out = Filter({10, 20, 30}, 1, 1, 15, 100, {3, -2});
  EXPECT_NEAR(out[0], 3, 1e-6);
  EXPECT_NEAR(out[1], -2, 1e-6);
}

// Error budgets of the three accuracies, on each kind of image.
TEST(GridBilateralFilterTest, StaysWithinTheErrorBudgets) {
  constexpr int kSize = 64;
  for (const TestImage kind : {TestImage::kNatural, TestImage::kTextured,
                               TestImage::kNoise, TestImage::kConstant}) {
    SCOPED_TRACE(static_cast<int>(kind));
    const std::vector<float> image = MakeTestImage(kind, kSize, kSize, 1);
    const std::vector<float> maps = MakeTestMaps(2, kSize, kSize, 1);
    const std::vector<double> expected =
        ReferenceBilateralFilter(image, kSize, kSize, 15, 100, maps);
    const auto error = [&](const GridBilateralFilterOptions& options) {
      return RelativeL2Error(
          Filter(image, kSize, kSize, 15, 100, maps, options), expected);
    };
    EXPECT_LE(error(Fast()), 4.5e-2);
    EXPECT_LE(error({}), 1.5e-2);
    EXPECT_LE(error(Accurate()), 8e-3);
  }
}

TEST(GridBilateralFilterTest, NormalisedValuesAreMoreAccurateStill) {
  constexpr int kSize = 64;
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, kSize, kSize, 1);
  const std::vector<float> maps = MakeTestMaps(2, kSize, kSize, 1);
  const std::vector<float> ones(kSize * kSize, 1.0f);
  const std::vector<float> weights = Filter(image, kSize, kSize, 15, 100, ones);
  std::vector<float> actual = Filter(image, kSize, kSize, 15, 100, maps);
  const std::vector<double> exact_weights =
      ReferenceBilateralFilter(image, kSize, kSize, 15, 100, ones);
  std::vector<double> expected =
      ReferenceBilateralFilter(image, kSize, kSize, 15, 100, maps);
  for (size_t i = 0; i < actual.size(); ++i) {
    actual[i] /= weights[i % ones.size()];
    expected[i] /= exact_weights[i % ones.size()];
  }
  EXPECT_LE(RelativeL2Error(actual, expected), 2e-3);
}

TEST(GridBilateralFilterTest, HoldsOnEveryInstructionSet) {
  // 33 columns: partial vectors; 5 channels: two pairs and one alone.
  const std::vector<float> image =
      MakeTestImage(TestImage::kTextured, 31, 33, 3);
  const std::vector<float> maps = MakeTestMaps(5, 31, 33, 4);
  for (const double sigma_xy : {100.0, 10.0}) {  // Narrow: several blocks.
    const std::vector<double> expected =
        ReferenceBilateralFilter(image, 31, 33, 15, sigma_xy, maps);
    ForEachTarget([&](absl::string_view name) {
      SCOPED_TRACE(std::string(name));
      EXPECT_LE(
          RelativeL2Error(Filter(image, 31, 33, 15, sigma_xy, maps), expected),
          1.5e-2);
      EXPECT_LE(
          RelativeL2Error(Filter(image, 31, 33, 15, sigma_xy, maps, Fast()),
                          expected),
          4.5e-2);
    });
  }
}

TEST(GridBilateralFilterTest, IsSymmetricAndPositiveSemidefinite) {
  constexpr int kSize = 32;
  for (const TestImage kind : {TestImage::kNatural, TestImage::kNoise}) {
    const std::vector<float> image = MakeTestImage(kind, kSize, kSize, 1);
    // Of both signs, and as unlike each other as can be.
    std::vector<float> x = MakeTestMaps(1, kSize, kSize, 1);
    std::vector<float> y = MakeTestMaps(1, kSize, kSize, 2);
    const std::vector<float> disc = MakeTestMaps(2, kSize, kSize, 3);
    for (size_t i = 0; i < x.size(); ++i) {
      x[i] = (i % 2 == 0 ? 1.0f : -1.0f) * x[i];
      y[i] = disc[i] - 0.5f;
    }
    for (const GridBilateralFilterOptions& options :
         {Fast(), GridBilateralFilterOptions(), Accurate()}) {
      for (const double sigma_xy : {100.0, 10.0, 6.0}) {
        const std::vector<float> wx =
            Filter(image, kSize, kSize, 15, sigma_xy, x, options);
        const std::vector<float> wy =
            Filter(image, kSize, kSize, 15, sigma_xy, y, options);
        const double norm = std::sqrt(Dot(wx, wx) * Dot(y, y));
        EXPECT_NEAR(Dot(y, wx), Dot(x, wy), 1e-6 * norm);
        EXPECT_GE(Dot(x, wx), -1e-6 * std::sqrt(Dot(x, x) * Dot(wx, wx)));
        EXPECT_GE(Dot(y, wy), 0);
      }
    }
  }
}

TEST(GridBilateralFilterTest, AConstantImageGivesTheSpatialGaussian) {
  constexpr int kSize = 24;
  const std::vector<float> image =
      MakeTestImage(TestImage::kConstant, kSize, kSize, 1);
  std::vector<float> impulse(kSize * kSize, 0.0f);
  impulse[5 * kSize + 7] = 1.0f;
  const std::vector<float> out = Filter(image, kSize, kSize, 15, 30, impulse);
  for (int y = 0; y < kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      const double expected =
          std::exp(-((x - 7) * (x - 7) + (y - 5) * (y - 5)) / (2 * 30.0 * 30));
      EXPECT_NEAR(out[y * kSize + x], expected, 1e-2);  // spatial_tolerance
    }
  }
}

TEST(GridBilateralFilterTest, ChannelsDoNotMix) {
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, 20, 20, 1);
  const std::vector<float> maps = MakeTestMaps(7, 20, 20, 2);
  const std::vector<float> together = Filter(image, 20, 20, 15, 100, maps);
  for (size_t k = 0; k < 7; ++k) {
    const std::vector<float> one(maps.begin() + k * 400,
                                 maps.begin() + (k + 1) * 400);
    const std::vector<float> alone = Filter(image, 20, 20, 15, 100, one);
    for (size_t i = 0; i < 400; ++i) {
      // Sums are taken in another order.
      EXPECT_NEAR(together[k * 400 + i], alone[i], 1e-5 * (1 + alone[i]));
    }
  }
}

TEST(GridBilateralFilterTest, HandlesThinImages) {
  for (const auto& [height, width] : {std::pair<int, int>{1, 1},
                                      {1, 2},
                                      {3, 1},
                                      {1, 15},
                                      {17, 1},
                                      {2, 130}}) {
    const std::vector<float> image =
        MakeTestImage(TestImage::kNatural, height, width, 1);
    const std::vector<float> maps = MakeTestMaps(2, height, width, 2);
    const std::vector<float> out =
        Filter(image, height, width, 30, 100, maps, Accurate());
    // Few pixels do not average the grid's pointwise errors, a few percent.
    EXPECT_LE(RelativeL2Error(out, ReferenceBilateralFilter(
                                       image, height, width, 30, 100, maps)),
              3e-2)
        << height << " x " << width;
  }
}

TEST(GridBilateralFilterTest, AnyRangeOfColoursWillDo) {
  std::vector<float> image = MakeTestImage(TestImage::kNatural, 16, 16, 1);
  const std::vector<float> maps = MakeTestMaps(2, 16, 16, 2);
  const std::vector<float> expected = Filter(image, 16, 16, 15, 100, maps);
  for (float& value : image) value = value / 255 - 3;
  const std::vector<float> out = Filter(image, 16, 16, 15.0 / 255, 100, maps);
  for (size_t i = 0; i < out.size(); ++i) {
    EXPECT_NEAR(out[i], expected[i], 1e-2 * expected[i]);
  }
}

// A sigma_xy far below the image's size: several tiles, with couplings.
TEST(GridBilateralFilterTest, TilesStayWithinTheErrorBudgets) {
  struct Case {
    int height, width;
    double sigma_xy;
    int tiles;
  };
  for (const Case& c : {Case{44, 44, 11, 4}, Case{36, 36, 4, 16},
                        Case{20, 90, 14, 3}, Case{67, 31, 9, 8}}) {
    SCOPED_TRACE(c.sigma_xy);
    for (const TestImage kind : {TestImage::kNatural, TestImage::kTextured}) {
      const std::vector<float> image =
          MakeTestImage(kind, c.height, c.width, 1);
      const std::vector<float> maps = MakeTestMaps(2, c.height, c.width, 1);
      const std::vector<float> ones(image.size() / 3, 1.0f);
      const auto filter = GridBilateralFilter::Create(
          image.data(), c.height, c.width, 15, c.sigma_xy, {});
      ASSERT_THAT(filter, IsOk());
      EXPECT_EQ(filter->num_tiles(), c.tiles);
      std::vector<float> actual =
          Filter(image, c.height, c.width, 15, c.sigma_xy, maps);
      std::vector<double> expected = ReferenceBilateralFilter(
          image, c.height, c.width, 15, c.sigma_xy, maps);
      EXPECT_LE(RelativeL2Error(actual, expected), 1.5e-2);
      EXPECT_LE(RelativeL2Error(Filter(image, c.height, c.width, 15, c.sigma_xy,
                                       maps, Accurate()),
                                expected),
                8e-3);
      const std::vector<float> weights =
          Filter(image, c.height, c.width, 15, c.sigma_xy, ones);
      const std::vector<double> exact_weights = ReferenceBilateralFilter(
          image, c.height, c.width, 15, c.sigma_xy, ones);
      for (size_t i = 0; i < actual.size(); ++i) {
        actual[i] /= weights[i % ones.size()];
        expected[i] /= exact_weights[i % ones.size()];
      }
      EXPECT_LE(RelativeL2Error(actual, expected), 3e-3);
    }
  }
}

TEST(GridBilateralFilterTest, PlanForAnotherImageIsThatOfANewFilter) {
  GridBilateralFilter filter;
  FilterWorkspace workspace;
  struct Case {
    TestImage kind;
    int height, width, channels;
    double sigma_rgb, sigma_xy;
  };
  for (const Case& c : {Case{TestImage::kNoise, 40, 30, 5, 15, 100},
                        Case{TestImage::kNatural, 40, 30, 2, 15, 100},
                        Case{TestImage::kNatural, 40, 30, 2, 15, 8},
                        Case{TestImage::kTextured, 40, 30, 3, 25, 8},
                        Case{TestImage::kConstant, 1, 7, 1, 15, 8}}) {
    const std::vector<float> image =
        MakeTestImage(c.kind, c.height, c.width, 1);
    const std::vector<float> maps =
        MakeTestMaps(c.channels, c.height, c.width, 2);
    ASSERT_THAT(filter.Plan(image.data(), c.height, c.width, c.sigma_rgb,
                            c.sigma_xy, {}),
                IsOk());
    std::vector<float> out(maps.size());
    filter.Filter(maps.data(), c.channels, out.data(), &workspace, 1);
    EXPECT_EQ(out,
              Filter(image, c.height, c.width, c.sigma_rgb, c.sigma_xy, maps));
  }
}

TEST(GridBilateralFilterTest, IsTheSameForAnyNumberOfThreads) {
  for (const double sigma_xy : {100.0, 12.0}) {  // One tile, and several.
    const std::vector<float> image =
        MakeTestImage(TestImage::kTextured, 50, 40, 1);
    const auto filter =
        GridBilateralFilter::Create(image.data(), 50, 40, 15, sigma_xy, {});
    ASSERT_THAT(filter, IsOk());
    for (const int channels : {1, 2, 7}) {
      const std::vector<float> maps = MakeTestMaps(channels, 50, 40, 2);
      std::vector<float> expected(maps.size());
      filter->Filter(maps.data(), channels, expected.data());
      for (const int num_threads : {2, 3, 8}) {
        FilterWorkspace workspace;
        std::vector<float> out(maps.size());
        filter->Filter(maps.data(), channels, out.data(), &workspace,
                       num_threads);
        EXPECT_EQ(out, expected) << channels << ", " << num_threads;
      }
    }
  }
}

TEST(GridBilateralFilterTest, RejectsTooManyNodesOfSmallTiles) {
  const std::vector<float> image =
      MakeTestImage(TestImage::kNoise, 120, 120, 1);
  EXPECT_THAT(
      GridBilateralFilter::Create(image.data(), 120, 120, 15, 2, {}).status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("sigma_rgb 15, sigma_xy_pixels 2 and the "
                               "colours of the image, more than 524288"),
                     HasSubstr("use larger sigmas or the exact method"))));
}

TEST(GridBilateralFilterTest, RejectsLongSides) {
  const std::vector<float> image(3 * 70000, 1.0f);
  EXPECT_THAT(
      GridBilateralFilter::Create(image.data(), 1, 70000, 15, 100, {}).status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("sides of at most 65536 pixels, got 1 x 70000")));
}

TEST(GridBilateralFilterTest, RejectsASmallSigmaRgb) {
  const std::vector<float> image = MakeTestImage(TestImage::kNoise, 20, 20, 1);
  for (const double sigma_rgb : {1.0, 1e-30}) {
    EXPECT_THAT(
        GridBilateralFilter::Create(image.data(), 20, 20, sigma_rgb, 100, {})
            .status(),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr("more than 524288")));
  }
}

}  // namespace
}  // namespace vision
