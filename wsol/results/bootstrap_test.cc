#include "wsol/results/bootstrap.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/rng.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

std::vector<std::vector<bool>> RandomColumns(size_t columns, size_t images) {
  vision::Rng rng(1);
  std::vector<std::vector<bool>> bits(columns);
  for (size_t c = 0; c < columns; ++c) {
    for (size_t i = 0; i < images; ++i) {
      bits[c].push_back(rng.Bernoulli(0.1 + 0.8 * static_cast<double>(c) /
                                                static_cast<double>(columns)));
    }
  }
  return bits;
}

TEST(BootstrapTest, ResamplesAreOfTheSameSize) {
  for (int64_t r = 0; r < 20; ++r) {
    const std::vector<uint32_t> counts = ResampleCounts(7, r, 300);
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0u), 300u);
  }
  EXPECT_NE(ResampleCounts(7, 0, 300), ResampleCounts(7, 1, 300));
  EXPECT_NE(ResampleCounts(7, 0, 300), ResampleCounts(8, 0, 300));
  EXPECT_EQ(ResampleCounts(7, 0, 1), std::vector<uint32_t>{1});
}

// The fast sums against the definition, for more columns than a batch has and
// more images than a byte counts.
TEST(BootstrapTest, SumsAreThoseOfTheCounts) {
  const auto columns = RandomColumns(70, 611);
  BootstrapOptions options;
  options.num_resamples = 25;
  options.seed = 3;
  const auto sums = BootstrapSums(columns, options);
  for (size_t r = 0; r < sums.size(); ++r) {
    const auto counts = ResampleCounts(3, static_cast<int64_t>(r), 611);
    for (size_t c = 0; c < columns.size(); ++c) {
      int64_t expected = 0;
      for (size_t i = 0; i < counts.size(); ++i) {
        if (columns[c][i]) expected += counts[i];
      }
      ASSERT_EQ(sums[r][c], expected) << r << " " << c;
    }
  }
}

TEST(BootstrapTest, SumsOfCounts) {
  const auto bits = RandomColumns(12, 100);
  for (const size_t width : {3, 12}) {  // Few columns take another path.
    std::vector<std::vector<int64_t>> columns;
    for (size_t c = 0; c < width; ++c) {
      columns.emplace_back();
      for (const bool bit : bits[c]) {
        columns.back().push_back(bit ? int64_t{1} << 35 : 3);
      }
    }
    BootstrapOptions options;
    options.num_resamples = 10;
    const auto sums = BootstrapSums(columns, options);
    for (size_t r = 0; r < sums.size(); ++r) {
      const auto counts = ResampleCounts(0, static_cast<int64_t>(r), 100);
      for (size_t c = 0; c < width; ++c) {
        int64_t expected = 0;
        for (size_t i = 0; i < 100; ++i) {
          expected += counts[i] * columns[c][i];
        }
        ASSERT_EQ(sums[r][c], expected);
      }
    }
  }
}

TEST(BootstrapTest, ThreadsDoNotMatter) {
  const auto columns = RandomColumns(5, 200);
  BootstrapOptions options;
  options.num_resamples = 101;
  const auto expected = BootstrapSums(columns, options);
  options.num_threads = 4;
  EXPECT_EQ(BootstrapSums(columns, options), expected);
}

// The mean of a resample of n zeros and ones of mean p has the mean p and the
// variance p (1 - p) / n.
TEST(BootstrapTest, MeanAndVariance) {
  std::vector<std::vector<bool>> columns(1, std::vector<bool>(200, false));
  for (size_t i = 0; i < 60; ++i) columns[0][i] = true;
  BootstrapOptions options;
  options.num_resamples = 4000;
  const auto sums = BootstrapSums(columns, options);
  double mean = 0, square = 0;
  for (const auto& sum : sums) {
    const double value = static_cast<double>(sum[0]) / 200;
    mean += value / 4000;
    square += value * value / 4000;
  }
  const double variance = 0.3 * 0.7 / 200;
  // Four standard errors.
  EXPECT_NEAR(mean, 0.3, 4 * std::sqrt(variance / 4000));
  EXPECT_NEAR(square - mean * mean, variance,
              4 * variance * std::sqrt(2.0 / 4000));
}

// Values 0 ... 100: the middle 90 % are 5 ... 95; the middle 50 % of 0, 1, 2
// begin at position 0.25 * 2.
TEST(BootstrapTest, Percentiles) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  Interval interval = PercentileInterval(absl::MakeSpan(values), 0.9);
  EXPECT_NEAR(interval.low, 5, 1e-9);
  EXPECT_NEAR(interval.high, 95, 1e-9);
  std::vector<double> three = {2, 0, 1};
  interval = PercentileInterval(absl::MakeSpan(three), 0.5);
  EXPECT_NEAR(interval.low, 0.5, 1e-9);
  EXPECT_NEAR(interval.high, 1.5, 1e-9);
  std::vector<double> one = {4};
  interval = PercentileInterval(absl::MakeSpan(one), 0.95);
  EXPECT_EQ(interval.low, 4);
  EXPECT_EQ(interval.high, 4);
}

TEST(BootstrapTest, ChecksOptions) {
  EXPECT_THAT(BootstrapOptions().Validate(), IsOk());
  BootstrapOptions options;
  options.num_resamples = 0;
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("num_resamples is 0")));
  options = {};
  options.confidence = 1;
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("confidence is 1")));
  options = {};
  options.num_threads = 0;
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("num_threads is 0")));
}

}  // namespace
}  // namespace wsol
