#include "wsol/metrics/box_evaluator.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/box_mode.h"

namespace wsol {
namespace {

using ::absl::StatusCode;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::vision::Box;

// A map of two squares: 20 x 20 pixels of value `first` at (10, 10) and 10 x 10
// pixels of value `second` at (100, 100).
cv::Mat TwoSquares(double first, double second) {
  cv::Mat map = cv::Mat::zeros(224, 224, CV_64FC1);
  map(cv::Rect(10, 10, 20, 20)).setTo(first);
  map(cv::Rect(100, 100, 10, 10)).setTo(second);
  return map;
}

// The protocol's boxes are a pixel wider and higher.
constexpr Box kFirst{10, 10, 31, 31};
constexpr Box kSecond{100, 100, 111, 111};

BoxEvaluator MakeEvaluator() {
  BoxEvaluatorOptions options;
  options.tau_interval = 0.25;
  return BoxEvaluator::Create(options).value();
}

TEST(BoxEvaluatorTest, MatchesHandComputedCurves) {
  BoxEvaluator evaluator = MakeEvaluator();
  // Bytes 102 and 255: levels at tau = 0, 1/4, 1/2, 3/4 are 0, 63, 127, 191.
  // So at 0 and 1/4 both squares are there, then the second alone.
  ASSERT_THAT(evaluator.Accumulate(TwoSquares(0.4, 1), {kSecond}, std::nullopt),
              IsOk());
  ASSERT_THAT(evaluator.Accumulate(TwoSquares(0.4, 1), {kFirst}, std::nullopt),
              IsOk());
  const BoxMetrics metrics = evaluator.Compute().value();
  EXPECT_EQ(metrics.num_images, 2);
  EXPECT_THAT(metrics.taus, ElementsAre(0, 0.25, 0.5, 0.75));
  for (const int iou : {30, 50, 70}) {
    // Largest contour: the first square as long as it lasts.
    EXPECT_THAT(metrics.Find(BoxMode::kLargestContour, iou)->correct,
                ElementsAre(1, 1, 1, 1));
    EXPECT_THAT(metrics.Find(BoxMode::kAllContours, iou)->correct,
                ElementsAre(2, 2, 1, 1));
  }
  EXPECT_EQ(metrics.max_box_acc, 50);
  EXPECT_EQ(metrics.max_box_acc_v2, 100);
  const BoxAccuracy& v2 = *metrics.Find(BoxMode::kAllContours, 50);
  EXPECT_EQ(v2.best_tau, 0);  // The first of equals.
  EXPECT_THAT(v2.AccuracyCurve(2), ElementsAre(100, 100, 50, 50));
  EXPECT_EQ(v2.top1_localization, std::nullopt);
  EXPECT_THAT(v2.top1_correct, IsEmpty());
  EXPECT_EQ(metrics.Find(BoxMode::kAllContours, 60), nullptr);
}

TEST(BoxEvaluatorTest, AnIouAtTheThresholdIsCorrect) {
  BoxEvaluator evaluator = MakeEvaluator();
  cv::Mat map = cv::Mat::zeros(224, 224, CV_64FC1);
  map(cv::Rect(0, 0, 9, 9)).setTo(1);  // Box [0, 10) x [0, 10).
  // 50 of 100 pixels: IoU 1/2 exactly.
  ASSERT_THAT(evaluator.Accumulate(map, {{0, 0, 10, 5}}, std::nullopt), IsOk());
  const BoxMetrics metrics = evaluator.Compute().value();
  EXPECT_EQ(metrics.max_box_acc, 100);
  EXPECT_THAT(metrics.Find(BoxMode::kLargestContour, 70)->correct, Each(0));
  // 100 % at 30 and 50, 0 % at 70.
  EXPECT_DOUBLE_EQ(metrics.max_box_acc_v2, 200.0 / 3);
}

TEST(BoxEvaluatorTest, ClassRanksGateTopLocalization) {
  BoxEvaluator evaluator = MakeEvaluator();
  for (const int rank : {0, 4, 5, 0}) {
    ASSERT_THAT(evaluator.Accumulate(TwoSquares(1, 0), {kFirst}, rank), IsOk());
  }
  const BoxMetrics metrics = evaluator.Compute().value();
  const BoxAccuracy& v1 = *metrics.Find(BoxMode::kLargestContour, 50);
  EXPECT_EQ(v1.max_accuracy, 100);
  EXPECT_EQ(v1.top1_localization, 50);
  EXPECT_EQ(v1.top5_localization, 75);
}

TEST(BoxEvaluatorTest, TopLocalizationHasItsOwnTau) {
  BoxEvaluator evaluator = MakeEvaluator();
  // Two images right from 1/2 on, misclassified; one below, classified.
  const cv::Mat map = TwoSquares(0.4, 1);
  ASSERT_THAT(evaluator.Accumulate(map, {kSecond}, 7), IsOk());
  ASSERT_THAT(evaluator.Accumulate(map, {kSecond}, 7), IsOk());
  ASSERT_THAT(evaluator.Accumulate(map, {kFirst}, 0), IsOk());
  const BoxMetrics metrics = evaluator.Compute().value();
  const BoxAccuracy& v1 = *metrics.Find(BoxMode::kLargestContour, 50);
  EXPECT_EQ(v1.best_tau, 0.5);
  EXPECT_DOUBLE_EQ(v1.max_accuracy, 200.0 / 3);
  EXPECT_DOUBLE_EQ(*v1.top1_localization, 100.0 / 3);
}

TEST(BoxEvaluatorTest, AMapOfZerosPredictsTheFirstPixel) {
  BoxEvaluator evaluator = MakeEvaluator();
  const cv::Mat zeros = cv::Mat::zeros(224, 224, CV_64FC1);
  ASSERT_THAT(evaluator.Accumulate(zeros, {{0, 0, 1, 1}}, std::nullopt),
              IsOk());
  EXPECT_EQ(evaluator.Compute()->max_box_acc_v2, 100);
}

TEST(BoxEvaluatorTest, MergeEqualsOneStream) {
  BoxEvaluator one = MakeEvaluator(), a = MakeEvaluator(), b = MakeEvaluator();
  for (int i = 0; i < 6; ++i) {
    const cv::Mat map = TwoSquares(i / 6.0, 1 - i / 6.0);
    const std::vector<Box> truth = {i % 2 == 0 ? kFirst : kSecond};
    ASSERT_THAT(one.Accumulate(map, truth, i), IsOk());
    ASSERT_THAT((i < 2 ? a : b).Accumulate(map, truth, i), IsOk());
  }
  ASSERT_THAT(b.Merge(a), IsOk());
  ASSERT_THAT(b.Merge(MakeEvaluator()), IsOk());
  const BoxMetrics expected = one.Compute().value();
  const BoxMetrics merged = b.Compute().value();
  EXPECT_EQ(merged.num_images, 6);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(merged.largest_contour[i].correct,
              expected.largest_contour[i].correct);
    EXPECT_EQ(merged.all_contours[i].correct, expected.all_contours[i].correct);
    EXPECT_EQ(merged.all_contours[i].top1_correct,
              expected.all_contours[i].top1_correct);
    EXPECT_EQ(merged.all_contours[i].top5_correct,
              expected.all_contours[i].top5_correct);
  }
}

TEST(BoxEvaluatorTest, RejectsBadOptions) {
  BoxEvaluatorOptions options;
  options.tau_interval = 0;
  EXPECT_THAT(BoxEvaluator::Create(options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("got 0")));
  options = {};
  options.iou_percents = {30, 70};
  EXPECT_THAT(BoxEvaluator::Create(options),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("got 30, 70, expected 50 among them")));
  options.iou_percents = {50, 30};
  EXPECT_THAT(BoxEvaluator::Create(options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("rising")));
  options.iou_percents = {50, 101};
  EXPECT_THAT(BoxEvaluator::Create(options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("[1, 100]")));
}

