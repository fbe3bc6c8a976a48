#include "wsol/metrics/protocol_frame.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/geometry/box.h"

namespace wsol {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;
using ::vision::Box;

TEST(TauListTest, CountsUpByProducts) {
  EXPECT_THAT(TauList(0.25), ElementsAre(0, 0.25, 0.5, 0.75));
  // 1 / 0.3 = 3.33, rounded up.
  EXPECT_THAT(TauList(0.3), ElementsAre(0, 0.3, 2 * 0.3, 3 * 0.3));
  const std::vector<double> taus = TauList(0.001);
  ASSERT_EQ(taus.size(), 1000u);
  // A product, not a sum of steps: 0.118 + 1.4e-17.
  EXPECT_EQ(taus[118], 118 * 0.001);
  EXPECT_EQ(TauList(0.004).size(), 250u);
  EXPECT_EQ(TauList(0.01).size(), 100u);
}

TEST(ValidateTauIntervalTest, WantsAPartitionOfTheUnitInterval) {
  for (const double interval : {0.001, 0.004, 0.01, 0.3, 0.999}) {
    EXPECT_THAT(ValidateTauInterval(interval), IsOk());
  }
  for (const double interval : {0.0, -0.1, 1.0, 2.0, std::nan("")}) {
    EXPECT_THAT(ValidateTauInterval(interval),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr("expected a number in (0, 1)")));
  }
}

TEST(LevelOfTauTest, Truncates) {
  EXPECT_EQ(LevelOfTau(0, 255), 0);
  EXPECT_EQ(LevelOfTau(0.5, 255), 127);    // 127.5
  EXPECT_EQ(LevelOfTau(0.999, 255), 254);  // 254.745
  EXPECT_EQ(LevelOfTau(0.999, 1), 0);
  EXPECT_EQ(LevelOfTau(1, 255), 255);
  EXPECT_EQ(LevelOfTau(0.7, 0), 0);
}

TEST(QuantizeScoreMapTest, Truncates) {
  const cv::Mat map = (cv::Mat_<double>(1, 4) << 0, 0.5, 254.999 / 255, 1);
  const cv::Mat bytes = QuantizeScoreMap(map);
  EXPECT_THAT(std::vector<int>(bytes.begin<uint8_t>(), bytes.end<uint8_t>()),
              ElementsAre(0, 127, 254, 255));
}

TEST(CheckScoreMapTest, AcceptsTheUnitInterval) {
  EXPECT_THAT(CheckScoreMap((cv::Mat_<double>(1, 2) << 0, 1)), IsOk());
  EXPECT_THAT(CheckFrameScoreMap(cv::Mat::zeros(224, 224, CV_64FC1)), IsOk());
}

