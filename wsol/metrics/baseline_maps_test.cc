#include "wsol/metrics/baseline_maps.h"

#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

using ::testing::IsOk;

TEST(BaselineMapsTest, CenterPeaksAtPixel112) {
  const cv::Mat map = CenterBaselineMap();
  ASSERT_THAT(CheckFrameScoreMap(map), IsOk());
  EXPECT_EQ(map.at<double>(112, 112), 1);
  EXPECT_EQ(map.at<double>(0, 0), 0);
  // (25088 - (12^2 + 100^2)) / 25088, x = 124, y = 12.
  EXPECT_EQ(map.at<double>(12, 124), 14944.0 / 25088);
}

TEST(BaselineMapsTest, ConstantIsOneHalf) {
  const cv::Mat map = ConstantBaselineMap();
  ASSERT_THAT(CheckFrameScoreMap(map), IsOk());
  EXPECT_EQ(cv::countNonZero(map == 0.5), 224 * 224);
}

}  // namespace
}  // namespace wsol
