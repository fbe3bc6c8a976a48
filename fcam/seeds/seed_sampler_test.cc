#include "fcam/seeds/seed_sampler.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fcam/seeds/li_threshold.h"
#include "fcam/seeds/otsu.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"

namespace fcam {
namespace {

using ::nlohmann::json;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr int64_t kIgnore = -255;
constexpr int kAll = std::numeric_limits<int>::max();

std::vector<int64_t> Sample(const std::vector<double>& cam, int height,
                            int width, const SeedOptions& options,
                            uint64_t seed = 0) {
  vision::Rng rng(seed);
  std::vector<int64_t> labels(cam.size(), 99);
  SampleSeeds(cam, height, width, options, rng, absl::MakeSpan(labels));
  return labels;
}

int64_t CountOf(const std::vector<int64_t>& labels, int64_t label) {
  return std::count(labels.begin(), labels.end(), label);
}

uint32_t Crc(const std::vector<uint8_t>& bytes) {
  return vision::Crc32(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

// Random values, all distinct.
std::vector<double> RandomMap(int size, uint64_t seed) {
  vision::Rng rng(seed);
  std::vector<double> map(size);
  for (double& value : map) value = rng.Uniform();
  return map;
}

TEST(SeedSamplerTest, LabelsATinyMapByHand) {
  // Bytes 0 25 229 255: Otsu's threshold is 25. Foreground: columns 2 and 3.
  // Background: int(.5 * 4) = 2 smallest, columns 0 and 1.
  SeedOptions options;
  options.background_fraction = 0.5;
  options.erosion_iterations = 0;
  EXPECT_THAT(Sample({0, .1, .9, 1}, 1, 4, options), ElementsAre(0, 0, 1, 1));
  // Column 1 is dilated over columns 0 to 2, and 2 over 1 to 3: the pixels that
  // both claim are ignored.
  options.dilation = 3;
  EXPECT_THAT(Sample({0, .1, .9, 1}, 1, 4, options),
              ElementsAre(0, kIgnore, kIgnore, 1));
  options.dilation = 1;
  options.foreground_pixels = 0;
  EXPECT_THAT(Sample({0, .1, .9, 1}, 1, 4, options),
              ElementsAre(0, 0, kIgnore, kIgnore));
  options.foreground_pixels = 1;
  options.background_fraction = 0.49;  // int(1.96) = 1 pixel.
  const std::vector<int64_t> labels = Sample({0, .1, .9, 1}, 1, 4, options);
  EXPECT_EQ(labels[0], kBackgroundSeed);
  EXPECT_EQ(labels[1], kIgnore);
  EXPECT_EQ(CountOf(labels, kForegroundSeed), 1);
}

TEST(SeedSamplerTest, ConstantMapsGiveNoSeeds) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double value : {0.0, 0.3, 1.0, nan}) {
    EXPECT_THAT(Sample(std::vector<double>(20, value), 4, 5, {}), Each(kIgnore))
        << value;
  }
  EXPECT_THAT(Sample({0.5}, 1, 1, {}), Each(kIgnore));
}

TEST(SeedSamplerTest, TakesLevelOneWhereThereAreOnlyZeroAndOne) {
  // 1.5 / 255 is byte 1; the corrected threshold 1 would leave no foreground.
  std::vector<double> cam(64, 0.0);
  for (int y = 2; y < 5; ++y) {
    for (int x = 2; x < 5; ++x) cam[y * 8 + x] = 1.5 / 255;
  }
  SeedOptions options;
  options.erosion_kernel = 3;
  options.foreground_pixels = kAll;
  options.background_pixels = 3;
  const SeedPools pools = FindSeedPools(cam, 8, 8, options);
  EXPECT_THAT(pools.foreground, ElementsAre(3 * 8 + 3));
  EXPECT_EQ(pools.background.size(), 12u);
  const std::vector<int64_t> labels = Sample(cam, 8, 8, options);
  EXPECT_EQ(CountOf(labels, kForegroundSeed), 1);
  EXPECT_EQ(CountOf(labels, kBackgroundSeed), 3);
}

TEST(SeedSamplerTest, NotANumberAndValuesBeyondTheRangeAreClamped) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  SeedOptions options;
  options.erosion_iterations = 0;
  options.background_fraction = 0.5;
  EXPECT_EQ(Sample({nan, -inf, inf, 7}, 2, 2, options),
            Sample({0, 0, 1, 1}, 2, 2, options));
}

TEST(SeedSamplerTest, BackgroundPoolBreaksTiesByIndex) {
  SeedOptions options;
  options.background_fraction = 0.5;
  options.erosion_iterations = 0;
  EXPECT_THAT(
      FindSeedPools(std::vector<double>{.1, 0, .1, .1, .9, .1}, 2, 3, options)
          .background,
      ElementsAre(0, 1, 2));
}

TEST(SeedSamplerTest, BackgroundPoolIsThatOfAStableSort) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    vision::Rng rng(seed);
    const int width = 1 + static_cast<int>(rng.UniformInt(20));
    const int height = 1 + static_cast<int>(rng.UniformInt(20));
    std::vector<double> cam(width * height);
    // Few distinct values, some of them within one byte level.
    for (double& value : cam) value = rng.UniformInt(9) * 0.0017;
    SeedOptions options;
    options.background_fraction = rng.Uniform();
    std::vector<int32_t> order(cam.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return cam[a] < cam[b]; });
    order.resize(static_cast<size_t>(options.background_fraction *
                                     static_cast<double>(cam.size())));
    std::sort(order.begin(), order.end());
    const SeedPools pools = FindSeedPools(cam, height, width, options);
    if (pools.foreground.empty()) continue;  // Constant in bytes.
    EXPECT_EQ(pools.background, order) << "seed " << seed;
  }
}

