#include "wsol/report_run/activation_histogram.h"

#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "wsol/report/chart.h"
#include "wsol/results/results_json.h"
#include "wsol/results/sample_results.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::IsOk;

TEST(ActivationHistogramTest, CountsByValueAndTruth) {
  // 0.02 is the lower end of bin 1; 1 is in the last one.
  const cv::Mat map = (cv::Mat_<double>(2, 2) << 0, 0.02, 0.999, 1);
  const cv::Mat mask = (cv::Mat_<uint8_t>(2, 2) << 0, 1, 255, 1);
  ActivationHistogram histogram;
  histogram.Add(map, cv::Mat());
  EXPECT_FALSE(histogram.has_masks());
  histogram.Add(map, mask);
  EXPECT_TRUE(histogram.has_masks());
  EXPECT_EQ(histogram.all[0], 2);
  EXPECT_EQ(histogram.all[1], 2);
  EXPECT_EQ(histogram.all[49], 4);
  EXPECT_EQ(histogram.foreground[1], 1);
  EXPECT_EQ(histogram.foreground[49], 1);
  EXPECT_EQ(histogram.background[0], 1);
  EXPECT_EQ(std::accumulate(histogram.background.begin(),
                            histogram.background.end(), int64_t{0}),
            1);
  ActivationHistogram twice = histogram;
  twice.Merge(histogram);
  EXPECT_EQ(twice.all[49], 8);
}

// The sample's maps are 1 in the left half and 0 elsewhere; 75264 of the
// 4 * 224 * 224 pixels are foreground, 62720 of them in the left half.
TEST(ActivationHistogramTest, OfResultsWithoutMaps) {
  const absl::StatusOr<StoredResults> results =
      ParseResults(ResultsToJson(SampleMaskResults()).value(), "m");
  ASSERT_THAT(results, IsOk());
  const std::optional<ActivationHistogram> histogram =
      HistogramOfResults(*results);
  ASSERT_TRUE(histogram.has_value());
  EXPECT_EQ(histogram->foreground[49], 62720);
  EXPECT_EQ(histogram->foreground[0], 75264 - 62720);
  EXPECT_EQ(histogram->all[49], 2 * 224 * 224);
  EXPECT_EQ(histogram->all[0], 2 * 224 * 224);

  const absl::StatusOr<StoredResults> boxes =
      ParseResults(ResultsToJson(SampleBoxResults()).value(), "b");
  ASSERT_THAT(boxes, IsOk());
  EXPECT_FALSE(HistogramOfResults(*boxes).has_value());
  StoredResults coarse = *results;
  for (StoredMaskImage& mask : coarse.masks) {
    mask.foreground_histogram.resize(21);
    mask.background_histogram.resize(21);
  }
  EXPECT_FALSE(HistogramOfResults(coarse).has_value());
}

TEST(ActivationHistogramTest, SeriesAreSharesUpToTheEndOfTheAxis) {
  const std::vector<int64_t> counts = {1, 3};
  const LineSeries series = HistogramSeries("x", counts);
  EXPECT_EQ(series.name, "x");
  EXPECT_TRUE(series.steps);
  EXPECT_THAT(series.x, ElementsAre(0, 0.5, 1));
  EXPECT_THAT(series.y, ElementsAre(25, 75, 75));
  EXPECT_THAT(HistogramSeries("x", std::vector<int64_t>{0}).y,
              ElementsAre(0, 0));
}

}  // namespace
}  // namespace wsol
