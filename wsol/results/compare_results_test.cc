#include "wsol/results/compare_results.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "wsol/results/sample_results.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

StoredResults Stored(const EvaluationResults& results,
                     const std::string& name) {
  return ParseResults(ResultsToJson(results).value(), name).value();
}

// Results of `count` images of which `right` are.
StoredResults Images(const std::string& name, int count, int right) {
  StoredResults results;
  results.name = name;
  results.data_sha256 = "ff";
  results.num_images = count;
  for (int i = 0; i < count; ++i) {
    results.image_ids.push_back("image" + std::to_string(10000 + i));
    results.correct["v1/BoxAcc@50"].push_back(i < right);
  }
  return results;
}

const ComparedMetric& Find(const Comparison& comparison,
                           const std::string& name) {
  for (const ComparedMetric& metric : comparison.metrics) {
    if (metric.name == name) return metric;
  }
  ADD_FAILURE() << "no " << name;
  return comparison.metrics.front();
}

TEST(CompareResultsTest, EqualResultsDoNotDiffer) {
  for (const bool boxes : {true, false}) {
    const StoredResults a =
        Stored(boxes ? SampleBoxResults() : SampleMaskResults(), "a");
    BootstrapOptions options;
    options.num_resamples = 100;
    const auto comparison = CompareResults(a, a, options);
    ASSERT_THAT(comparison, IsOk());
    EXPECT_EQ(comparison->metrics.size(), boxes ? 22u : 5u);
    for (const ComparedMetric& metric : comparison->metrics) {
      EXPECT_EQ(metric.difference, 0) << metric.name;
      EXPECT_EQ(metric.difference_interval.low, 0) << metric.name;
      EXPECT_EQ(metric.difference_interval.high, 0) << metric.name;
      EXPECT_EQ(metric.p_value, 1) << metric.name;
      EXPECT_NEAR(metric.a,
                  a.values.count(metric.name) > 0
                      ? a.values.at(metric.name)
                      : a.metrics.at(metric.name).value,
                  1e-9)
          << metric.name;
    }
  }
}

// 400 images, a right on 200, b on those and 40 others. The difference d of an
// image is 1 with share 0.1, else 0: 10 % with a standard error of
// sqrt(0.1 * 0.9 / 400) = 1.5 %, so about 10 +- 2.94. Unpaired it would be
// sqrt((0.25 + 0.24) / 400) = 3.5 %.
TEST(CompareResultsTest, IntervalsArePaired) {
  BootstrapOptions options;
  options.num_resamples = 3000;
  options.num_threads = 2;
  const auto comparison =
      CompareResults(Images("a", 400, 200), Images("b", 400, 240), options);
  ASSERT_THAT(comparison, IsOk());
  const ComparedMetric& metric = Find(*comparison, "MaxBoxAcc");
  EXPECT_EQ(metric.a, 50);
  EXPECT_EQ(metric.b, 60);
  EXPECT_EQ(metric.difference, 10);
  EXPECT_NEAR(metric.difference_interval.low, 10 - 2.94, 0.3);
  EXPECT_NEAR(metric.difference_interval.high, 10 + 2.94, 0.3);
  // sqrt(0.25 / 400) = 2.5 %.
  EXPECT_NEAR(metric.a_interval.low, 50 - 4.9, 0.4);
  EXPECT_NEAR(metric.a_interval.high, 50 + 4.9, 0.4);
  // No resample of 3000 has a difference of 0.
  EXPECT_NEAR(metric.p_value, 2.0 / 3001, 1e-12);

  const auto table = ComparisonTable(*comparison);
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(
      *table,
      AllOf(HasSubstr("a: a\nb: b\n400 images, 3000 resamples, seed "
                      "0, 95 % intervals\n"),
            HasSubstr("MaxBoxAcc"), HasSubstr("*"), HasSubstr("excludes 0")));
  const auto json = nlohmann::json::parse(ComparisonJson(*comparison));
  EXPECT_EQ(json.at("metrics").at("MaxBoxAcc").at("difference"), 10);
  EXPECT_EQ(json.at("resamples"), 3000);
}

TEST(CompareResultsTest, ThreadsDoNotMatterButTheSeedDoes) {
  const StoredResults a = Images("a", 100, 50), b = Images("b", 100, 60);
  BootstrapOptions options;
  options.num_resamples = 500;
  const std::string text = ComparisonJson(*CompareResults(a, b, options));
  options.num_threads = 3;
  EXPECT_EQ(ComparisonJson(*CompareResults(a, b, options)), text);
  options.seed = 1;
  EXPECT_NE(ComparisonJson(*CompareResults(a, b, options)), text);
}

TEST(CompareResultsTest, MasksArePooledAnew) {
  const StoredResults a = Stored(SampleMaskResults(1), "a");
  StoredResults b = a;
  b.name = "b";
  // b finds all of the foreground and nothing else, at one score.
  b.values["IoU"] = b.values["F1"] = b.values["PxAP"] = 100;
  for (StoredMaskImage& mask : b.masks) {
    mask.true_positives = mask.foreground;
    mask.false_positives = 0;
    for (int64_t& count : mask.foreground_histogram) count = 0;
    mask.foreground_histogram[100] = mask.foreground;
    mask.background_histogram[0] += mask.background_histogram[100];
    mask.background_histogram[100] = 0;
  }
  const auto comparison = CompareResults(a, b, {});
  ASSERT_THAT(comparison, IsOk());
  for (const char* const name : {"PxAP", "IoU", "F1"}) {
    const ComparedMetric& metric = Find(*comparison, name);
    EXPECT_NEAR(metric.a, a.values.at(name), 1e-9);
    EXPECT_NEAR(metric.b_interval.low, 100, 1e-9) << name;
    EXPECT_NEAR(metric.b_interval.high, 100, 1e-9) << name;
    // Images a and b are perfect in a: all four of them may be drawn.
    EXPECT_NEAR(metric.a_interval.high, 100, 1e-9) << name;
    EXPECT_LT(metric.a_interval.low, metric.a) << name;
  }
}

TEST(CompareResultsTest, SaysWhatDoesNotFit) {
  const StoredResults a = Images("a", 5, 2);
  const auto compare = [&](const StoredResults& b) {
    return CompareResults(a, b, {});
  };
  EXPECT_THAT(compare(Images("b", 7, 2)),
              StatusIs(kInvalid, HasSubstr("2 images of 'b' are not in 'a': "
                                           "image10005, image10006")));
  StoredResults b = a;
  b.data_sha256 = "fe";
  EXPECT_THAT(compare(b), StatusIs(kInvalid, HasSubstr("ground truth")));
  b = a;
  b.mode = EvaluationMode::kNative;
  EXPECT_THAT(compare(b), StatusIs(kInvalid, HasSubstr("mode native")));
  b = a;
  b.image_ids.clear();
  EXPECT_THAT(compare(b), StatusIs(kInvalid, HasSubstr("--per_image")));
  b = a;
  b.correct.clear();
  EXPECT_THAT(compare(b), StatusIs(kInvalid, HasSubstr("no metric")));
  BootstrapOptions options;
  options.num_resamples = 0;
  EXPECT_THAT(CompareResults(a, a, options), StatusIs(kInvalid));
}

}  // namespace
}  // namespace wsol
