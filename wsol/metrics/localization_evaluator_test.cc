#include "wsol/metrics/localization_evaluator.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/parallel_for.h"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/mask_evaluator.h"
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

TEST_F(LocalizationEvaluatorTest, NativeModeWorksAtTheImagesSize) {
  LocalizationEvaluatorOptions options;
  options.SetMode(EvaluationMode::kNative);
  LocalizationEvaluator evaluator =
      LocalizationEvaluator::Create(options).value();
  ASSERT_THAT(evaluator.Accumulate(sample_), IsOk());
  const LocalizationMetrics metrics = evaluator.Compute().value();
  // No pixel is added to the box: the edge is met exactly.
  EXPECT_EQ(metrics.boxes->max_box_acc_v2, 100);
  EXPECT_EQ(metrics.boxes->evaluation_mode, EvaluationMode::kNative);
  EXPECT_EQ(metrics.masks->num_foreground_pixels, 224 * 224);
  EXPECT_EQ(metrics.masks->pxap, 100);
  LocalizationSample sample = sample_;
  sample.mask = cv::Mat::zeros(224, 224, CV_8UC1);
  EXPECT_THAT(evaluator.Accumulate(sample),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("got 224 x 224 pixels of OpenCV type 0, "
                                 "expected 448 x 224")));
  sample.width = 0;
  EXPECT_THAT(evaluator.Accumulate(sample),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("image size: got 0 x 224")));
}

TEST_F(LocalizationEvaluatorTest, BadScoresAreCountedOrRejected) {
  sample_.score_map.at<float>(0, 1) = std::nanf("");
  sample_.score_map.at<float>(1, 1) = 1.5f;
  sample_.score_map.at<float>(1, 0) = std::numeric_limits<float>::infinity();
  LocalizationEvaluator replacing = MakeEvaluator();
  ASSERT_THAT(replacing.Accumulate(sample_), IsOk());
  const ScoreRepairs repairs = replacing.Compute()->repairs;
  EXPECT_EQ(repairs.num_images, 1);
  EXPECT_EQ(repairs.num_nan, 1);
  EXPECT_EQ(repairs.num_infinite, 1);
  EXPECT_EQ(repairs.num_out_of_range, 1);
  LocalizationEvaluatorOptions options;
  options.bad_scores = BadScores::kReject;
  LocalizationEvaluator rejecting =
      LocalizationEvaluator::Create(options).value();
  EXPECT_THAT(rejecting.Accumulate(sample_),
              StatusIs(StatusCode::kInvalidArgument,
                       ::testing::AllOf(HasSubstr("got nan at x = 1, y = 0"),
                                        HasSubstr("a/b.jpg"))));
  EXPECT_THAT(rejecting.Compute(), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(rejecting.Merge(replacing),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("bad_scores")));
}

TEST_F(LocalizationEvaluatorTest, ChecksLabels) {
  LocalizationEvaluatorOptions options;
  options.num_classes = 20;
  LocalizationEvaluator evaluator =
      LocalizationEvaluator::Create(options).value();
  sample_.label = 19;
  EXPECT_THAT(evaluator.Accumulate(sample_), IsOk());
  sample_.label = 20;
  EXPECT_THAT(evaluator.Accumulate(sample_),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("label: got 20, expected -1 or a class in [0, "
                                 "20); image a/b.jpg")));
  sample_.label = -2;
  EXPECT_THAT(evaluator.Accumulate(sample_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("got -2")));
}

TEST_F(LocalizationEvaluatorTest, KeepsTheObjectsSize) {
  LocalizationEvaluatorOptions options;
  options.SetKeepImages(true);
  LocalizationEvaluator evaluator =
      LocalizationEvaluator::Create(options).value();
  // The larger of two boxes covers 1/4 of the image; the mask 1/2.
  const std::vector<Box> boxes = {{0, 0, 10, 10}, {0, 0, 224, 112}};
  sample_.boxes = boxes;
  ASSERT_THAT(evaluator.Accumulate(sample_), IsOk());
  const LocalizationMetrics metrics = evaluator.Compute().value();
  EXPECT_EQ(metrics.boxes->images.at(0).info.size, ObjectSize::kMedium);
  EXPECT_EQ(metrics.masks->images.at(0).info.size, ObjectSize::kLarge);
  EXPECT_EQ(metrics.boxes->num_boxes, 2);
  sample_.id = "";
  EXPECT_THAT(evaluator.Accumulate(sample_),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("image id")));
  EXPECT_EQ(evaluator.Compute()->boxes->num_images, 1);
}