TEST(BoxEvaluatorTest, RejectsBadSamplesAndCountsNothing) {
  BoxEvaluator evaluator = MakeEvaluator();
  const cv::Mat map = TwoSquares(1, 1);
  const auto is_invalid = [](const char* text) {
    return StatusIs(StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(evaluator.Accumulate(map, {}, std::nullopt),
              is_invalid("got none, expected at least one"));
  // The protocol's inclusive [1, 1, 0, 0].
  EXPECT_THAT(evaluator.Accumulate(map, {{1, 1, 1, 1}}, std::nullopt),
              is_invalid("got [1, 1) x [1, 1)"));
  EXPECT_THAT(evaluator.Accumulate(map, {{-1, 0, 4, 4}}, std::nullopt),
              is_invalid("got [-1, 4) x [0, 4)"));
  EXPECT_THAT(evaluator.Accumulate(map, {kFirst}, -1),
              is_invalid("rank of the true class: got -1"));
  EXPECT_THAT(evaluator.Accumulate(cv::Mat::zeros(28, 28, CV_64FC1), {kFirst},
                                   std::nullopt),
              is_invalid("got 28 x 28 pixels"));
  EXPECT_THAT(evaluator.Compute(), StatusIs(StatusCode::kFailedPrecondition,
                                            HasSubstr("got no image")));
  ASSERT_THAT(evaluator.Accumulate(map, {kFirst}, 0), IsOk());
  EXPECT_THAT(evaluator.Accumulate(map, {kFirst}, std::nullopt),
              is_invalid("missing for this image"));
  EXPECT_EQ(evaluator.Compute()->num_images, 1);
}

TEST(BoxEvaluatorTest, RejectsMergesThatMixThings) {
  BoxEvaluator evaluator = MakeEvaluator();
  EXPECT_THAT(
      evaluator.Merge(BoxEvaluator::Create(BoxEvaluatorOptions()).value()),
      StatusIs(StatusCode::kInvalidArgument,
               HasSubstr("got tau_interval 0.001")));
  BoxEvaluator ranked = MakeEvaluator();
  const cv::Mat map = TwoSquares(1, 1);
  ASSERT_THAT(ranked.Accumulate(map, {kFirst}, 0), IsOk());
  ASSERT_THAT(evaluator.Accumulate(map, {kFirst}, std::nullopt), IsOk());
  EXPECT_THAT(evaluator.Merge(ranked),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("class ranks in both or in none")));
}

}  // namespace
}  // namespace wsol