TEST(SeedSamplerTest, DrawsDistinctPixelsOfThePools) {
  SeedOptions options;
  options.erosion_iterations = 0;
  options.foreground_pixels = 7;
  options.background_pixels = 5;
  options.background_fraction = 0.3;
  const std::vector<double> cam = RandomMap(12 * 10, 4);
  const SeedPools pools = FindSeedPools(cam, 12, 10, options);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<int64_t> labels = Sample(cam, 12, 10, options, seed);
    EXPECT_EQ(CountOf(labels, kForegroundSeed), 7);
    EXPECT_EQ(CountOf(labels, kBackgroundSeed), 5);
    for (size_t i = 0; i < labels.size(); ++i) {
      const auto in = [i](const std::vector<int32_t>& pool) {
        return std::binary_search(pool.begin(), pool.end(),
                                  static_cast<int32_t>(i));
      };
      if (labels[i] == kForegroundSeed) EXPECT_TRUE(in(pools.foreground)) << i;
      if (labels[i] == kBackgroundSeed) EXPECT_TRUE(in(pools.background)) << i;
    }
  }
}

TEST(SeedSamplerTest, DrawsUniformly) {
  // 16 foreground and 16 background pixels of very different values; each
  // should be drawn in 4 of 16 trials. With n = 4000 trials the deviation of a
  // count is sqrt(n .25 .75) = 27; 5.5 of those leave a chance below 1e-6 a
  // pixel.
  SeedOptions options;
  options.erosion_iterations = 0;
  options.foreground_pixels = 4;
  options.background_pixels = 4;
  options.background_fraction = 0.5;
  std::vector<double> cam(32);
  for (int i = 0; i < 32; ++i) cam[i] = i < 16 ? i * 0.001 : 0.7 + i * 0.005;
  std::vector<int> counts(32, 0);
  const int trials = 4000;
  for (int trial = 0; trial < trials; ++trial) {
    const std::vector<int64_t> labels = Sample(cam, 4, 8, options, trial);
    for (int i = 0; i < 32; ++i) counts[i] += labels[i] != kIgnore;
  }
  for (int i = 0; i < 32; ++i) EXPECT_NEAR(counts[i], 1000, 150) << i;
}

TEST(SeedSamplerTest, IsAFunctionOfTheGenerator) {
  const std::vector<double> cam = RandomMap(20 * 20, 1);
  EXPECT_EQ(Sample(cam, 20, 20, {}, 3), Sample(cam, 20, 20, {}, 3));
  EXPECT_NE(Sample(cam, 20, 20, {}, 3), Sample(cam, 20, 20, {}, 4));
}