TEST_F(LocalizationEvaluatorTest, ModesMustAgree) {
  LocalizationEvaluatorOptions options;
  options.boxes.mode = EvaluationMode::kNative;
  EXPECT_THAT(LocalizationEvaluator::Create(options),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("native for boxes and protocol for masks")));
  options = {};
  options.num_classes = -1;
  EXPECT_THAT(LocalizationEvaluator::Create(options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("-1")));
}

// Any number of threads, any order, and processes in between give the same.
TEST(LocalizationEvaluatorStreamTest, ThreadsAndOrderDoNotMatter) {
  constexpr int kNumImages = 60;
  for (const EvaluationMode mode :
       {EvaluationMode::kProtocol, EvaluationMode::kNative}) {
    LocalizationEvaluatorOptions options;
    options.SetMode(mode);
    options.SetKeepImages(true);
    options.boxes.tau_interval = options.masks.tau_interval = 0.01;
    const std::vector<Box> boxes = {{5, 8, 30, 40}};
    const auto accumulate = [&](int image, LocalizationEvaluator* evaluator) {
      vision::Rng rng(static_cast<uint64_t>(image));
      LocalizationSample sample;
      sample.id = absl::StrCat("image ", image);
      sample.label = image % 7;
      sample.true_class_rank = image % 9;
      sample.score_map = cv::Mat(6, 5, CV_32FC1);
      for (float& v : cv::Mat_<float>(sample.score_map)) {
        v = rng.Bernoulli(0.02) ? std::nanf("")
                                : static_cast<float>(rng.Uniform());
      }
      sample.width = 50;
      sample.height = 60;
      sample.boxes = boxes;
      sample.mask = cv::Mat::zeros(60, 50, CV_8UC1);
      sample.mask(cv::Rect(5, 8, 25, 32)).setTo(kForegroundLabel);
      return evaluator->Accumulate(sample);
    };
    std::string expected;
    for (const int num_threads : {1, 2, 5}) {
      std::vector<int> order(kNumImages);
      std::iota(order.begin(), order.end(), 0);
      vision::Rng rng(static_cast<uint64_t>(num_threads));
      for (size_t i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[rng.UniformInt(i)]);
      }
      std::vector<LocalizationEvaluator> evaluators(
          static_cast<size_t>(num_threads),
          LocalizationEvaluator::Create(options).value());
      std::vector<absl::Status> statuses(kNumImages);
      vision::ParallelFor(num_threads, num_threads, [&](int64_t thread) {
        for (auto i = static_cast<size_t>(thread); i < order.size();
             i += static_cast<size_t>(num_threads)) {
          statuses[i] =
              accumulate(order[i], &evaluators[static_cast<size_t>(thread)]);
        }
      });
      for (const absl::Status& status : statuses) ASSERT_THAT(status, IsOk());
      LocalizationEvaluator merged =
          LocalizationEvaluator::Create(options).value();
      for (const LocalizationEvaluator& evaluator : evaluators) {
        ASSERT_THAT(
            merged.Merge(
                LocalizationEvaluator::Parse(evaluator.Serialize()).value()),
            IsOk());
      }
      const LocalizationMetrics metrics = merged.Compute().value();
      EXPECT_EQ(metrics.boxes->num_images, kNumImages);
      std::string text = absl::StrCat(
          metrics.boxes->max_box_acc, " ", metrics.boxes->max_box_acc_v2, " ",
          metrics.masks->pxap, " ", metrics.repairs.num_nan, "\n");
      for (const BoxMode box_mode :
           {BoxMode::kLargestContour, BoxMode::kAllContours}) {
        for (const BoxAccuracy& accuracy : metrics.boxes->ByIou(box_mode)) {
          absl::StrAppend(&text, absl::StrJoin(accuracy.correct, " "), "\n",
                          absl::StrJoin(accuracy.top1_correct, " "), "\n",
                          absl::StrJoin(accuracy.top5_correct, " "), "\n");
        }
      }
      for (const BoxImage& image : metrics.boxes->images) {
        absl::StrAppend(&text, image.info.id, image.correct.encoded());
      }
      for (const MaskImage& image : metrics.masks->images) {
        absl::StrAppend(&text, image.info.id, image.histogram.encoded());
      }
      if (num_threads == 1) expected = text;
      EXPECT_TRUE(text == expected) << num_threads << " threads";
    }
  }
}

TEST_F(LocalizationEvaluatorTest, RejectsDamagedStates) {
  LocalizationEvaluator evaluator = MakeEvaluator();
  ASSERT_THAT(evaluator.Accumulate(sample_), IsOk());
  std::string bytes = evaluator.Serialize();
  EXPECT_EQ(LocalizationEvaluator::Parse(bytes)->Compute()->boxes->num_images,
            1);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  EXPECT_THAT(LocalizationEvaluator::Parse(bytes),
              StatusIs(StatusCode::kDataLoss));
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
