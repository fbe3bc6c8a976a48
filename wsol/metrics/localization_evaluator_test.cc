#include "wsol/metrics/localization_evaluator.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::vision::Box;

LocalizationEvaluator MakeEvaluator() {
  return LocalizationEvaluator::Create(LocalizationEvaluatorOptions()).value();
}

// The object fills the left half of a 448 x 224 image.
class LocalizationEvaluatorTest : public ::testing::Test {
 protected:
  LocalizationEvaluatorTest() {
    sample_.id = "a/b.jpg";
    sample_.score_map = cv::Mat::zeros(2, 2, CV_32FC1);
    sample_.score_map.col(0).setTo(1);
    sample_.width = 448;
    sample_.height = 224;
    sample_.boxes = boxes_;
    sample_.mask = cv::Mat::zeros(224, 448, CV_8UC1);
    sample_.mask.colRange(0, 224).setTo(kForegroundLabel);
  }

  const std::vector<Box> boxes_ = {{0, 0, 224, 224}};
  LocalizationSample sample_;
};

TEST_F(LocalizationEvaluatorTest, EvaluatesBoxesAndMasksOfAnImage) {
  LocalizationEvaluator evaluator = MakeEvaluator();
  ASSERT_THAT(evaluator.Accumulate(sample_), IsOk());
  const LocalizationMetrics metrics = evaluator.Compute().value();
  // The map falls from left to right, so its best threshold is the true edge:
  // a box of the 112 true columns and one more, and every pixel in order.
  EXPECT_EQ(metrics.boxes->max_box_acc, 100);
  EXPECT_EQ(metrics.boxes->max_box_acc_v2, 100);
  EXPECT_EQ(metrics.masks->pxap, 100);
  EXPECT_EQ(metrics.masks->num_foreground_pixels, 224 * 112);
  EXPECT_EQ(metrics.masks->best_iou, 1);
}

TEST_F(LocalizationEvaluatorTest, ReportsOnlyWhatHasGroundTruth) {
  LocalizationEvaluator only_boxes = MakeEvaluator(),
                        only_masks = MakeEvaluator();
  LocalizationSample sample = sample_;
  sample.mask = cv::Mat();
  ASSERT_THAT(only_boxes.Accumulate(sample), IsOk());
  EXPECT_TRUE(only_boxes.Compute()->boxes.has_value());
  EXPECT_FALSE(only_boxes.Compute()->masks.has_value());
  sample = sample_;
  sample.boxes = {};
  sample.width = sample.height = 0;  // Not needed.
  ASSERT_THAT(only_masks.Accumulate(sample), IsOk());
  EXPECT_FALSE(only_masks.Compute()->boxes.has_value());
  EXPECT_TRUE(only_masks.Compute()->masks.has_value());
  ASSERT_THAT(only_masks.Merge(only_boxes), IsOk());
  EXPECT_TRUE(only_masks.Compute()->boxes.has_value());
}

TEST_F(LocalizationEvaluatorTest, OrderAndPartitionDoNotMatter) {
  LocalizationEvaluator forward = MakeEvaluator(), a = MakeEvaluator(),
                        b = MakeEvaluator();
  std::vector<LocalizationSample> samples(5, sample_);
  for (int i = 0; i < 5; ++i) {
    samples[static_cast<size_t>(i)].score_map =
        (cv::Mat_<double>(2, 2) << i / 4.0, 0.5, 1 - i / 4.0, 0.1);
    samples[static_cast<size_t>(i)].true_class_rank = i;
    ASSERT_THAT(forward.Accumulate(samples[static_cast<size_t>(i)]), IsOk());
  }
  for (size_t i = 5; i-- > 0;) {
    ASSERT_THAT((i % 2 == 0 ? a : b).Accumulate(samples[i]), IsOk());
  }
  ASSERT_THAT(a.Merge(b), IsOk());
  const LocalizationMetrics expected = forward.Compute().value();
  const LocalizationMetrics merged = a.Compute().value();
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(merged.boxes->all_contours[i].correct,
              expected.boxes->all_contours[i].correct);
    EXPECT_EQ(merged.boxes->largest_contour[i].top5_correct,
              expected.boxes->largest_contour[i].top5_correct);
  }
  EXPECT_EQ(merged.masks->pxap, expected.masks->pxap);
}