TEST(SeedSamplerTest, FloatAndDoubleAgree) {
  std::vector<float> single(30 * 30);
  std::vector<double> twice(30 * 30);
  vision::Rng rng(8);
  for (size_t i = 0; i < single.size(); ++i) {
    // Half way between byte levels.
    single[i] = static_cast<float>(
        (static_cast<double>(rng.UniformInt(255)) + 0.5) / 255);
    twice[i] = single[i];
  }
  vision::Rng a(1), b(1);
  std::vector<int64_t> labels_a(900), labels_b(900);
  SampleSeeds(single, 30, 30, {}, a, absl::MakeSpan(labels_a));
  SampleSeeds(twice, 30, 30, {}, b, absl::MakeSpan(labels_b));
  EXPECT_EQ(labels_a, labels_b);
}

TEST(SeedSamplerTest, UsesTheIgnoreIndex) {
  SeedOptions options;
  options.ignore_index = 255;
  EXPECT_THAT(Sample(std::vector<double>(6, 0.2), 2, 3, options), Each(255));
}

TEST(SeedOptionsTest, RejectsBadValues) {
  struct Case {
    std::function<void(SeedOptions&)> change;
    const char* message;
  };
  const Case cases[] = {
      {[](SeedOptions& o) { o.foreground_pixels = -1; },
       "foreground_pixels is -1, expected >= 0"},
      {[](SeedOptions& o) { o.background_pixels = -2; },
       "background_pixels is -2, expected >= 0"},
      {[](SeedOptions& o) { o.dilation = 0; }, "dilation is 0, expected >= 1"},
      {[](SeedOptions& o) { o.background_fraction = 1.5; },
       "background_fraction is 1.5, expected a share in [0, 1]"},
      {[](SeedOptions& o) { o.background_fraction = std::nan(""); },
       "background_fraction is nan"},
      {[](SeedOptions& o) { o.erosion_iterations = -1; },
       "erosion_iterations is -1, expected >= 0"},
      {[](SeedOptions& o) { o.erosion_kernel = 1; },
       "erosion_kernel is 1, expected >= 2"},
      {[](SeedOptions& o) { o.ignore_index = 1; }, "ignore_index is 1"},
      {[](SeedOptions& o) { o.fixed_foreground = -1; },
       "fixed_foreground is -1, expected >= 0"},
      {[](SeedOptions& o) { o.fixed_background = -2; },
       "fixed_background is -2, expected >= 0"},
      {[](SeedOptions& o) { o.cell_side = 0; },
       "cell_side is 0, expected >= 1"},
  };
  for (const Case& c : cases) {
    SeedOptions options;
    c.change(options);
    EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr(c.message)));
  }
  SeedOptions options;
  EXPECT_THAT(options.Validate(), IsOk());
  options.erosion_iterations = 0;
  options.erosion_kernel = 1;
  EXPECT_THAT(options.Validate(), IsOk());
}

// ---- Other regions and draws
// -------------------------------------------------

TEST(SeedSamplerTest, AdaptiveRegionsAreLisByHand) {
  // Bytes 10 10 10 20 100: Li's threshold is 42 (li_threshold_test.cc). Nothing
  // is eroded and all that is not foreground is background.
  std::vector<double> cam = {10, 10, 10, 20, 100};
  for (double& value : cam) value = (value + .5) / 255;
  SeedOptions options;
  options.region = SeedRegion::kAdaptive;
  options.background_fraction = 0.2;
  const SeedPools pools = FindSeedPools(cam, 1, 5, options);
  EXPECT_THAT(pools.foreground, ElementsAre(4));
  EXPECT_THAT(pools.background, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Sample(cam, 1, 5, options), ElementsAre(0, 0, 0, 0, 1));
}