TEST(CheckScoreMapTest, RejectsWhatTheProtocolRejects) {
  const auto is_invalid = [](const char* text) {
    return StatusIs(StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(CheckScoreMap(cv::Mat()), is_invalid("got none"));
  EXPECT_THAT(CheckScoreMap(cv::Mat::zeros(2, 2, CV_32FC1)),
              is_invalid("got OpenCV type 5, expected CV_64FC1 (6)"));
  EXPECT_THAT(
      CheckScoreMap((cv::Mat_<double>(2, 2) << 0, 0, std::nan(""), 0)),
      is_invalid("got nan at x = 0, y = 1, expected a value in [0, 1]"));
  EXPECT_THAT(CheckScoreMap((cv::Mat_<double>(1, 2) << 0, 1 + 1e-15)),
              is_invalid("at x = 1, y = 0"));
  EXPECT_THAT(CheckScoreMap((cv::Mat_<double>(1, 1) << -1e-300)),
              is_invalid("got -1e-300"));
  EXPECT_THAT(CheckScoreMap((cv::Mat_<double>(1, 1)
                             << std::numeric_limits<double>::infinity())),
              is_invalid("got inf"));
  EXPECT_THAT(CheckFrameScoreMap(cv::Mat::zeros(223, 224, CV_64FC1)),
              is_invalid("got 224 x 223 pixels, expected the protocol's"));
}

TEST(ProtocolBoxTest, IsOneLargerWithinTheImage) {
  // A pixel at (3, 4), boundingRect [3, 4, 1, 1], is inclusive [3, 4, 4, 5].
  EXPECT_EQ(ProtocolBox({3, 4, 4, 5}, 10, 10), (Box{3, 4, 5, 6}));
  EXPECT_EQ(ProtocolBox({3, 4, 10, 9}, 10, 10), (Box{3, 4, 10, 10}));
}

TEST(ScaleBoxTest, MatchesTheProtocolsOwnCases) {
  // Inclusive (1, 2, 4, 3) of 10 x 20 in 35 x 10 is (3, 1, 14, 1).
  EXPECT_EQ(ScaleBox({1, 2, 5, 4}, 10, 20, 35, 10), (Box{3, 1, 15, 2}));
  EXPECT_EQ(ScaleBox({1, 2, 2, 3}, 3, 3, 3, 3), (Box{1, 2, 2, 3}));
}

TEST(BoxToFrameTest, ScalesAsThePublishedCode) {
  // Inclusive (14, 112, 402, 298) of 500 x 347 is (6, 72, 180, 192).
  EXPECT_THAT(BoxToFrame({14, 112, 403, 299}, 500, 347),
              IsOkAndHolds(Box{6, 72, 181, 193}));
}

TEST(BoxToFrameTest, NeverLosesAPixel) {
  EXPECT_THAT(BoxToFrame({999, 0, 1000, 1}, 1000, 1000),
              IsOkAndHolds(Box{223, 0, 224, 1}));
}

TEST(BoxToFrameTest, AcceptsLastColumnsThatEqualTheWidth) {
  // Inclusive (0, 0, 500, 347) of 500 x 347 is (0, 0, 224, 224).
  EXPECT_THAT(BoxToFrame({0, 0, 501, 348}, 500, 347),
              IsOkAndHolds(Box{0, 0, 225, 225}));
}

TEST(BoxToFrameTest, RejectsBoxesOutsideTheImage) {
  for (const Box& box : {Box{2, 2, 2, 4}, Box{-1, 0, 4, 4}, Box{0, 0, 12, 4},
                         Box{0, 0, 4, 22}, Box{4, 4, 1, 1}}) {
    EXPECT_THAT(BoxToFrame(box, 10, 20),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr("all within the image of 10 x 20 pixels")))
        << box;
  }
}

TEST(BoxFromFrameTest, RoundsToTheNearestEdge) {
  EXPECT_EQ(BoxFromFrame({0, 0, 224, 224}, 500, 375), (Box{0, 0, 500, 375}));
  EXPECT_EQ(BoxFromFrame({56, 112, 168, 113}, 448, 224),
            (Box{112, 112, 336, 113}));
  EXPECT_EQ(BoxFromFrame({223, 0, 224, 1}, 3, 3), (Box{2, 0, 3, 1}));
}

TEST(MakeFrameMaskTest, MatchesTheGoldenCounts) {
  // Section 14.5 of the behaviour specification: 448 x 448 masks.
  cv::Mat m1 = cv::Mat::zeros(448, 448, CV_8UC1), m2 = m1.clone(),
          ignore = m1.clone();
  m1(cv::Range(100, 300), cv::Range(120, 330)).setTo(255);
  m2(cv::Range(20, 60), cv::Range(20, 60)).setTo(255);
  ignore(cv::Range(280, 400), cv::Range(280, 420)).setTo(255);
  const cv::Mat mask =
      MakeFrameMask(std::vector<cv::Mat>{m1, m2}, ignore).value();
  EXPECT_EQ(cv::countNonZero(mask == kBackgroundLabel), 35326);
  EXPECT_EQ(cv::countNonZero(mask == kForegroundLabel), 10900);
  EXPECT_EQ(cv::countNonZero(mask == kIgnoredLabel), 3950);
}

TEST(MakeFrameMaskTest, ForegroundWinsAndSizesMayDiffer) {
  const cv::Mat small(1, 1, CV_8UC1, cv::Scalar(1));
  const cv::Mat large(500, 300, CV_8UC1, cv::Scalar(255));
  const cv::Mat mask =
      MakeFrameMask(std::vector<cv::Mat>{small}, large).value();
  EXPECT_EQ(cv::countNonZero(mask == kForegroundLabel), 224 * 224);
}

TEST(MakeFrameMaskTest, RejectsWhatIsNoMask) {
  EXPECT_THAT(MakeFrameMask({}, cv::Mat()),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("got no instance, expected at least one")));
  EXPECT_THAT(
      MakeFrameMask(std::vector<cv::Mat>{cv::Mat::zeros(2, 2, CV_64FC1)}, {}),
      StatusIs(StatusCode::kInvalidArgument));
}

TEST(CheckFrameMaskTest, NamesTheBadLabel) {
  cv::Mat mask = cv::Mat::zeros(224, 224, CV_8UC1);
  EXPECT_THAT(CheckFrameMask(mask), IsOk());
  mask.at<uint8_t>(2, 3) = 254;
  EXPECT_THAT(CheckFrameMask(mask),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("got label 254 at x = 3, y = 2, expected 0")));
  EXPECT_THAT(CheckFrameMask(cv::Mat::zeros(2, 3, CV_8UC1)),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("got 3 x 2")));
}

}  // namespace
}  // namespace wsol
