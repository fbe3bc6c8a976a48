#include "wsol/metrics/level_boxes.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/contour_oracle.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/test_maps.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
using ::vision::Box;

cv::Mat Bytes(std::vector<std::vector<int>> rows) {
  cv::Mat bytes(static_cast<int>(rows.size()), static_cast<int>(rows[0].size()),
                CV_8UC1);
  for (int y = 0; y < bytes.rows; ++y) {
    for (int x = 0; x < bytes.cols; ++x) {
      bytes.at<uint8_t>(y, x) = static_cast<uint8_t>(
          rows[static_cast<size_t>(y)][static_cast<size_t>(x)]);
    }
  }
  return bytes;
}

std::vector<Box> Sorted(std::vector<Box> boxes) {
  std::sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) {
    return std::tie(a.x0, a.y0, a.x1, a.y1) < std::tie(b.x0, b.y0, b.x1, b.y1);
  });
  return boxes;
}

// Compares every `step`th level with OpenCV's contours; false at the first
// difference.
bool MatchesOracle(const cv::Mat& bytes, int step, LevelBoxes* level_boxes) {
  level_boxes->Compute(bytes, EvaluationMode::kProtocol);
  // Without a pixel of value v the sets {> v} and {> v - 1} are one.
  int distinct[256] = {};
  for (int y = 0; y < bytes.rows; ++y) {
    for (int x = 0; x < bytes.cols; ++x) distinct[bytes.at<uint8_t>(y, x)] = 1;
  }
  distinct[0] = 0;
  std::partial_sum(distinct, distinct + 256, distinct);
  OracleContours oracle;
  int known = -1;  // The number of the level set that `oracle` is for.
  std::vector<Box> boxes;
  for (int level = 0; level < 256; level += step) {
    std::vector<Box> boxes_before = std::move(boxes);
    boxes = level_boxes->BoxesAt(level);
    const bool is_new = distinct[level] != known;
    if (is_new) {
      known = distinct[level];
      oracle = FindContours(bytes, level);
      oracle.boxes = Sorted(std::move(oracle.boxes));
    }
    EXPECT_EQ(level_boxes->LargestBox(level), oracle.largest_box)
        << "level " << level;
    if (is_new || boxes != boxes_before) {
      EXPECT_EQ(Sorted(boxes), oracle.boxes) << "level " << level;
    }
    if (::testing::Test::HasFailure()) return false;
  }
  return true;
}

TEST(LevelBoxesTest, MatchesHandComputedBoxes) {
  // Levels 0 to 2: {> 0} is everything but the border, {> 1} the two columns
  // on the right and the middle pixel's, {> 2} the 3 alone.
  const cv::Mat bytes = Bytes({{0, 0, 0, 0, 0, 0},  //
                               {0, 1, 1, 2, 2, 0},  //
                               {0, 1, 3, 2, 2, 0},  //
                               {0, 0, 0, 0, 0, 0}});
  LevelBoxes boxes;
  boxes.Compute(bytes, EvaluationMode::kProtocol);
  EXPECT_EQ(boxes.max_byte(), 3);
  // One pixel wider and higher than the component, as far as the image goes.
  EXPECT_EQ(boxes.LargestBox(0), (Box{1, 1, 6, 4}));
  EXPECT_EQ(boxes.LargestBox(1), (Box{2, 1, 6, 4}));
  EXPECT_EQ(boxes.LargestBox(2), (Box{2, 2, 4, 4}));
  EXPECT_EQ(boxes.LargestBox(3), (Box{0, 0, 1, 1}));
  EXPECT_EQ(boxes.LargestBox(255), (Box{0, 0, 1, 1}));
  EXPECT_THAT(boxes.BoxesAt(2), ElementsAre(Box{2, 2, 4, 4}));
  EXPECT_THAT(boxes.BoxesAt(3), ElementsAre(Box{0, 0, 1, 1}));
}

TEST(LevelBoxesTest, HolesAreContoursOfTheirSurroundings) {
  // Section 14.4 of the behaviour specification: a ring of rows and columns
  // 5 .. 44 with a hole of rows and columns 15 .. 29. Inclusive [5, 5, 45, 45]
  // and [14, 14, 31, 31].
  cv::Mat bytes = cv::Mat::zeros(50, 50, CV_8UC1);
  bytes(cv::Rect(5, 5, 40, 40)).setTo(255);
  bytes(cv::Rect(15, 15, 15, 15)).setTo(0);
  LevelBoxes boxes;
  boxes.Compute(bytes, EvaluationMode::kProtocol);
  EXPECT_THAT(boxes.BoxesAt(0),
              UnorderedElementsAre(Box{5, 5, 46, 46}, Box{14, 14, 32, 32}));
  EXPECT_EQ(boxes.LargestBox(0), (Box{5, 5, 46, 46}));
}