TEST(SeedSamplerTest, AdaptiveRegionsPartTheMapAtLisThreshold) {
  SeedOptions options;
  options.region = SeedRegion::kAdaptive;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<double> cam = RandomMap(15 * 11, seed);
    std::vector<uint8_t> bytes(cam.size());
    for (size_t i = 0; i < cam.size(); ++i) {
      bytes[i] = static_cast<uint8_t>(cam[i] * 255);
    }
    const ByteHistogram histogram = CountBytes(bytes);
    const int threshold = LiThreshold(histogram, OtsuThreshold(histogram));
    const SeedPools pools = FindSeedPools(cam, 15, 11, options);
    EXPECT_EQ(pools.foreground.size() + pools.background.size(), cam.size());
    for (const int32_t i : pools.foreground) EXPECT_GT(bytes[i], threshold);
    for (const int32_t i : pools.background) EXPECT_LE(bytes[i], threshold);
  }
}

TEST(SeedSamplerTest, FixedRegionsAreTheExtremePixelsByHand) {
  SeedOptions options;
  options.region = SeedRegion::kFixedSize;
  options.fixed_foreground = 2;
  options.fixed_background = 3;
  // Of the three .9, the first two; of the .1, the first after the 0.
  const SeedPools pools = FindSeedPools(
      std::vector<double>{.9, .1, .5, .9, 0, .1, .1, .9}, 2, 4, options);
  EXPECT_THAT(pools.foreground, ElementsAre(0, 3));
  EXPECT_THAT(pools.background, ElementsAre(1, 4, 5));
  options.fixed_foreground = 100;
  options.fixed_background = 0;
  const SeedPools all =
      FindSeedPools(std::vector<double>{.9, .1, .5, .9}, 2, 2, options);
  EXPECT_THAT(all.foreground, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(all.background, IsEmpty());
}

TEST(SeedSamplerTest, FixedRegionsOfCellsByHand) {
  // 3 x 5 pixels in cells of 2: means .25 .5 1 in the first row of cells, whose
  // last one is 1 wide, and .2 0 .4 in the second, 1 high.
  const std::vector<double> cam = {0,  .5, .5, .5, 1,  //
                                   0,  .5, .5, .5, 1,  //
                                   .2, .2, 0,  0,  .4};
  SeedOptions options;
  options.region = SeedRegion::kFixedSize;
  options.cell_side = 2;
  options.fixed_foreground = 2;
  options.fixed_background = 2;
  const SeedPools pools = FindSeedPools(cam, 3, 5, options);
  EXPECT_THAT(pools.foreground, ElementsAre(2, 4));
  EXPECT_THAT(pools.background, ElementsAre(10, 12));
  std::vector<int> counts(cam.size(), 0);
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const std::vector<int64_t> labels = Sample(cam, 3, 5, options, seed);
    // One pixel of each cell.
    EXPECT_EQ(labels[2] + labels[3] + labels[7] + labels[8],
              1 + 3 * options.ignore_index);
    EXPECT_EQ(labels[4] + labels[9], 1 + options.ignore_index);
    EXPECT_EQ(labels[10] + labels[11], options.ignore_index);
    for (size_t i = 0; i < labels.size(); ++i) {
      counts[i] += labels[i] != kIgnore;
    }
  }
  // A quarter and a half of the trials; deviations 19 and 22.
  for (const int i : {2, 3, 7, 8}) EXPECT_NEAR(counts[i], 500, 110);
  for (const int i : {4, 9, 10, 11, 12, 13}) EXPECT_NEAR(counts[i], 1000, 125);
}

TEST(SeedSamplerTest, WeightedDrawsFollowTheActivation) {
  // One foreground pixel of .4, .6 and 1: with probability .2, .3, .5. One
  // background pixel of 0, .1 and .2: 1, .9 and .8 of 2.7.
  SeedOptions options;
  options.region = SeedRegion::kFixedSize;
  options.fixed_foreground = 3;
  options.fixed_background = 3;
  options.foreground_pixels = 1;
  options.background_pixels = 1;
  options.sampling = SeedSampling::kWeighted;
  const std::vector<double> cam = {0, .1, .2, .4, .6, 1};
  std::vector<int> counts(cam.size(), 0);
  const int trials = 20000;
  for (int trial = 0; trial < trials; ++trial) {
    const std::vector<int64_t> labels = Sample(cam, 2, 3, options, trial);
    for (size_t i = 0; i < labels.size(); ++i) {
      counts[i] += labels[i] != kIgnore;
    }
  }
  // Deviations are at most sqrt(20000 / 4) = 71.
  const double expected[] = {1 / 2.7, .9 / 2.7, .8 / 2.7, .2, .3, .5};
  for (int i = 0; i < 6; ++i) {
    EXPECT_NEAR(counts[i], trials * expected[i], 390) << i;
  }
}

