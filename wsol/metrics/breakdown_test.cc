#include "wsol/metrics/breakdown.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr BoxMode kV2 = BoxMode::kAllContours;
constexpr LocalizationKind kKnown = LocalizationKind::kKnownClass;

ImageInfo InfoOf(const std::string& id, int label, ObjectSize size) {
  ImageInfo info;
  info.id = id;
  info.label = label;
  info.size = size;
  return info;
}

// Images d, c, b, a with labels 0, 1, 0, 1; a square of `value` where the box
// is, and one of 1 elsewhere.
BoxMetrics FourImages(bool keep_images) {
  BoxEvaluatorOptions options;
  options.tau_interval = 0.25;
  options.keep_images = keep_images;
  BoxEvaluator evaluator = BoxEvaluator::Create(options).value();
  for (int i = 0; i < 4; ++i) {
    cv::Mat map = cv::Mat::zeros(kFrameSize, kFrameSize, CV_64FC1);
    map(cv::Rect(10, 10, 20, 20)).setTo(0.2 + 0.2 * i);
    map(cv::Rect(100, 100, 10, 10)).setTo(1);
    EXPECT_THAT(evaluator.Accumulate(
                    map, {{10, 10, 31, 31}},
                    InfoOf(std::string(1, static_cast<char>('d' - i)), i % 2,
                           i == 0 ? ObjectSize::kSmall : ObjectSize::kLarge)),
                IsOk());
  }
  return evaluator.Compute().value();
}

TEST(BreakdownTest, GroupsBoxesByClassAndSize) {
  const BoxMetrics metrics = FourImages(true);
  // Squares of .2, .4, .6, .8 are there at thresholds up to 0, .25, .5, .75.
  EXPECT_THAT(CorrectImages(metrics, kV2, 50, kKnown, 0.5),
              testing::IsOkAndHolds(ElementsAre(true, true, false, false)));
  const std::vector<BoxGroup> classes =
      BoxesByClass(metrics, kV2, 50, kKnown, 0.25).value();
  ASSERT_EQ(classes.size(), 2u);
  EXPECT_EQ(classes[0].key, 0);
  EXPECT_EQ(classes[0].num_images, 2);
  EXPECT_EQ(classes[0].num_correct, 1);
  EXPECT_EQ(classes[0].accuracy, 50);
  EXPECT_EQ(classes[1].accuracy, 100);
  const std::vector<BoxGroup> sizes =
      BoxesBySize(metrics, kV2, 50, kKnown, 0.25).value();
  ASSERT_EQ(sizes.size(), 2u);  // No image of a medium object.
  EXPECT_EQ(sizes[0].key, static_cast<int>(ObjectSize::kSmall));
  EXPECT_EQ(sizes[0].accuracy, 0);
  EXPECT_EQ(sizes[1].num_images, 3);
  EXPECT_EQ(sizes[1].num_correct, 3);
}

TEST(BreakdownTest, GroupsAddUpToTheCurve) {
  const BoxMetrics metrics = FourImages(true);
  for (const BoxMode mode : {BoxMode::kLargestContour, kV2}) {
    for (size_t t = 0; t < metrics.taus.size(); ++t) {
      int64_t sum = 0;
      const std::vector<BoxGroup> groups =
          BoxesByClass(metrics, mode, 30, kKnown, metrics.taus[t]).value();
      for (const BoxGroup& group : groups) {
        sum += group.num_correct;
      }
      EXPECT_EQ(sum, metrics.Find(mode, 30)->correct[t]);
    }
  }
}

TEST(BreakdownTest, NeedsImages) {
  const BoxMetrics metrics = FourImages(false);
  EXPECT_THAT(BoxesByClass(metrics, kV2, 50, kKnown, 0.25),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("got 0 images of 4")));
  const BoxMetrics kept = FourImages(true);
  EXPECT_THAT(BoxesBySize(kept, kV2, 55, kKnown, 0.25),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("55")));
  EXPECT_THAT(BoxesBySize(kept, kV2, 50, LocalizationKind::kTop1, 0.25),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("top-1")));
}

TEST(BreakdownTest, GroupsMasks) {
  MaskEvaluatorOptions options;
  options.tau_interval = 0.25;
  options.keep_images = true;
  MaskEvaluator evaluator = MaskEvaluator::Create(options).value();
  cv::Mat map = cv::Mat::zeros(kFrameSize, kFrameSize, CV_64FC1);
  cv::Mat mask = cv::Mat::zeros(kFrameSize, kFrameSize, CV_8UC1);
  map.rowRange(0, 112).setTo(0.6);
  ASSERT_THAT(
      evaluator.Accumulate(map, mask, InfoOf("empty", 5, ObjectSize::kSmall)),
      IsOk());
  mask.rowRange(0, 112).setTo(kForegroundLabel);
  ASSERT_THAT(
      evaluator.Accumulate(map, mask, InfoOf("right", 3, ObjectSize::kLarge)),
      IsOk());
  cv::Mat half = map.clone();
  half.rowRange(0, 56).setTo(0);
  ASSERT_THAT(
      evaluator.Accumulate(half, mask, InfoOf("half", 4, ObjectSize::kLarge)),
      IsOk());
  const MaskMetrics metrics = evaluator.Compute().value();
  const std::vector<MaskGroup> classes = MasksByClass(metrics).value();
  ASSERT_EQ(classes.size(), 3u);
  EXPECT_EQ(classes[0].key, 3);
  EXPECT_EQ(classes[0].metrics.pxap, 100);
  EXPECT_EQ(classes[1].metrics.best_iou, 0.5);
  EXPECT_EQ(classes[2].key, 5);
  EXPECT_EQ(classes[2].metrics.num_images, 1);
  EXPECT_EQ(classes[2].metrics.num_foreground_pixels, 0);
  EXPECT_EQ(classes[2].metrics.num_background_pixels, 224 * 224);
  const std::vector<MaskGroup> sizes = MasksBySize(metrics).value();
  ASSERT_EQ(sizes.size(), 2u);
  EXPECT_EQ(sizes[1].metrics.num_images, 2);
  // Images by id: empty, half, right.
  const PrecisionRecall point =
      MaskImageAt(metrics, metrics.images[1], 0.25).value();
  EXPECT_EQ(point.precision, 1);
  EXPECT_EQ(point.recall, 0.5);
  EXPECT_EQ(point.iou, 0.5);
  EXPECT_EQ(point.f1, 2 * 0.5 / 1.5);
  EXPECT_EQ(MaskImageAt(metrics, metrics.images[0], 0.5)->iou, 0);
  EXPECT_THAT(MaskImageAt(metrics, metrics.images[0], 0.1),
              StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace wsol
