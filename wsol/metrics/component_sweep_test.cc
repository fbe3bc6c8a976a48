#include "wsol/metrics/component_sweep.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/critical_pixels.h"
#include "wsol/metrics/test_maps.h"
#include "wsol/metrics/test_planes.h"

namespace wsol {
namespace {

using ::testing::UnorderedElementsAre;
using ::vision::Box;

std::vector<Box> BoxesAt(const LevelBoxes16& boxes, int level) {
  std::vector<Box> at_level;
  for (size_t i = 0; i < boxes.size; ++i) {
    if (boxes.first_level[i] <= level && level <= boxes.last_level[i]) {
      at_level.push_back({boxes.x0[i], boxes.y0[i], boxes.x1[i], boxes.y1[i]});
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

class ComponentSweepTest : public ::testing::Test {
 protected:
  const LevelBoxes16& Run(const cv::Mat& bytes, Connectivity connectivity) {
    const BytePlane plane = PlaneOf(bytes);
    pixels_.Find(plane, connectivity, nullptr);
    sweep_.Run(plane, pixels_, nullptr);
    return sweep_.boxes();
  }

  CriticalPixels pixels_;
  ComponentSweep sweep_;
};

TEST_F(ComponentSweepTest, FollowsTwoPeaksToTheirSaddle) {
  // The 5 and the 4 meet through the 2 at level 1; the box stays at level 0,
  // where the 1 lies within it.
  const LevelBoxes16& boxes =
      Run((cv::Mat_<uint8_t>(2, 3) << 5, 2, 4, 0, 1, 0), Connectivity::kFour);
  EXPECT_THAT(BoxesAt(boxes, 5), UnorderedElementsAre());
  EXPECT_THAT(BoxesAt(boxes, 4), UnorderedElementsAre(Box{0, 0, 1, 1}));
  EXPECT_THAT(BoxesAt(boxes, 2),
              UnorderedElementsAre(Box{0, 0, 1, 1}, Box{2, 0, 3, 1}));
  EXPECT_THAT(BoxesAt(boxes, 1), UnorderedElementsAre(Box{0, 0, 3, 1}));
  EXPECT_THAT(BoxesAt(boxes, 0), UnorderedElementsAre(Box{0, 0, 3, 2}));
  EXPECT_EQ(boxes.size, 4u);  // Each box once.
  ASSERT_EQ(sweep_.joins().size(), 1u);
  const ComponentSweep::Join& join = sweep_.joins()[0];
  EXPECT_EQ(join.winner, 0u);  // The 5's basin, the first birth.
  EXPECT_EQ(join.loser, 1u);
  EXPECT_EQ(join.value, 2);
  EXPECT_FALSE(join.is_transient);
}

TEST_F(ComponentSweepTest, LinksTheBoxesOfAComponent) {
  const LevelBoxes16& boxes =
      Run((cv::Mat_<uint8_t>(1, 4) << 5, 3, 2, 0), Connectivity::kEight);
  // {> 4}, {> 2}, {> 1}: one, two and three pixels.
  uint32_t box = sweep_.FirstBox(0);
  for (const int width : {1, 2, 3}) {
    EXPECT_EQ(boxes.x1[box] - boxes.x0[box], width);
    box = sweep_.NextBox(box);
  }
  EXPECT_EQ(boxes.size, 3u);
}

TEST_F(ComponentSweepTest, DiagonalsConnectEightButNotFour) {
  const cv::Mat bytes = (cv::Mat_<uint8_t>(2, 2) << 7, 0, 0, 7);
  EXPECT_THAT(BoxesAt(Run(bytes, Connectivity::kEight), 3),
              UnorderedElementsAre(Box{0, 0, 2, 2}));
  EXPECT_THAT(BoxesAt(Run(bytes, Connectivity::kFour), 3),
              UnorderedElementsAre(Box{0, 0, 1, 1}, Box{1, 1, 2, 2}));
}

TEST_F(ComponentSweepTest, EndsWhatIsLeftWhereItIsTold) {
  const BytePlane plane = PlaneOf((cv::Mat_<uint8_t>(1, 3) << 200, 0, 90));
  // Level 255 - 100 for the first, 255 - 190 for the other one.
  const BytePlane ends = PlaneOf((cv::Mat_<uint8_t>(1, 3) << 100, 0, 190));
  pixels_.Find(plane, Connectivity::kFour, nullptr);
  sweep_.Run(plane, pixels_, &ends);
  const LevelBoxes16& boxes = sweep_.boxes();
  EXPECT_THAT(BoxesAt(boxes, 199), UnorderedElementsAre(Box{0, 0, 1, 1}));
  EXPECT_THAT(BoxesAt(boxes, 155), UnorderedElementsAre(Box{0, 0, 1, 1}));
  EXPECT_THAT(BoxesAt(boxes, 154), UnorderedElementsAre());
  EXPECT_THAT(BoxesAt(boxes, 65), UnorderedElementsAre(Box{2, 0, 3, 1}));
  EXPECT_THAT(BoxesAt(boxes, 64), UnorderedElementsAre());
}

TEST_F(ComponentSweepTest, MatchesLabellingOfEveryLevel) {
  for (const Connectivity connectivity :
       {Connectivity::kFour, Connectivity::kEight}) {
    for (const TestMapKind kind : AllTestMapKinds()) {
      vision::Rng rng(3, {static_cast<uint64_t>(kind)});
      // More than a word of pixels, not a whole number of words.
      const cv::Mat bytes = MakeTestMap(kind, 71, 17, rng);
      const LevelBoxes16& boxes = Run(bytes, connectivity);
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
    }
  }
}

}  // namespace
}  // namespace wsol