TEST(SeedSamplerTest, WeightedDrawsTakeEachPixelOnceAndWeightZeroLast) {
  SeedOptions options;
  options.region = SeedRegion::kFixedSize;
  options.fixed_foreground = 4;
  options.fixed_background = 0;
  options.foreground_pixels = 2;
  options.sampling = SeedSampling::kWeighted;
  int zero_first = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    // Two weights of 0: never drawn while others are left.
    EXPECT_THAT(Sample({0, 1e-3, 1, 0}, 2, 2, options, seed),
                ElementsAre(kIgnore, 1, 1, kIgnore));
    options.foreground_pixels = 3;
    const std::vector<int64_t> three =
        Sample({0, 1e-3, 1, 0}, 2, 2, options, seed);
    EXPECT_EQ(CountOf(three, kForegroundSeed), 3);
    zero_first += three[0] == kForegroundSeed;
    options.foreground_pixels = 9;
    EXPECT_THAT(Sample({0, 1e-3, 1, 0}, 2, 2, options, seed), Each(1));
    options.foreground_pixels = 2;
  }
  EXPECT_NEAR(zero_first, 100, 40);  // Deviation 7.
}

TEST(SeedSamplerTest, EveryCombinationLabelsItsRegionsOnly) {
  for (const SeedRegion region :
       {SeedRegion::kEroded, SeedRegion::kAdaptive, SeedRegion::kFixedSize}) {
    for (const SeedSampling sampling :
         {SeedSampling::kUniform, SeedSampling::kWeighted}) {
      SeedOptions options;
      options.region = region;
      options.sampling = sampling;
      options.erosion_kernel = 2;
      options.fixed_foreground = 40;
      options.fixed_background = 40;
      const std::vector<double> cam = RandomMap(20 * 16, 9);
      const SeedPools pools = FindSeedPools(cam, 20, 16, options);
      const std::vector<int64_t> labels = Sample(cam, 20, 16, options, 1);
      EXPECT_EQ(Sample(cam, 20, 16, options, 1), labels);
      EXPECT_NE(Sample(cam, 20, 16, options, 2), labels);
      EXPECT_EQ(CountOf(labels, kForegroundSeed), 10);
      EXPECT_EQ(CountOf(labels, kBackgroundSeed), 10);
      for (size_t i = 0; i < labels.size(); ++i) {
        if (labels[i] == kIgnore) continue;
        const std::vector<int32_t>& pool =
            labels[i] == kForegroundSeed ? pools.foreground : pools.background;
        EXPECT_TRUE(std::binary_search(pool.begin(), pool.end(),
                                       static_cast<int32_t>(i)));
      }
      // No contrast, no seeds.
      EXPECT_THAT(Sample(std::vector<double>(30, 0.7), 5, 6, options),
                  Each(kIgnore));
    }
  }
}

TEST(SeedOptionsTest, NamesOfRegionsAndDraws) {
  for (const SeedRegion region :
       {SeedRegion::kEroded, SeedRegion::kAdaptive, SeedRegion::kFixedSize}) {
    EXPECT_EQ(ParseSeedRegion(SeedRegionName(region)).value(), region);
  }
  for (const SeedSampling sampling :
       {SeedSampling::kUniform, SeedSampling::kWeighted}) {
    EXPECT_EQ(ParseSeedSampling(SeedSamplingName(sampling)).value(), sampling);
  }
  EXPECT_THAT(
      ParseSeedRegion("otsu"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("eroded")));
  EXPECT_THAT(
      ParseSeedSampling("weight"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("weighted")));
}

// ---- Golden numbers
// -----------------------------------------------------------

