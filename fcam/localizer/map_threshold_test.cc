#include "fcam/localizer/map_threshold.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/level_boxes.h"
#include "wsol/metrics/protocol_frame.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::vision::Box;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

cv::Mat Map(int rows, int cols, const std::vector<float>& values) {
  cv::Mat map(rows, cols, CV_32FC1);
  for (int i = 0; i < rows * cols; ++i) {
    map.at<float>(i / cols, i % cols) = values.at(static_cast<size_t>(i));
  }
  return map;
}

TEST(ThresholdMapTest, ComparesBytesWithTauTimesTheLargest) {
  // Bytes: 0.1 -> 25, 0.2 -> 51, 0.4 -> 102, 0.8 -> 204.
  const cv::Mat map = Map(1, 4, {0.1f, 0.2f, 0.4f, 0.8f});
  // trunc(0.25 * 204) = 51: the byte 51 is not above it.
  const auto quarter = ThresholdMap(map, 0.25);
  ASSERT_THAT(quarter, IsOk());
  EXPECT_EQ(quarter->level, 51);
  EXPECT_EQ(quarter->tau, 0.25);
  EXPECT_EQ(quarter->mask.type(), CV_8UC1);
  EXPECT_EQ(quarter->mask.at<uint8_t>(0, 1), 0);
  EXPECT_EQ(quarter->mask.at<uint8_t>(0, 2), 255);
  // trunc(0.24 * 204) = 48.
  const auto less = ThresholdMap(map, 0.24);
  ASSERT_THAT(less, IsOk());
  EXPECT_EQ(cv::countNonZero(less->mask), 3);
  const auto zero = ThresholdMap(map, 0);
  ASSERT_THAT(zero, IsOk());
  EXPECT_EQ(cv::countNonZero(zero->mask), 4);
}

TEST(ThresholdMapTest, ClampsAndTakesNanForZero) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto result = ThresholdMap(Map(1, 4, {nan, -1, 2, 1}), 0.5);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(cv::countNonZero(result->mask), 2);
  EXPECT_EQ(result->level, 127);
}

TEST(ThresholdMapTest, AMapOfZerosHasNoForeground) {
  const cv::Mat zeros = cv::Mat::zeros(3, 2, CV_32FC1);
  for (const auto& result : {ThresholdMap(zeros, 0), OtsuThresholdMap(zeros)}) {
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(cv::countNonZero(result->mask), 0);
  }
}

TEST(OtsuThresholdMapTest, SplitsTwoLevelsAndItsTauGivesThemAgain) {
  const cv::Mat map = Map(2, 3, {0.1f, 0.1f, 0.1f, 0.1f, 0.7f, 0.8f});
  const auto result = OtsuThresholdMap(map);
  ASSERT_THAT(result, IsOk());
  // Bytes 25 (four times), 178, 204. At level 25 the classes' means are 25 and
  // 191, at 178 they are 55.6 and 204: 4 * 2 * 166^2 against 5 * 1 * 148^2.
  EXPECT_EQ(result->level, 25);
  EXPECT_EQ(cv::countNonZero(result->mask), 2);
}

TEST(OtsuThresholdMapTest, TauIsThatOfThresholdMap) {
  vision::Rng rng(7);
  for (int round = 0; round < 200; ++round) {
    cv::Mat map(5, 7, CV_32FC1);
    const double scale = rng.Uniform();
    for (float& value : cv::Mat_<float>(map)) {
      value = static_cast<float>(scale * rng.Uniform());
    }
    const auto otsu = OtsuThresholdMap(map);
    ASSERT_THAT(otsu, IsOk());
    const auto fixed = ThresholdMap(map, otsu->tau);
    ASSERT_THAT(fixed, IsOk());
    EXPECT_EQ(fixed->level, otsu->level);
    EXPECT_EQ(cv::countNonZero(fixed->mask != otsu->mask), 0);
  }
}

TEST(FindBoxesTest, TightBoxesLargestFirst) {
  // 8-connected: the diagonal neighbours are one component.
  const cv::Mat map = Map(4, 5, {0.5f, 0,    0, 0, 1,  //
                                 0,    0.7f, 0, 0, 1,  //
                                 0,    0,    0, 0, 1,  //
                                 1,    0,    0, 0, 0});
  const auto all = FindBoxes(map > 0, map, BoxSelection::kAll, 0);
  ASSERT_THAT(all, IsOk());
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ((*all)[0].box, (Box{4, 0, 5, 3}));
  EXPECT_EQ((*all)[0].pixels, 3);
  EXPECT_EQ((*all)[0].score, 1);
  EXPECT_EQ((*all)[1].box, (Box{0, 0, 2, 2}));
  EXPECT_EQ((*all)[1].pixels, 2);
  EXPECT_NEAR((*all)[1].score, 0.6, 1e-6);
  EXPECT_EQ((*all)[2].box, (Box{0, 3, 1, 4}));
  const auto largest = FindBoxes(map > 0, map, BoxSelection::kLargest, 0);
  ASSERT_THAT(largest, IsOk());
  ASSERT_EQ(largest->size(), 1u);
  EXPECT_EQ((*largest)[0].box, (*all)[0].box);
  // Of 20 pixels a tenth are two.
  const auto large = FindBoxes(map > 0, map, BoxSelection::kAll, 0.1);
  ASSERT_THAT(large, IsOk());
  EXPECT_EQ(large->size(), 2u);
  const auto none = FindBoxes(map > 0, map, BoxSelection::kLargest, 0.2);
  ASSERT_THAT(none, IsOk());
  EXPECT_TRUE(none->empty());
}