TEST(LevelBoxesTest, BoxesEndAtTheImage) {
  LevelBoxes boxes;
  cv::Mat corner = cv::Mat::zeros(50, 50, CV_8UC1);
  corner(cv::Rect(40, 30, 10, 20)).setTo(255);
  boxes.Compute(corner, EvaluationMode::kProtocol);
  EXPECT_THAT(boxes.BoxesAt(0), ElementsAre(Box{40, 30, 50, 50}));
  boxes.Compute(cv::Mat(10, 10, CV_8UC1, cv::Scalar(255)),
                EvaluationMode::kProtocol);
  EXPECT_THAT(boxes.BoxesAt(0), ElementsAre(Box{0, 0, 10, 10}));
  boxes.Compute(cv::Mat::zeros(10, 10, CV_8UC1), EvaluationMode::kProtocol);
  EXPECT_THAT(boxes.BoxesAt(0), ElementsAre(Box{0, 0, 1, 1}));
}

TEST(LevelBoxesTest, OfEqualAreasTheLastFoundWins) {
  // Contours of two 2 x 2 squares have area 1; one pixel and a row have none.
  const cv::Mat bytes = Bytes({{9, 9, 0, 0, 0},  //
                               {9, 9, 0, 9, 9},  //
                               {0, 0, 0, 9, 9},  //
                               {9, 0, 0, 0, 0},  //
                               {0, 0, 9, 9, 9}});
  LevelBoxes boxes;
  boxes.Compute(bytes, EvaluationMode::kProtocol);
  EXPECT_EQ(boxes.LargestBox(0), (Box{3, 1, 5, 4}));
}

class LevelBoxesOracleTest : public ::testing::TestWithParam<TestMapKind> {};

TEST_P(LevelBoxesOracleTest, MatchesContoursAtEveryLevelOfSmallMaps) {
  LevelBoxes boxes;
  for (uint64_t seed = 0; seed < 84; ++seed) {
    vision::Rng rng(seed, {static_cast<uint64_t>(GetParam())});
    // From one pixel to 48 a side; most are small, where shapes are dense.
    const int limit = seed % 8 == 0 ? 48 : 16;
    const int width = 1 + static_cast<int>(rng.UniformInt(limit));
    const int height = 1 + static_cast<int>(rng.UniformInt(limit));
    SCOPED_TRACE(absl::StrCat("seed ", seed, ", ", width, " x ", height));
    ASSERT_TRUE(
        MatchesOracle(MakeTestMap(GetParam(), width, height, rng), 1, &boxes));
  }
}

INSTANTIATE_TEST_SUITE_P(
    AllKinds, LevelBoxesOracleTest, ::testing::ValuesIn(AllTestMapKinds()),
    [](const ::testing::TestParamInfo<TestMapKind>& param) {
      return TestMapKindName(param.param);
    });

TEST(LevelBoxesTest, MatchesContoursOfWholeFrames) {
  LevelBoxes boxes;
  for (const TestMapKind kind : AllTestMapKinds()) {
    SCOPED_TRACE(TestMapKindName(kind));
    vision::Rng rng(7, {static_cast<uint64_t>(kind)});
    ASSERT_TRUE(MatchesOracle(MakeTestMap(kind, 224, 224, rng), 60, &boxes));
  }
}

TEST(LevelBoxesTest, MatchesContoursOfThinImages) {
  LevelBoxes boxes;
  for (const auto& [width, height] :
       {std::pair<int, int>{1, 1}, {1, 100}, {100, 1}, {2, 50}, {50, 3}}) {
    vision::Rng rng(1, {static_cast<uint64_t>(width)});
    SCOPED_TRACE(absl::StrCat(width, " x ", height));
    ASSERT_TRUE(MatchesOracle(
        MakeTestMap(TestMapKind::kFewLevels, width, height, rng), 1, &boxes));
  }
}

TEST(LevelBoxesTest, NativeBoxesAreThoseOfComponents) {
  LevelBoxes boxes;
  for (const TestMapKind kind : AllTestMapKinds()) {
    SCOPED_TRACE(TestMapKindName(kind));
    vision::Rng rng(9, {static_cast<uint64_t>(kind)});
    const cv::Mat bytes = MakeTestMap(kind, 70, 31, rng);
    boxes.Compute(bytes, EvaluationMode::kNative);
    for (int level = 0; level < 256; level += 15) {
      cv::Mat labels, stats, centers;
      const int count = cv::connectedComponentsWithStats(bytes > level, labels,
                                                         stats, centers, 8);
      std::vector<Box> expected;
      for (int i = 1; i < count; ++i) {
        const int x = stats.at<int>(i, cv::CC_STAT_LEFT);
        const int y = stats.at<int>(i, cv::CC_STAT_TOP);
        expected.push_back({x, y, x + stats.at<int>(i, cv::CC_STAT_WIDTH),
                            y + stats.at<int>(i, cv::CC_STAT_HEIGHT)});
      }
      ASSERT_EQ(Sorted(boxes.BoxesAt(level)), Sorted(expected)) << level;
      EXPECT_EQ(boxes.LargestBox(level).IsEmpty(), count == 1) << level;
    }
  }
}

}  // namespace
}  // namespace wsol