// The integer maps described in testdata/seeds.json, "conventions".
std::vector<double> GoldenCam(const json& inputs) {
  const int height = inputs.at("H");
  const int width = inputs.at("W");
  const json& map = inputs.at("map");
  const std::string kind = map.at("kind");
  const size_t size = static_cast<size_t>(height) * width;
  std::vector<int64_t> levels(size, 0);
  std::vector<double> stream;
  if (kind == "bytes") {
    stream = ::testing::GoldenStream(map.at("gen"), height * width);
  }
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      int64_t& level = levels[static_cast<size_t>(y) * width + x];
      if (kind == "bumps") {
        for (const json& bump : map.at("bumps")) {
          const int64_t cx = bump[0], cy = bump[1], a = bump[2], b = bump[3],
                        amplitude = bump[4];
          const int64_t q =
              (x - cx) * (x - cx) * b * b + (y - cy) * (y - cy) * a * a;
          const int64_t r = a * a * b * b;
          level = std::max(level, amplitude * r / (r + q));
        }
      } else if (kind == "two") {
        const json& rect = map.at("rect");
        const bool inside = x >= rect[0].get<int>() &&
                            y >= rect[1].get<int>() &&
                            x <= rect[2].get<int>() && y <= rect[3].get<int>();
        level = inside ? map.at("high") : map.at("low");
      } else if (kind == "constant") {
        level = map.at("value");
      } else if (kind == "ramp") {
        level =
            map.at("ax").get<int64_t>() * x + map.at("ay").get<int64_t>() * y;
      } else {
        level = static_cast<int64_t>(
            std::floor(stream[static_cast<size_t>(y) * width + x] * 256));
      }
    }
  }
  const bool rank = inputs.at("fraction") == "rank";
  std::vector<double> cam(size);
  for (size_t k = 0; k < size; ++k) {
    const double fraction =
        rank ? (static_cast<double>(k) + 0.5) / static_cast<double>(size) : 0.5;
    cam[k] = (static_cast<double>(levels[k]) + fraction) / 256;
  }
  return cam;
}

void ExpectMask(const json& expected, const std::vector<uint8_t>& mask,
                int width) {
  int64_t count = 0, sum = 0;
  int x0 = kAll, y0 = kAll, x1 = -1, y1 = -1;
  for (size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] == 0) continue;
    ++count;
    sum += static_cast<int64_t>(i);
    const int x = static_cast<int>(i) % width;
    const int y = static_cast<int>(i) / width;
    x0 = std::min(x0, x);
    y0 = std::min(y0, y);
    x1 = std::max(x1, x);
    y1 = std::max(y1, y);
  }
  EXPECT_EQ(count, expected.at("count").get<int64_t>());
  EXPECT_EQ(sum, expected.at("isum").get<int64_t>());
  EXPECT_EQ(Crc(mask), expected.at("crc32").get<uint32_t>());
  if (count > 0) {
    EXPECT_EQ(expected.at("bbox"), json({x0, y0, x1, y1}));
  }
}

std::vector<uint8_t> MaskOf(const std::vector<int32_t>& pool, size_t size) {
  std::vector<uint8_t> mask(size, 0);
  for (const int32_t i : pool) mask[i] = 1;
  return mask;
}