TEST_F(LocalizationEvaluatorTest, ErrorsNameTheImageAndCountNothing) {
  LocalizationEvaluator evaluator = MakeEvaluator();
  const auto is_invalid = [](const char* text) {
    return StatusIs(StatusCode::kInvalidArgument,
                    ::testing::AllOf(HasSubstr(text), HasSubstr("a/b.jpg")));
  };
  LocalizationSample sample = sample_;
  sample.boxes = {};
  sample.mask = cv::Mat();
  EXPECT_THAT(evaluator.Accumulate(sample), is_invalid("ground truth"));
  sample = sample_;
  sample.width = 100;
  EXPECT_THAT(evaluator.Accumulate(sample), is_invalid("100 x 224 pixels"));
  sample = sample_;
  sample.mask = cv::Mat(224, 448, CV_8UC1, cv::Scalar(7));
  EXPECT_THAT(evaluator.Accumulate(sample), is_invalid("got label 7"));
  sample = sample_;
  sample.score_map = cv::Mat::zeros(3, 3, CV_8UC1);
  EXPECT_THAT(evaluator.Accumulate(sample), is_invalid("CV_32FC1"));
  sample.score_map = cv::Mat();
  EXPECT_THAT(evaluator.Accumulate(sample), is_invalid("got 0 x 0 pixels"));
  EXPECT_THAT(evaluator.Compute(), StatusIs(StatusCode::kFailedPrecondition,
                                            HasSubstr("got no image")));
}

TEST_F(LocalizationEvaluatorTest, AFailedMergeChangesNothing) {
  LocalizationEvaluator evaluator = MakeEvaluator();
  ASSERT_THAT(evaluator.Accumulate(sample_), IsOk());
  LocalizationEvaluatorOptions options;
  options.masks.tau_interval = 0.1;
  LocalizationEvaluator other = LocalizationEvaluator::Create(options).value();
  ASSERT_THAT(other.Accumulate(sample_), IsOk());
  EXPECT_THAT(evaluator.Merge(other), StatusIs(StatusCode::kInvalidArgument,
                                               HasSubstr("mask evaluators")));
  EXPECT_EQ(evaluator.Compute()->boxes->num_images, 1);
  options.boxes.tau_interval = 2;
  EXPECT_THAT(LocalizationEvaluator::Create(options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("got 2")));
}

TEST(ScoreMapToFrameTest, InterpolatesBilinearly) {
  const cv::Mat map = ScoreMapToFrame((cv::Mat_<float>(1, 2) << 0, 1)).value();
  ASSERT_THAT(CheckFrameScoreMap(map), IsOk());
  // Column x lies at (x + 1/2) * 2 / 224 - 1/2: below 0 up to 55, above 1 from
  // 168 on; column 84 at 0.254...
  EXPECT_EQ(map.at<double>(7, 55), 0);
  EXPECT_EQ(map.at<double>(7, 168), 1);
  EXPECT_NEAR(map.at<double>(7, 84), 84.5 / 112 - 0.5, 1e-6);  // float32
}

TEST(ScoreMapToFrameTest, KeepsMapsOfTheFrame) {
  cv::Mat map(224, 224, CV_64FC1);
  for (int i = 0; i < 224 * 224; ++i) {
    map.ptr<double>()[i] = (i * 37 % 1000) / 999.0;
  }
  EXPECT_EQ(cv::countNonZero(ScoreMapToFrame(map).value() != map), 0);
}

TEST(ScoreMapToFrameTest, ReplacesWhatIsNoScore) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  cv::Mat map = cv::Mat::zeros(224, 224, CV_32FC1);
  map.at<float>(0, 0) = std::nanf("");
  map.at<float>(0, 1) = kInf;
  map.at<float>(0, 2) = -kInf;
  map.at<float>(0, 3) = 1 + 1e-6f;
  map.at<float>(0, 4) = -1e-6f;
  const cv::Mat copy = map.clone();
  const cv::Mat frame = ScoreMapToFrame(map).value();
  ASSERT_THAT(CheckFrameScoreMap(frame), IsOk());
  EXPECT_EQ(frame.at<double>(0, 0), 0);
  EXPECT_EQ(frame.at<double>(0, 1), 1);
  EXPECT_EQ(frame.at<double>(0, 2), 0);
  EXPECT_EQ(frame.at<double>(0, 3), 1);
  EXPECT_EQ(frame.at<double>(0, 4), 0);
  EXPECT_TRUE(std::isnan(map.at<float>(0, 0)));  // The caller's is unchanged.
}

}  // namespace
}  // namespace wsol
