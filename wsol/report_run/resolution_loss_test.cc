#include "wsol/report_run/resolution_loss.h"

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "testing/status_matchers.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

cv::Mat Disc(int x, int y, int radius) {
  cv::Mat mask(kFrameSize, kFrameSize, CV_8UC1, cv::Scalar(0));
  cv::circle(mask, cv::Point(x, y), radius, cv::Scalar(kForegroundLabel),
             cv::FILLED);
  return mask;
}

TEST(LoseResolutionTest, TakesMeansOrMiddles) {
  cv::Mat map(kFrameSize, kFrameSize, CV_64FC1, cv::Scalar(0));
  // One of the 4 x 4 pixels of a block, its pixel (2, 2).
  map.at<double>(102, 50) = 1;
  const absl::StatusOr<cv::Mat> mean =
      LoseResolution(map, 4, Downscaling::kMean);
  const absl::StatusOr<cv::Mat> nearest =
      LoseResolution(map, 4, Downscaling::kNearest);
  ASSERT_THAT(mean, IsOk());
  ASSERT_THAT(nearest, IsOk());
  // The block's centre lies between pixels: those next to it are an eighth of
  // a block away on either axis, (1 - 1/8)^2 of the block's value.
  EXPECT_DOUBLE_EQ(mean->at<double>(101, 49), 49.0 / 64 / 16);
  EXPECT_DOUBLE_EQ(nearest->at<double>(101, 49), 49.0 / 64);
  EXPECT_EQ(mean->at<double>(0, 0), 0);
}

TEST(LoseResolutionTest, LeavesConstantMapsAndFactorOneAlone) {
  const cv::Mat ones(kFrameSize, kFrameSize, CV_64FC1, cv::Scalar(1));
  for (const int factor : {1, 2, 32, 224}) {
    for (const Downscaling how : {Downscaling::kMean, Downscaling::kNearest}) {
      const absl::StatusOr<cv::Mat> back = LoseResolution(ones, factor, how);
      ASSERT_THAT(back, IsOk());
      EXPECT_LT(cv::norm(*back, ones, cv::NORM_INF), 1e-12);
    }
  }
}

TEST(LoseResolutionTest, RejectsWhatIsNotOfTheFrame) {
  EXPECT_THAT(
      LoseResolution(cv::Mat::zeros(8, 8, CV_64FC1), 2, Downscaling::kMean),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("a map of 8x8 pixels")));
  EXPECT_THAT(
      LoseResolution(cv::Mat::zeros(224, 224, CV_64FC1), 3, Downscaling::kMean),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the factor 3")));
}

TEST(SimulateResolutionTest, CostsMoreTheSmallerTheMap) {
  const std::vector<cv::Mat> masks = {Disc(100, 90, 40), Disc(40, 150, 13)};
  const absl::StatusOr<MaskResolutionLoss> loss =
      SimulateMaskResolution(masks, 2);
  ASSERT_THAT(loss, IsOk());
  for (const auto& curve : {loss->pxap_of_mean, loss->pxap_of_nearest}) {
    EXPECT_GT(curve[0], 99);
    EXPECT_LT(curve[4], 98);
    for (size_t k = 1; k < curve.size(); ++k) EXPECT_LT(curve[k], curve[k - 1]);
  }
  // Means know where in the block the edge was.
  for (size_t k = 0; k < kResolutionFactors.size(); ++k) {
    EXPECT_GE(loss->pxap_of_mean[k], loss->pxap_of_nearest[k]);
  }
}

TEST(SimulateResolutionTest, BoxesOnTheGridOfBlocksAndOffIt) {
  const absl::StatusOr<BoxResolutionLoss> loss = SimulateBoxResolution(
      {{vision::Box{64, 32, 160, 128}}, {vision::Box{71, 9, 90, 29}}}, 2);
  ASSERT_THAT(loss, IsOk());
  EXPECT_EQ(loss->at_50[0], 100);
  EXPECT_EQ(loss->at_90[0], 100);
  for (size_t k = 0; k < kResolutionFactors.size(); ++k) {
    EXPECT_GE(loss->at_50[k], loss->at_70[k]);
    EXPECT_GE(loss->at_70[k], loss->at_90[k]);
  }
  // Some 20 pixels are less than a block of 32: its box comes out larger.
  EXPECT_LT(loss->at_90[4], 100);
}

TEST(SimulateResolutionTest, DoesNotDependOnThreads) {
  const std::vector<cv::Mat> masks = {Disc(100, 90, 40)};
  const absl::StatusOr<MaskResolutionLoss> one =
      SimulateMaskResolution(masks, 1);
  const absl::StatusOr<MaskResolutionLoss> many =
      SimulateMaskResolution(masks, 5);
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(many, IsOk());
  EXPECT_EQ(one->pxap_of_mean, many->pxap_of_mean);
}

TEST(SimulateResolutionTest, NeedsSomethingToLose) {
  EXPECT_THAT(SimulateMaskResolution({}, 1),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(SimulateBoxResolution({}, 1),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace wsol
