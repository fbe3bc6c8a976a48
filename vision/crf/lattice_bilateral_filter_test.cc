#include "vision/crf/lattice_bilateral_filter.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "vision/crf/filter_workspace.h"
#include "vision/crf/for_each_target.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

using ::testing::GoldenStream;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

std::vector<float> Filter(const std::vector<float>& image, int height,
                          int width, double sigma_rgb, double sigma_xy,
                          const std::vector<float>& maps,
                          const LatticeBilateralFilterOptions& options = {}) {
  const auto filter = LatticeBilateralFilter::Create(
      image.data(), height, width, sigma_rgb, sigma_xy, options);
  EXPECT_THAT(filter, IsOk());
  std::vector<float> out(maps.size());
  FilterWorkspace workspace;
  filter->Filter(maps.data(),
                 static_cast<int>(maps.size() / (image.size() / 3)), out.data(),
                 &workspace, /*num_threads=*/1);
  return out;
}

// Image and maps of the golden cases: bytes of the generator's first numbers,
// and the next ones divided by their sum over channels.
struct GoldenInputs {
  std::vector<float> image;
  std::vector<float> maps;
};

GoldenInputs MakeGoldenInputs(int height, int width, int channels,
                              uint32_t seed) {
  const size_t size = static_cast<size_t>(height) * width;
  const std::vector<double> stream =
      GoldenStream({{"kind", "lcg"}, {"seed", seed}},
                   static_cast<int64_t>((3 + channels) * size));
  GoldenInputs inputs;
  for (size_t i = 0; i < 3 * size; ++i) {
    inputs.image.push_back(static_cast<float>(std::floor(stream[i] * 256)));
  }
  for (size_t i = 3 * size; i < stream.size(); ++i) {
    double sum = 0;
    for (int k = 0; k < channels; ++k) {
      sum += stream[3 * size + k * size + i % size];
    }
    inputs.maps.push_back(static_cast<float>(stream[i] / sum));
  }
  return inputs;
}

struct GoldenCase {
  int height, width, channels;
  uint32_t seed;
  double sigma_rgb, sigma_xy;
  std::vector<double> first;
  double sum;
  double dot;  // Maps times filtered maps.
};

TEST(LatticeBilateralFilterTest, EqualsThePublishedImplementation) {
  const std::vector<GoldenCase> cases = {
      {4,
       5,
       2,
       2,
       15,
       100,
       {.3181114, .3575743, .124301, .3425393},
       11.814213,
       7.4021225},
      {8,
       8,
       2,
       4,
       40,
       5,
       {.8770553, 1.279115, .6891314, .6662355},
       73.4973,
       39.589759},
      {16,
       16,
       2,
       5,
       15,
       100,
       {.331879, .106217, .516791, .5222866},
       211.0879,
       118.75718},
  };
  for (const GoldenCase& c : cases) {
    SCOPED_TRACE(c.seed);
    const GoldenInputs inputs =
        MakeGoldenInputs(c.height, c.width, c.channels, c.seed);
    const std::vector<float> out = Filter(inputs.image, c.height, c.width,
                                          c.sigma_rgb, c.sigma_xy, inputs.maps);
    for (size_t i = 0; i < c.first.size(); ++i) {
      EXPECT_NEAR(out[i], c.first[i], 1e-6 + 1e-5 * c.first[i]);
    }
    double sum = 0;
    double dot = 0;
    for (size_t i = 0; i < out.size(); ++i) {
      sum += out[i];
      dot += static_cast<double>(out[i]) * inputs.maps[i];
    }
    EXPECT_NEAR(sum, c.sum, 1e-5 * c.sum);
    EXPECT_NEAR(dot, c.dot, 1e-5 * c.dot);
  }
}

TEST(LatticeBilateralFilterTest, EqualsThePublishedTailOfOddSizes) {
  // 63 pixels: the last block of four has a phantom point. One channel, which
  // divided by its sum over channels is one.
  const GoldenInputs inputs = MakeGoldenInputs(7, 9, 1, 6);
  const std::vector<double> first = {.5251173, 1.542576, 1.026804, .4649323};
  const std::vector<float> out = Filter(inputs.image, 7, 9, 25, 8, inputs.maps);
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_NEAR(out[i], first[i], 1e-5);
  }
  double sum = 0;
  for (const float value : out) sum += value;
  EXPECT_NEAR(sum, 43.288572, 1e-4);
}

