#include "wsol/metrics/tau_selection.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::SizeIs;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr BoxMode kV1 = BoxMode::kLargestContour;
constexpr BoxMode kV2 = BoxMode::kAllContours;
constexpr LocalizationKind kKnown = LocalizationKind::kKnownClass;

// Metrics of `num_images` images, correct at each of four thresholds as told;
// the same for all IoUs.
BoxMetrics MetricsOf(std::vector<int64_t> correct, int64_t num_images) {
  BoxMetrics metrics;
  metrics.tau_interval = 0.25;
  metrics.taus = TauList(0.25);
  metrics.num_images = num_images;
  for (const int iou : {30, 50, 70}) {
    BoxAccuracy accuracy;
    accuracy.iou_percent = iou;
    accuracy.correct = correct;
    metrics.largest_contour.push_back(accuracy);
    metrics.all_contours.push_back(accuracy);
  }
  return metrics;
}

TEST(TauSelectionTest, TakesTheFirstOfTheBest) {
  const BoxMetrics metrics = MetricsOf({1, 3, 3, 2}, 4);
  EXPECT_THAT(SelectTau(metrics, kV1, 50, kKnown), IsOkAndHolds(0.25));
  EXPECT_THAT(AccuracyAt(metrics, kV1, 50, kKnown, 0.25), IsOkAndHolds(75));
  EXPECT_THAT(AccuracyAt(metrics, kV2, 70, kKnown, 0.75), IsOkAndHolds(50));
}

TEST(TauSelectionTest, ThresholdsOfAnotherSplitCost) {
  const BoxMetrics test = MetricsOf({1, 3, 2, 2}, 4);
  const BoxMetrics val = MetricsOf({0, 1, 5, 9}, 10);
  TauChoice choice;
  choice.rule = TauRule::kVal;
  choice.val_boxes = &val;
  const std::vector<BoxScore> scores = ScoreBoxes(test, choice).value();
  EXPECT_THAT(scores, SizeIs(6));  // No class ranks.
  const BoxScore& score = *FindScore(scores, kV1, 50, kKnown);
  EXPECT_EQ(score.tau, 0.75);
  EXPECT_EQ(score.accuracy, 50);
  EXPECT_EQ(score.oracle_tau, 0.25);
  EXPECT_EQ(score.oracle_accuracy, 75);
  EXPECT_EQ(score.OracleGap(), 25);
  const MeanBoxScore v2 = MeanScore(scores, kV2, kKnown).value();
  EXPECT_EQ(v2.accuracy, 50);
  EXPECT_EQ(v2.OracleGap(), 25);
  EXPECT_EQ(MeanScore(scores, kV2, LocalizationKind::kTop1), std::nullopt);
  EXPECT_EQ(FindScore(scores, kV1, 60, kKnown), nullptr);
}

TEST(TauSelectionTest, OracleAndFixed) {
  BoxMetrics metrics = MetricsOf({1, 3, 2, 2}, 4);
  for (BoxAccuracy& accuracy : metrics.all_contours) {
    accuracy.top1_correct = {0, 0, 0, 1};
    accuracy.top5_correct = {0, 1, 2, 1};
  }
  const auto oracle = ScoreBoxes(metrics, {}).value();
  EXPECT_THAT(oracle, SizeIs(3 + 9));
  // Each kind at its own threshold.
  EXPECT_EQ(FindScore(oracle, kV2, 50, LocalizationKind::kTop1)->tau, 0.75);
  EXPECT_EQ(FindScore(oracle, kV2, 50, LocalizationKind::kTop5)->tau, 0.5);
  EXPECT_EQ(FindScore(oracle, kV2, 50, kKnown)->OracleGap(), 0);
  TauChoice choice;
  choice.rule = TauRule::kFixed;
  choice.fixed_tau = 0.5;
  const auto fixed = ScoreBoxes(metrics, choice).value();
  EXPECT_EQ(FindScore(fixed, kV2, 50, kKnown)->accuracy, 50);
  EXPECT_EQ(FindScore(fixed, kV2, 50, LocalizationKind::kTop1)->OracleGap(),
            25);
  choice.fixed_tau = 0.3;
  EXPECT_THAT(ScoreBoxes(metrics, choice),
              StatusIs(kInvalid, HasSubstr("got 0.3, expected one of the 4 "
                                           "evaluated thresholds, multiples of "
                                           "0.25")));
}

