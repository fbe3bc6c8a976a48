#include "wsol/metrics/component_sweep.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/padded_plane.h"
#include "wsol/metrics/test_maps.h"

namespace wsol {
namespace {

using ::testing::UnorderedElementsAre;
using ::vision::Box;

PaddedPlane PlaneOf(const cv::Mat& bytes) {
  PaddedPlane plane;
  plane.Reset(bytes.cols, bytes.rows);
  for (int y = 0; y < bytes.rows; ++y) {
    for (int x = 0; x < bytes.cols; ++x) {
      plane.values[plane.Index(x, y)] = bytes.at<uint8_t>(y, x);
    }
  }
  return plane;
}

std::vector<Box> BoxesAt(const std::vector<LevelBox>& boxes, int level) {
  std::vector<Box> at_level;
  for (const LevelBox& box : boxes) {
    if (box.first_level <= level && level <= box.last_level) {
      at_level.push_back(box.box);
    }
  }
  return at_level;
}

std::vector<Box> Sorted(std::vector<Box> boxes) {
  std::sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) {
    return std::tie(a.x0, a.y0, a.x1, a.y1) < std::tie(b.x0, b.y0, b.x1, b.y1);
  });
  return boxes;
}

TEST(ComponentSweepTest, FollowsTwoPeaksToTheirSaddle) {
  // The 5 and the 4 meet through the 2 at level 1; the box stays at level 0,
  // where the 1 lies within it.
  const PaddedPlane plane =
      PlaneOf((cv::Mat_<uint8_t>(2, 3) << 5, 2, 4, 0, 1, 0));
  ComponentSweep sweep;
  std::vector<LevelBox> boxes;
  sweep.Run(plane, Connectivity::kFour, &boxes, nullptr);
  EXPECT_THAT(BoxesAt(boxes, 5), UnorderedElementsAre());
  EXPECT_THAT(BoxesAt(boxes, 4), UnorderedElementsAre(Box{0, 0, 1, 1}));
  EXPECT_THAT(BoxesAt(boxes, 2),
              UnorderedElementsAre(Box{0, 0, 1, 1}, Box{2, 0, 3, 1}));
  EXPECT_THAT(BoxesAt(boxes, 1), UnorderedElementsAre(Box{0, 0, 3, 1}));
  EXPECT_THAT(BoxesAt(boxes, 0), UnorderedElementsAre(Box{0, 0, 3, 2}));
  EXPECT_EQ(boxes.size(), 4u);  // Each box once.
}

TEST(ComponentSweepTest, DiagonalsConnectEightButNotFour) {
  const PaddedPlane plane = PlaneOf((cv::Mat_<uint8_t>(2, 2) << 7, 0, 0, 7));
  ComponentSweep sweep;
  std::vector<LevelBox> boxes;
  sweep.Run(plane, Connectivity::kEight, &boxes, nullptr);
  EXPECT_THAT(BoxesAt(boxes, 3), UnorderedElementsAre(Box{0, 0, 2, 2}));
  boxes.clear();
  sweep.Run(plane, Connectivity::kFour, &boxes, nullptr);
  EXPECT_THAT(BoxesAt(boxes, 3),
              UnorderedElementsAre(Box{0, 0, 1, 1}, Box{1, 1, 2, 2}));
}

TEST(ComponentSweepTest, PrefersTheLargestContourArea) {
  // Level 1: a square of area 1 and, below, a triangle of three pixels, 1/2.
  // Level 0: the triangle has become two squares, area 2.
  const PaddedPlane plane = PlaneOf((cv::Mat_<uint8_t>(5, 3) << 2, 2, 0,  //
                                     2, 2, 0,                             //
                                     0, 0, 0,                             //
                                     2, 2, 1,                             //
                                     2, 1, 1));
  ComponentSweep sweep;
  PreferredBoxes preferred;
  sweep.Run(plane, Connectivity::kEight, nullptr, &preferred);
  EXPECT_EQ(preferred[1], (Box{0, 0, 2, 2}));
  EXPECT_EQ(preferred[0], (Box{0, 3, 3, 5}));
}

TEST(ComponentSweepTest, OfEqualAreasPrefersTheLastToBegin) {
  // Single pixels, area 0: the last in raster order, which moves when a new
  // one comes and when the last one joins an earlier one.
  const PaddedPlane plane =
      PlaneOf((cv::Mat_<uint8_t>(1, 7) << 9, 0, 9, 3, 6, 0, 7));
  ComponentSweep sweep;
  PreferredBoxes preferred;
  sweep.Run(plane, Connectivity::kEight, nullptr, &preferred);
  EXPECT_EQ(preferred[8], (Box{2, 0, 3, 1}));
  EXPECT_EQ(preferred[6], (Box{6, 0, 7, 1}));
  const PaddedPlane joined =
      PlaneOf((cv::Mat_<uint8_t>(1, 5) << 9, 0, 9, 3, 9));
  sweep.Run(joined, Connectivity::kEight, nullptr, &preferred);
  EXPECT_EQ(preferred[3], (Box{4, 0, 5, 1}));
  EXPECT_EQ(preferred[2], (Box{2, 0, 5, 1}));
}

TEST(ComponentSweepTest, MatchesLabellingOfEveryLevel) {
  ComponentSweep sweep;
  for (const Connectivity connectivity :
       {Connectivity::kFour, Connectivity::kEight}) {
    for (const TestMapKind kind : AllTestMapKinds()) {
      vision::Rng rng(3, {static_cast<uint64_t>(kind)});
      const cv::Mat bytes = MakeTestMap(kind, 23, 17, rng);
      std::vector<LevelBox> boxes;
      sweep.Run(PlaneOf(bytes), connectivity, &boxes, nullptr);
      for (int level = 0; level < 255; level += 5) {
        cv::Mat labels, stats, centers;
        const int count = cv::connectedComponentsWithStats(
            bytes > level, labels, stats, centers,
            connectivity == Connectivity::kFour ? 4 : 8);
        std::vector<Box> expected;
        for (int i = 1; i < count; ++i) {
          const int x = stats.at<int>(i, cv::CC_STAT_LEFT);
          const int y = stats.at<int>(i, cv::CC_STAT_TOP);
          expected.push_back({x, y, x + stats.at<int>(i, cv::CC_STAT_WIDTH),
                              y + stats.at<int>(i, cv::CC_STAT_HEIGHT)});
        }
        ASSERT_EQ(Sorted(BoxesAt(boxes, level)), Sorted(expected))
            << TestMapKindName(kind) << ", level " << level;
      }
      for (const LevelBox& box : boxes) {
        const int x = static_cast<int>(box.pixel % 25) - 1;
        const int y = static_cast<int>(box.pixel / 25) - 1;
        EXPECT_GT(bytes.at<uint8_t>(y, x), box.last_level);
      }
    }
  }
}

}  // namespace
}  // namespace wsol