TEST(FindBoxesTest, OfEqualsTheFirstInRasterOrderComesFirst) {
  // The right one begins in row 0, the left one in row 1: one block for OpenCV.
  const cv::Mat map = Map(3, 5,
                          {0, 0, 0, 1, 1,  //
                           1, 1, 0, 0, 0,  //
                           0, 0, 0, 0, 0});
  const auto boxes = FindBoxes(map > 0, map, BoxSelection::kAll, 0);
  ASSERT_THAT(boxes, IsOk());
  ASSERT_EQ(boxes->size(), 2u);
  EXPECT_EQ((*boxes)[0].box, (Box{3, 0, 5, 1}));
}

TEST(FindBoxesTest, AreThoseOfTheMetrics) {
  vision::Rng rng(3);
  wsol::LevelBoxes oracle;
  for (int round = 0; round < 50; ++round) {
    cv::Mat map(11, 13, CV_32FC1);
    for (float& value : cv::Mat_<float>(map)) {
      value = static_cast<float>(rng.Uniform());
    }
    const double tau = 0.3 + 0.5 * rng.Uniform();
    const auto foreground = ThresholdMap(map, tau);
    ASSERT_THAT(foreground, IsOk());
    const auto boxes = FindBoxes(foreground->mask, map, BoxSelection::kAll, 0);
    ASSERT_THAT(boxes, IsOk());
    cv::Mat as_double;
    map.convertTo(as_double, CV_64F);
    oracle.Compute(wsol::QuantizeScoreMap(as_double),
                   wsol::EvaluationMode::kNative);
    const int level = wsol::LevelOfTau(tau, oracle.max_byte());
    ASSERT_EQ(level, foreground->level);
    const std::vector<Box> expected = oracle.BoxesAt(level);
    std::vector<Box> got;
    for (const ScoredBox& box : *boxes) got.push_back(box.box);
    EXPECT_THAT(got, ::testing::UnorderedElementsAreArray(expected));
  }
}

TEST(FindBoxesTest, RefusesOtherArguments) {
  const cv::Mat map = cv::Mat::zeros(2, 3, CV_32FC1);
  const cv::Mat mask = cv::Mat::zeros(2, 3, CV_8UC1);
  EXPECT_THAT(FindBoxes(mask.t(), map, BoxSelection::kAll, 0),
              StatusIs(kInvalid, HasSubstr("expected CV_8UC1, 3x2")));
  EXPECT_THAT(FindBoxes(mask, mask, BoxSelection::kAll, 0),
              StatusIs(kInvalid, HasSubstr("expected CV_32FC1")));
  EXPECT_THAT(FindBoxes(mask, map, BoxSelection::kAll, 1.5),
              StatusIs(kInvalid, HasSubstr("1.5")));
  EXPECT_THAT(FindBoxes(mask, map, BoxSelection::kAll, std::nan("")),
              StatusIs(kInvalid, HasSubstr("nan")));
  EXPECT_THAT(ThresholdMap(cv::Mat(), 0.5),
              StatusIs(kInvalid, HasSubstr("0x0")));
  EXPECT_THAT(ThresholdMap(mask, 0.5), StatusIs(kInvalid, HasSubstr("CV_8U")));
  EXPECT_THAT(OtsuThresholdMap(mask), StatusIs(kInvalid, HasSubstr("CV_8U")));
  for (const double tau : {-0.1, 1.0, std::nan("")}) {
    EXPECT_THAT(ThresholdMap(map, tau), StatusIs(kInvalid, HasSubstr("tau")));
  }
}

TEST(ParseThresholdTest, ReadsWhatItWrites) {
  for (const char* const text : {"auto", "val", "otsu", "0.25", "0"}) {
    const auto threshold = ParseThreshold(text);
    ASSERT_THAT(threshold, IsOk());
    EXPECT_EQ(ThresholdText(*threshold), text);
  }
  for (const char* const text : {"", "Otsu", "1", "-0.5", "nan", "0.5x"}) {
    EXPECT_THAT(ParseThreshold(text),
                StatusIs(kInvalid, HasSubstr("auto, val, otsu or a number")))
        << text;
  }
  EXPECT_THAT(ParseBoxSelection("largest"), IsOk());
  EXPECT_THAT(ParseBoxSelection("all"), IsOk());
  EXPECT_THAT(ParseBoxSelection("some"), StatusIs(kInvalid, HasSubstr("some")));
}

}  // namespace
}  // namespace fcam