TEST(TauSelectionTest, RejectsWhatDoesNotFit) {
  const BoxMetrics metrics = MetricsOf({1, 1, 1, 1}, 4);
  EXPECT_THAT(SelectTau(metrics, kV1, 60, kKnown),
              StatusIs(kInvalid, HasSubstr("got 60 percent, expected one of "
                                           "30, 50, 70")));
  EXPECT_THAT(
      SelectTau(metrics, kV1, 50, LocalizationKind::kTop5),
      StatusIs(kInvalid, HasSubstr("top-5 localization: got no class")));
  TauChoice choice;
  choice.rule = TauRule::kVal;
  EXPECT_THAT(ScoreBoxes(metrics, choice),
              StatusIs(kInvalid, HasSubstr("got no box metrics")));
  EXPECT_THAT(ScoreMasks(MaskMetrics(), choice), StatusIs(kInvalid));
  BoxMetrics other = metrics;
  other.tau_interval = 0.01;
  choice.val_boxes = &other;
  EXPECT_THAT(
      ScoreBoxes(metrics, choice),
      StatusIs(kInvalid, HasSubstr("tau_interval 0.01 in mode protocol, "
                                   "expected 0.25 and protocol")));
  other = metrics;
  other.evaluation_mode = EvaluationMode::kNative;
  EXPECT_THAT(ScoreBoxes(metrics, choice),
              StatusIs(kInvalid, HasSubstr("native")));
}

TEST(TauIndexTest, AllowsForRounding) {
  const std::vector<double> taus = TauList(0.001);
  EXPECT_THAT(TauIndex(taus, 0.118), IsOkAndHolds(118u));
  EXPECT_THAT(TauIndex(taus, 0), IsOkAndHolds(0u));
  EXPECT_THAT(TauIndex(taus, 0.999), IsOkAndHolds(999u));
  EXPECT_THAT(TauIndex(taus, 1), StatusIs(kInvalid));
  EXPECT_THAT(TauIndex(taus, -0.001), StatusIs(kInvalid));
  EXPECT_THAT(TauIndex(taus, std::nan("")), StatusIs(kInvalid));
}

TEST(TauRuleTest, NamesParseBack) {
  for (const TauRule rule :
       {TauRule::kOracle, TauRule::kVal, TauRule::kFixed}) {
    EXPECT_THAT(ParseTauRule(TauRuleName(rule)), IsOkAndHolds(rule));
  }
  EXPECT_THAT(ParseTauRule("best"),
              StatusIs(kInvalid, HasSubstr("got \"best\", expected oracle")));
  EXPECT_EQ(LocalizationKindName(kKnown), "gt-known");
}

MaskMetrics MasksOf(double foreground, double background) {
  MaskEvaluatorOptions options;
  options.tau_interval = 0.25;
  MaskEvaluator evaluator = MaskEvaluator::Create(options).value();
  cv::Mat map(kFrameSize, kFrameSize, CV_64FC1, cv::Scalar(background));
  cv::Mat mask = cv::Mat::zeros(kFrameSize, kFrameSize, CV_8UC1);
  map.rowRange(0, 112).setTo(foreground);
  mask.rowRange(0, 112).setTo(kForegroundLabel);
  EXPECT_THAT(evaluator.Accumulate(map, mask), IsOk());
  return evaluator.Compute().value();
}

TEST(TauSelectionTest, MasksAreReadOffTheCurve) {
  const MaskMetrics test = MasksOf(0.6, 0.3), val = MasksOf(0.4, 0.2);
  TauChoice choice;
  MaskScore score = ScoreMasks(test, choice).value();
  EXPECT_EQ(score.at_tau.threshold, 0.5);
  EXPECT_EQ(score.at_tau.iou, 1);
  choice.rule = TauRule::kVal;
  choice.val_masks = &val;
  score = ScoreMasks(test, choice).value();
  EXPECT_EQ(score.at_tau.threshold, 0.25);
  EXPECT_EQ(score.at_tau.iou, 0.5);
  EXPECT_EQ(score.oracle.iou, 1);
  // Nothing reaches .75.
  choice.rule = TauRule::kFixed;
  choice.fixed_tau = 0.75;
  score = ScoreMasks(test, choice).value();
  EXPECT_EQ(score.at_tau.threshold, 0.75);
  EXPECT_EQ(score.at_tau.true_positives, 0);
  EXPECT_EQ(score.at_tau.f1, 0);
}

}  // namespace
}  // namespace wsol