void CheckGoldenCase(const json& c) {
  const json& inputs = c.at("inputs");
  const json& expect = c.at("expect");
  const int height = inputs.at("H");
  const int width = inputs.at("W");
  const size_t size = static_cast<size_t>(height) * width;
  const std::vector<double> cam = GoldenCam(inputs);

  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<uint8_t>(cam[i] * 255);
  }
  ASSERT_EQ(Crc(bytes), expect.at("u8").at("crc32").get<uint32_t>());

  SeedOptions options;
  options.erosion_kernel = inputs.at("sl_fg_erode_k");
  options.erosion_iterations = inputs.at("sl_fg_erode_iter");
  options.dilation = inputs.at("sl_ksz");
  options.background_fraction = inputs.at("sl_min_p");
  options.background_pixels = inputs.at("sl_min");
  options.foreground_pixels = inputs.at("sl_max");
  ASSERT_THAT(options.Validate(), IsOk());
  const SeedPools pools = FindSeedPools(cam, height, width, options);
  const bool constant = expect.at("constant");

  if (expect.contains("otsu")) {
    const ByteHistogram histogram = CountBytes(bytes);
    EXPECT_EQ(OtsuThreshold(histogram), expect.at("otsu").get<int>());
    const int threshold = ForegroundThreshold(histogram);
    EXPECT_EQ(threshold, expect.at("t").get<int>());
    std::vector<uint8_t> region(size);
    for (size_t i = 0; i < size; ++i) region[i] = bytes[i] > threshold;
    ExpectMask(expect.at("roi"), region, width);
  }
  if (expect.contains("eroded")) {
    ExpectMask(expect.at("eroded"), MaskOf(pools.foreground, size), width);
  }
  if (constant) {
    EXPECT_THAT(pools.foreground, IsEmpty());
    EXPECT_THAT(pools.background, IsEmpty());
  } else {
    EXPECT_EQ(pools.background.size(),
              expect.at("bg_pool_count").get<size_t>());
  }
  if (expect.contains("bg_pool_max")) {
    double largest = 0;
    for (const int32_t i : pools.background) {
      largest = std::max(largest, cam[i]);
    }
    EXPECT_EQ(largest, expect.at("bg_pool_max").get<double>());
    EXPECT_EQ(std::count_if(cam.begin(), cam.end(),
                            [&](double v) { return v < largest; }),
              expect.at("bg_strictly_below").get<int64_t>());
  }
  if (expect.contains("bg_pool")) {
    ExpectMask(expect.at("bg_pool"), MaskOf(pools.background, size), width);
  }
  if (expect.contains("seeds_all")) {
    SeedOptions all = options;
    all.foreground_pixels = kAll;
    all.background_pixels = kAll;
    const std::vector<int64_t> labels = Sample(cam, height, width, all);
    const json& seeds = expect.at("seeds_all");
    EXPECT_EQ(CountOf(labels, 1), seeds.at("n_fg").get<int64_t>());
    EXPECT_EQ(CountOf(labels, 0), seeds.at("n_bg").get<int64_t>());
    EXPECT_EQ(CountOf(labels, kIgnore), seeds.at("n_ignored").get<int64_t>());
    std::vector<uint8_t> coded(size);
    for (size_t i = 0; i < size; ++i) {
      coded[i] = labels[i] == kIgnore ? 255 : static_cast<uint8_t>(labels[i]);
    }
    EXPECT_EQ(Crc(coded), seeds.at("crc32").get<uint32_t>());
  }
  if (expect.contains("draw")) {
    const json& draw = expect.at("draw");
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const std::vector<int64_t> labels =
          Sample(cam, height, width, options, seed);
      EXPECT_LE(CountOf(labels, 1), draw.at("fg_max_pixels").get<int64_t>());
      EXPECT_LE(CountOf(labels, 0), draw.at("bg_max_pixels").get<int64_t>());
      EXPECT_EQ(CountOf(labels, 1) > 0, draw.at("fg_drawn").get<int>() > 0);
      EXPECT_EQ(CountOf(labels, 0) > 0, draw.at("bg_drawn").get<int>() > 0);
    }
  }
}

TEST(SeedSamplerTest, EqualsThePublishedSeeds) {
  const json golden = ::testing::ReadTestJson("fcam/seeds/testdata/seeds.json");
  int checked = 0;
  for (const json& c : golden.at("cases")) {
    if (!c.at("inputs").contains("map")) continue;
    SCOPED_TRACE(c.at("id").get<std::string>());
    CheckGoldenCase(c);
    ++checked;
  }
  EXPECT_EQ(checked, 17);
}

// Bilinear interpolation with align_corners = false, for the two cases below.
std::vector<double> Upsampled(const std::vector<double>& map, int size,
                              int to) {
  std::vector<double> result(static_cast<size_t>(to) * to);
  struct Tap {
    int i0, i1;
    double w;
  };
  std::vector<Tap> taps(to);
  for (int i = 0; i < to; ++i) {
    const double at = std::max(0.0, (i + 0.5) * size / to - 0.5);
    const int i0 = static_cast<int>(at);
    taps[i] = {i0, std::min(i0 + 1, size - 1), at - i0};
  }
  for (int y = 0; y < to; ++y) {
    for (int x = 0; x < to; ++x) {
      const Tap& v = taps[y];
      const Tap& u = taps[x];
      result[static_cast<size_t>(y) * to + x] =
          (1 - v.w) * ((1 - u.w) * map[v.i0 * size + u.i0] +
                       u.w * map[v.i0 * size + u.i1]) +
          v.w * ((1 - u.w) * map[v.i1 * size + u.i0] +
                 u.w * map[v.i1 * size + u.i1]);
    }
  }
  return result;
}

