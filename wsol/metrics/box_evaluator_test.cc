#include "wsol/metrics/box_evaluator.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "testing/status_matchers.h"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "vision/geometry/box_iou.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/state_codec.h"

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

// The sets of thresholds of one mode and IoU, as flags.
std::vector<int64_t> CorrectAt(const BoxMetrics& metrics, size_t image,
                               BoxMode mode, size_t iou_index) {
  std::vector<int64_t> flags;
  for (size_t t = 0; t < metrics.taus.size(); ++t) {
    flags.push_back(metrics.images[image].IsCorrect(
        mode, iou_index, LocalizationKind::kKnownClass, t));
  }
  return flags;
}

TEST(BoxEvaluatorTest, KeepsAtWhichThresholdsImagesAreRight) {
  BoxEvaluatorOptions options;
  options.tau_interval = 0.25;
  options.keep_images = true;
  BoxEvaluator evaluator = BoxEvaluator::Create(options).value();
  const cv::Mat map = TwoSquares(0.4, 1);
  ASSERT_THAT(
      evaluator.Accumulate(map, {kSecond}, {"b", 3, 1, ObjectSize::kSmall}),
      IsOk());
  ASSERT_THAT(
      evaluator.Accumulate(map, {kFirst}, {"a", 2, 9, ObjectSize::kLarge}),
      IsOk());
  const BoxMetrics metrics = evaluator.Compute().value();
  ASSERT_EQ(metrics.images.size(), 2u);  // By id.
  EXPECT_TRUE(metrics.images[0].info ==
              (ImageInfo{"a", 2, 9, ObjectSize::kLarge}));
  EXPECT_EQ(metrics.images[1].info.id, "b");
  EXPECT_THAT(CorrectAt(metrics, 0, BoxMode::kLargestContour, 1),
              ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(CorrectAt(metrics, 1, BoxMode::kLargestContour, 1),
              ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(CorrectAt(metrics, 1, BoxMode::kAllContours, 2),
              ElementsAre(1, 1, 1, 1));
  EXPECT_EQ(metrics.images[1].best_largest_contour_iou, 1);
  EXPECT_EQ(metrics.images[1].best_iou, 1);
  // Rank 1 is among the first five; rank 9 is not.
  const auto is_correct = [&](size_t image, LocalizationKind kind) {
    return metrics.images[image].IsCorrect(BoxMode::kAllContours, 0, kind, 0);
  };
  EXPECT_FALSE(is_correct(0, LocalizationKind::kTop5));
  EXPECT_TRUE(is_correct(1, LocalizationKind::kTop5));
  EXPECT_FALSE(is_correct(1, LocalizationKind::kTop1));
  EXPECT_EQ(metrics.num_boxes, 2);

  ASSERT_THAT(evaluator.Accumulate(map, {kFirst}, {"a", 2, 0}), IsOk());
  EXPECT_THAT(evaluator.Compute(), StatusIs(StatusCode::kInvalidArgument,
                                            HasSubstr("'a': evaluated twice")));
  EXPECT_THAT(
      evaluator.Accumulate(map, {kFirst}, {"", 2, 0}),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("image id: got none")));
}

TEST(BoxEvaluatorTest, NativeBoxesAreTightAndThresholdsAbsolute) {
  BoxEvaluatorOptions options;
  options.tau_interval = 0.25;
  options.mode = EvaluationMode::kNative;
  BoxEvaluator evaluator = BoxEvaluator::Create(options).value();
  // 10 x 6 pixels: a ring of 0.5 with a hole, and a bar of 0.6.
  cv::Mat map = cv::Mat::zeros(6, 10, CV_64FC1);
  map(cv::Rect(0, 0, 5, 5)).setTo(0.5);
  map(cv::Rect(1, 1, 3, 3)).setTo(0);
  map(cv::Rect(7, 0, 2, 6)).setTo(0.6);
  // {> 0} and {> 0.25}: ring (16 pixels) and bar (12); {> 0.5}: the bar alone,
  // since 0.5 is not above 0.5; {> 0.75}: nothing.
  ASSERT_THAT(evaluator.Accumulate(map, {{7, 0, 9, 6}}, std::nullopt), IsOk());
  ASSERT_THAT(evaluator.Accumulate(map, {{0, 0, 5, 5}}, std::nullopt), IsOk());
  // The hole's outline is no box, though it would fit.
  ASSERT_THAT(evaluator.Accumulate(map, {{1, 1, 4, 4}}, std::nullopt), IsOk());
  const BoxMetrics metrics = evaluator.Compute().value();
  EXPECT_THAT(metrics.Find(BoxMode::kLargestContour, 70)->correct,
              ElementsAre(1, 1, 1, 0));
  EXPECT_THAT(metrics.Find(BoxMode::kAllContours, 70)->correct,
              ElementsAre(2, 2, 1, 0));
  // 9 of 25 pixels.
  EXPECT_THAT(metrics.Find(BoxMode::kAllContours, 30)->correct,
              ElementsAre(3, 3, 1, 0));
}

// Beyond 255 thresholds there are several sweeps; no byte rounds a score.
TEST(BoxEvaluatorTest, NativeMatchesComponentsOfEveryThreshold) {
  BoxEvaluatorOptions options;
  options.tau_interval = 0.002;
  options.mode = EvaluationMode::kNative;
  options.keep_images = true;
  vision::Rng rng(4);
  for (int i = 0; i < 4; ++i) {
    const int width = 40 + 30 * i, height = 37;
    cv::Mat map(height, width, CV_64FC1);
    for (double& v : cv::Mat_<double>(map)) {
      v = i % 2 == 0 ? rng.Uniform()
                     : 0.002 * static_cast<double>(rng.UniformInt(501));
      v = std::min(v, 1.0);
    }
    cv::blur(map, map, cv::Size(1 + 2 * i, 1 + 2 * i));
    map = cv::min(map, 1.0);
    const std::vector<Box> truth = {{3, 5, 30, 30}, {20, 1, 33, 20}};
    BoxEvaluator evaluator = BoxEvaluator::Create(options).value();
    ASSERT_THAT(
        evaluator.Accumulate(map, truth, {"x", 0, {}, ObjectSize::kSmall}),
        IsOk());
    const BoxMetrics metrics = evaluator.Compute().value();
    for (size_t t = 0; t < metrics.taus.size(); t += 7) {
      cv::Mat labels, stats, centers;
      const int count = cv::connectedComponentsWithStats(
          map > metrics.taus[t], labels, stats, centers, 8);
      double best = 0;
      for (int c = 1; c < count; ++c) {
        const int x = stats.at<int>(c, cv::CC_STAT_LEFT);
        const int y = stats.at<int>(c, cv::CC_STAT_TOP);
        for (const Box& box : truth) {
          best = std::max(
              best,
              vision::BoxIou({x, y, x + stats.at<int>(c, cv::CC_STAT_WIDTH),
                              y + stats.at<int>(c, cv::CC_STAT_HEIGHT)},
                             box));
        }
      }
      for (size_t iou = 0; iou < 3; ++iou) {
        EXPECT_EQ(metrics.images[0].IsCorrect(BoxMode::kAllContours, iou,
                                              LocalizationKind::kKnownClass, t),
                  best >= options.iou_percents[iou] / 100.0)
            << i << ", " << t;
      }
    }
  }
}

void ExpectSameMetrics(const BoxMetrics& a, const BoxMetrics& b) {
  EXPECT_EQ(a.num_images, b.num_images);
  EXPECT_EQ(a.num_boxes, b.num_boxes);
  EXPECT_EQ(a.max_box_acc, b.max_box_acc);
  EXPECT_EQ(a.max_box_acc_v2, b.max_box_acc_v2);
  for (const BoxMode mode : {BoxMode::kLargestContour, BoxMode::kAllContours}) {
    for (size_t i = 0; i < a.ByIou(mode).size(); ++i) {
      EXPECT_EQ(a.ByIou(mode)[i].correct, b.ByIou(mode)[i].correct);
      EXPECT_EQ(a.ByIou(mode)[i].top1_correct, b.ByIou(mode)[i].top1_correct);
      EXPECT_EQ(a.ByIou(mode)[i].top5_correct, b.ByIou(mode)[i].top5_correct);
    }
  }
  ASSERT_EQ(a.images.size(), b.images.size());
  for (size_t i = 0; i < a.images.size(); ++i) {
    EXPECT_TRUE(a.images[i].info == b.images[i].info);
    EXPECT_TRUE(a.images[i].correct == b.images[i].correct);
    EXPECT_EQ(a.images[i].best_iou, b.images[i].best_iou);
  }
}

TEST(BoxEvaluatorTest, SerializedStatesMergeAsEvaluatorsDo) {
  BoxEvaluatorOptions options;
  options.tau_interval = 0.01;
  options.iou_percents = {20, 50};
  options.keep_images = true;
  BoxEvaluator one = BoxEvaluator::Create(options).value();
  BoxEvaluator parts[] = {BoxEvaluator::Create(options).value(),
                          BoxEvaluator::Create(options).value(),
                          BoxEvaluator::Create(options).value()};
  for (int i = 0; i < 9; ++i) {
    const cv::Mat map = TwoSquares(i / 9.0, 1 - i / 9.0);
    const std::vector<Box> truth = {i % 2 == 0 ? kFirst : kSecond};
    const ImageInfo info = {"image" + std::to_string(i), i, i,
                            ObjectSize::kSmall};
    ASSERT_THAT(one.Accumulate(map, truth, info), IsOk());
    ASSERT_THAT(parts[i % 3].Accumulate(map, truth, info), IsOk());
  }
  BoxEvaluator merged = BoxEvaluator::Create(options).value();
  for (const int i : {2, 0, 1}) {  // Another order.
    const absl::StatusOr<BoxEvaluator> part =
        BoxEvaluator::Parse(parts[i].Serialize());
    ASSERT_THAT(part, IsOk());
    ASSERT_THAT(merged.Merge(*part), IsOk());
  }
  ExpectSameMetrics(merged.Compute().value(), one.Compute().value());
}

TEST(BoxEvaluatorTest, RejectsDamagedStates) {
  BoxEvaluator evaluator = MakeEvaluator();
  ASSERT_THAT(evaluator.Accumulate(TwoSquares(1, 0), {kFirst}, 0), IsOk());
  std::string bytes = evaluator.Serialize();
  EXPECT_THAT(BoxEvaluator::Parse(bytes), IsOk());
  EXPECT_THAT(BoxEvaluator::Parse(""), StatusIs(StatusCode::kDataLoss));
  bytes[20] = static_cast<char>(bytes[20] ^ 4);
  EXPECT_THAT(BoxEvaluator::Parse(bytes),
              StatusIs(StatusCode::kDataLoss, HasSubstr("checksum")));
  // Sound bytes of something else.
  StateWriter writer("BOX1");
  writer.PutDouble(1e-9);
  writer.PutUnsigned(1);
  writer.PutSigned(50);
  writer.PutUnsigned(0);
  writer.PutUnsigned(0);
  EXPECT_THAT(BoxEvaluator::Parse(std::move(writer).Finish()),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("fewer counts than thresholds")));
}

TEST(BoxEvaluatorTest, MergesOnlyWhatIsAlike) {
  BoxEvaluator evaluator = MakeEvaluator();
  BoxEvaluatorOptions options = evaluator.options();
  options.mode = EvaluationMode::kNative;
  EXPECT_THAT(evaluator.Merge(BoxEvaluator::Create(options).value()),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("got mode native and keep_images 0, expected "
                                 "protocol and 0")));
  options = evaluator.options();
  options.keep_images = true;
  EXPECT_THAT(
      evaluator.Merge(BoxEvaluator::Create(options).value()),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("keep_images 1")));
}

}  // namespace
}  // namespace wsol