TEST(LatticeBilateralFilterTest, PhantomPointsLetTheBlurThrough) {
  // Three dark pixels, whose vertices are near the phantom point's.
  const std::vector<float> image = {6, 11, 16, 0, 5, 10, 0, 5, 10};
  const std::vector<float> maps(3, 1.0f);
  LatticeBilateralFilterOptions without;
  without.phantom_points = false;
  double sum = 0;
  double sum_without = 0;
  for (const float value : Filter(image, 1, 3, 15, 8, maps)) sum += value;
  for (const float value : Filter(image, 1, 3, 15, 8, maps, without)) {
    sum_without += value;
  }
  EXPECT_GT(sum, sum_without);
}

TEST(LatticeBilateralFilterTest, PhantomPointsAreForOddSizesOnly) {
  const std::vector<float> image = MakeTestImage(TestImage::kNoise, 6, 6, 1);
  const std::vector<float> maps = MakeTestMaps(2, 6, 6, 2);
  LatticeBilateralFilterOptions without;
  without.phantom_points = false;
  EXPECT_EQ(Filter(image, 6, 6, 15, 100, maps, without),
            Filter(image, 6, 6, 15, 100, maps));
}

TEST(LatticeBilateralFilterTest, IsLinear) {
  const std::vector<float> image = MakeTestImage(TestImage::kNatural, 8, 8, 1);
  const std::vector<float> maps = MakeTestMaps(2, 8, 8, 2);
  const std::vector<float> out = Filter(image, 8, 8, 15, 20, maps);
  std::vector<float> combination(64);
  for (size_t i = 0; i < 64; ++i) combination[i] = 2 * maps[i] - maps[64 + i];
  const std::vector<float> filtered = Filter(image, 8, 8, 15, 20, combination);
  for (size_t i = 0; i < 64; ++i) {
    EXPECT_NEAR(filtered[i], 2 * out[i] - out[64 + i], 1e-4);
  }
}

TEST(LatticeBilateralFilterTest, AConstantImageOccupiesFewVertices) {
  const std::vector<float> image =
      MakeTestImage(TestImage::kConstant, 32, 32, 1);
  const auto filter =
      LatticeBilateralFilter::Create(image.data(), 32, 32, 15, 100);
  ASSERT_THAT(filter, IsOk());
  EXPECT_LE(filter->num_vertices(), 24);
}

TEST(LatticeBilateralFilterTest, GrowsItsTable) {
  // Independent colours of a fine lattice: nearly six vertices a pixel.
  const std::vector<float> image = MakeTestImage(TestImage::kNoise, 64, 64, 1);
  const auto filter =
      LatticeBilateralFilter::Create(image.data(), 64, 64, 2, 2);
  ASSERT_THAT(filter, IsOk());
  EXPECT_GE(filter->num_vertices(), 5 * 64 * 64);
}

TEST(LatticeBilateralFilterTest, IsTheSameOnEveryInstructionSet) {
  const std::vector<float> image =
      MakeTestImage(TestImage::kTextured, 21, 17, 1);
  const std::vector<float> maps = MakeTestMaps(6, 21, 17, 2);
  const std::vector<float> expected = Filter(image, 21, 17, 15, 50, maps);
  ForEachTarget([&](absl::string_view name) {
    EXPECT_EQ(Filter(image, 21, 17, 15, 50, maps), expected)
        << std::string(name);
  });
}

TEST(LatticeBilateralFilterTest, ChannelsDoNotMixForAnyNumberOfThreads) {
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, 20, 20, 1);
  const auto filter =
      LatticeBilateralFilter::Create(image.data(), 20, 20, 15, 50);
  ASSERT_THAT(filter, IsOk());
  for (const int channels : {1, 2, 3, 4, 5, 11}) {
    const std::vector<float> maps = MakeTestMaps(channels, 20, 20, 2);
    std::vector<float> expected;
    for (int k = 0; k < channels; ++k) {
      const std::vector<float> one(maps.begin() + k * 400,
                                   maps.begin() + (k + 1) * 400);
      const std::vector<float> out = Filter(image, 20, 20, 15, 50, one);
      expected.insert(expected.end(), out.begin(), out.end());
    }
    for (const int num_threads : {1, 2, 5}) {
      FilterWorkspace workspace;
      std::vector<float> out(maps.size());
      filter->Filter(maps.data(), channels, out.data(), &workspace,
                     num_threads);
      EXPECT_EQ(out, expected);
    }
  }
}

TEST(LatticeBilateralFilterTest, RejectsSigmasWhoseKeysWouldOverflow) {
  const std::vector<float> image = MakeTestImage(TestImage::kNoise, 4, 4, 1);
  EXPECT_THAT(
      LatticeBilateralFilter::Create(image.data(), 4, 4, 0.1, 100).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("sigma_rgb 0.1")));
}

}  // namespace
}  // namespace vision
