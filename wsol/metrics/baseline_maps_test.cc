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

TEST(BaselineMapsTest, CentreOfAnySize) {
  // (2 / 2, 1 / 2) = (1, 0) is the centre; a(0, 0) = -1 is the least.
  const cv::Mat map = CenterBaselineMap(2, 1);
  EXPECT_EQ(map.at<double>(0, 0), 0);
  EXPECT_EQ(map.at<double>(0, 1), 1);
  const cv::Mat large = CenterBaselineMap(500, 375);
  ASSERT_THAT(CheckScoreMap(large), IsOk());
  EXPECT_EQ(large.at<double>(187, 250), 1);
  EXPECT_EQ(large.at<double>(0, 0), 0);
  EXPECT_EQ(CenterBaselineMap(1, 1).at<double>(0, 0), 0);
  EXPECT_EQ(ConstantBaselineMap(3, 2).size(), cv::Size(3, 2));
}

TEST(BaselineMapsTest, NoiseDependsOnSeedAndIdAlone) {
  const cv::Mat map = RandomBaselineMap(1, "a.jpg");
  ASSERT_THAT(CheckFrameScoreMap(map), IsOk());
  EXPECT_NEAR(cv::mean(map)[0], 0.5, 0.01);
  const auto differs = [&map](const cv::Mat& other) {
    return cv::countNonZero(map != other) > 0;
  };
  EXPECT_FALSE(differs(RandomBaselineMap(1, "a.jpg")));
  EXPECT_TRUE(differs(RandomBaselineMap(2, "a.jpg")));
  EXPECT_TRUE(differs(RandomBaselineMap(1, "b.jpg")));
}

}  // namespace
}  // namespace wsol