std::vector<double> Normalized(std::vector<double> map) {
  const double low = *std::min_element(map.begin(), map.end());
  for (double& value : map) value -= low;
  const double high = *std::max_element(map.begin(), map.end());
  for (double& value : map) value /= high;
  return map;
}

SeedOptions PublishedOptions() {
  SeedOptions options;
  options.foreground_pixels = 1;
  options.background_pixels = 1;
  options.dilation = 3;
  options.background_fraction = 0.1;
  return options;
}

TEST(SeedSamplerTest, EqualsThePublishedSeedsOfAnInterpolatedMap) {
  const json golden = ::testing::ReadTestJson("fcam/seeds/testdata/seeds.json");
  for (const json& c : golden.at("cases")) {
    if (c.at("id") != "seeds/g/interpolated") continue;
    const json& in = c.at("inputs");
    std::vector<double> small(28 * 28);
    for (int y = 0; y < 28; ++y) {
      for (int x = 0; x < 28; ++x) {
        const double u =
            (x - in.at("cx").get<double>()) / in.at("a").get<double>();
        const double v =
            (y - in.at("cy").get<double>()) / in.at("b").get<double>();
        small[y * 28 + x] = 1 / (1 + u * u + v * v);
      }
    }
    const std::vector<double> cam = Upsampled(Normalized(small), 28, 224);
    EXPECT_EQ(::testing::CompareWithGolden(c.at("expect").at("upsampled"), cam,
                                           1e-12, 1e-12),
              "");
    const SeedPools pools = FindSeedPools(cam, 224, 224, PublishedOptions());
    ExpectMask(c.at("expect").at("eroded"),
               MaskOf(pools.foreground, cam.size()), 224);
    EXPECT_EQ(pools.background.size(), 5017u);
    return;
  }
  FAIL() << "no case seeds/g/interpolated";
}

// The figures of the published code for a Gaussian bump: Otsu 76, 4836 pixels,
// 3360 after erosion, pool 5017, 9 + 9 labelled pixels.
TEST(SeedSamplerTest, EqualsThePublishedFiguresForAGaussian) {
  std::vector<double> small(28 * 28);
  for (int y = 0; y < 28; ++y) {
    for (int x = 0; x < 28; ++x) {
      const double u = (x - 10) / 5.0;
      const double v = (y - 14) / 4.0;
      small[y * 28 + x] = std::exp(-(u * u + v * v));
    }
  }
  const std::vector<double> cam = Upsampled(Normalized(small), 28, 224);
  // The figure was printed from float32.
  EXPECT_NEAR(*std::max_element(cam.begin(), cam.end()), .99377191, 6e-8);
  std::vector<uint8_t> bytes(cam.size());
  for (size_t i = 0; i < cam.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(cam[i] * 255);
  }
  EXPECT_EQ(OtsuThreshold(CountBytes(bytes)), 76);
  SeedOptions options = PublishedOptions();
  options.erosion_iterations = 0;
  EXPECT_EQ(FindSeedPools(cam, 224, 224, options).foreground.size(), 4836u);
  options.erosion_iterations = 1;
  EXPECT_EQ(FindSeedPools(cam, 224, 224, options).foreground.size(), 3360u);
  EXPECT_EQ(FindSeedPools(cam, 224, 224, options).background.size(), 5017u);
  const std::vector<int64_t> labels = Sample(cam, 224, 224, options, 6);
  EXPECT_EQ(CountOf(labels, kForegroundSeed), 9);
  EXPECT_LE(CountOf(labels, kBackgroundSeed), 9);
  options.foreground_pixels = 5000;
  options.dilation = 1;
  EXPECT_EQ(CountOf(Sample(cam, 224, 224, options), kForegroundSeed), 3360);
}

}  // namespace
}  // namespace fcam
