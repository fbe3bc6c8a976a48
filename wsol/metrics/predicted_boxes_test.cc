#include "wsol/metrics/predicted_boxes.h"

#include <cmath>
#include <string>
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

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;
using ::testing::UnorderedElementsAre;
using ::vision::Box;

// A box as the protocol writes it, with its last column and row.
Box Inclusive(int x0, int y0, int x1, int y1) {
  return {x0, y0, x1 + 1, y1 + 1};
}

// The boxes of the largest contour at tau = 0, 0.2, 0.4, 0.6 and 0.8.
std::vector<Box> LargestBoxes(const cv::Mat& map) {
  std::vector<Box> boxes;
  for (int i = 0; i < 5; ++i) {
    boxes.push_back(
        PredictBoxes(map, i * 0.2, BoxMode::kLargestContour).value().at(0));
  }
  return boxes;
}

TEST(PredictBoxesTest, MatchesTheProtocolsOwnCases) {
  EXPECT_THAT(LargestBoxes(cv::Mat::zeros(3, 3, CV_64FC1)),
              ElementsAre(Inclusive(0, 0, 0, 0), Inclusive(0, 0, 0, 0),
                          Inclusive(0, 0, 0, 0), Inclusive(0, 0, 0, 0),
                          Inclusive(0, 0, 0, 0)));
  EXPECT_THAT(LargestBoxes((cv::Mat_<double>(4, 5) << 0, 0, 0, 0, 0,  //
                            0, .4, .4, .4, .6,                        //
                            0, .4, 1, .8, .6,                         //
                            0, .4, .4, .4, .6)),
              ElementsAre(Inclusive(1, 1, 4, 3), Inclusive(1, 1, 4, 3),
                          Inclusive(2, 1, 4, 3), Inclusive(2, 2, 4, 3),
                          Inclusive(2, 2, 3, 3)));
  EXPECT_THAT(LargestBoxes((cv::Mat_<double>(4, 5) << .4, 0, .2, .2, .2,  //
                            .4, .4, 0, .4, 0,                             //
                            0, 0, 0, .4, 0,                               //
                            1, .6, .8, .2, .2)),
              ElementsAre(Inclusive(0, 0, 4, 3), Inclusive(0, 0, 2, 2),
                          Inclusive(0, 3, 3, 3), Inclusive(2, 3, 3, 3),
                          Inclusive(0, 3, 1, 3)));
}

// The map of section 14.4 of the behaviour specification.
cv::Mat TwoGaussians() {
  cv::Mat map(224, 224, CV_64FC1);
  const auto square = [](double v) { return v * v; };
  for (int y = 0; y < 224; ++y) {
    for (int x = 0; x < 224; ++x) {
      map.at<double>(y, x) = std::max(
          std::exp(-(square((x - 60) / 20.0) + square((y - 80) / 30.0))),
          .7 *
              std::exp(-(square((x - 170) / 15.0) + square((y - 150) / 25.0))));
    }
  }
  double low = 0, high = 0;
  cv::minMaxLoc(map, &low, &high);
  for (double& v : cv::Mat_<double>(map)) v = (v - low) / (high - low);
  return map;
}

TEST(PredictBoxesTest, MatchesThePublishedCodeOnTwoObjects) {
  const cv::Mat map = TwoGaussians();
  struct Case {
    double tau;
    std::vector<Box> all;
    Box largest;
  };
  const std::vector<Case> cases = {
      {0,
       {Inclusive(136, 94, 205, 207), Inclusive(13, 10, 108, 151)},
       Inclusive(13, 10, 108, 151)},
      {.1,
       {Inclusive(150, 116, 191, 185), Inclusive(30, 35, 91, 126)},
       Inclusive(30, 35, 91, 126)},
      {.25,
       {Inclusive(155, 125, 186, 176), Inclusive(37, 45, 84, 116)},
       Inclusive(37, 45, 84, 116)},
      {.5,
       {Inclusive(162, 136, 179, 165), Inclusive(44, 56, 77, 105)},
       Inclusive(44, 56, 77, 105)},
      {.7, {Inclusive(49, 63, 72, 98)}, Inclusive(49, 63, 72, 98)},
      {.9, {Inclusive(54, 71, 67, 90)}, Inclusive(54, 71, 67, 90)},
      {.999, {Inclusive(60, 80, 61, 81)}, Inclusive(60, 80, 61, 81)}};
  for (const Case& c : cases) {
    EXPECT_THAT(PredictBoxes(map, c.tau, BoxMode::kAllContours),
                IsOkAndHolds(::testing::UnorderedElementsAreArray(c.all)))
        << c.tau;
    EXPECT_THAT(PredictBoxes(map, c.tau, BoxMode::kLargestContour),
                IsOkAndHolds(ElementsAre(c.largest)))
        << c.tau;
  }
}

TEST(PredictBoxesTest, RejectsBadMapsAndThresholds) {
  cv::Mat map = cv::Mat::zeros(3, 3, CV_64FC1);
  for (const double tau : {-0.1, 1.1, std::nan("")}) {
    EXPECT_THAT(PredictBoxes(map, tau, BoxMode::kAllContours),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("expected a number in [0, 1]")));
  }
  map.at<double>(1, 1) = std::nan("");
  EXPECT_THAT(PredictBoxes(map, 0.5, BoxMode::kLargestContour),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nan")));
}

TEST(BestMatchTest, FindsTheFirstBestPair) {
  const std::vector<Box> predicted = {{0, 0, 2, 2}, {4, 4, 6, 6}, {4, 4, 6, 6}};
  const std::vector<Box> truth = {{9, 9, 10, 10}, {4, 4, 6, 8}};
  const BoxMatch match = BestMatch(predicted, truth);
  EXPECT_EQ(match.iou, 0.5);
  EXPECT_EQ(match.predicted, 1u);
  EXPECT_EQ(match.truth, 1u);
  EXPECT_EQ(BestMatch({}, truth).iou, 0);
}

}  // namespace
}  // namespace wsol
