#include "wsol/metrics/box_ious.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "hwy/targets.h"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "vision/geometry/box_iou.h"
#include "wsol/metrics/component_sweep.h"

namespace wsol {
namespace {

using ::vision::Box;

LevelBoxes16 BoxesOf(const std::vector<Box>& list) {
  LevelBoxes16 boxes;
  boxes.Reserve(list.size());
  boxes.size = list.size();
  for (size_t i = 0; i < list.size(); ++i) {
    boxes.x0[i] = static_cast<int16_t>(list[i].x0);
    boxes.y0[i] = static_cast<int16_t>(list[i].y0);
    boxes.x1[i] = static_cast<int16_t>(list[i].x1);
    boxes.y1[i] = static_cast<int16_t>(list[i].y1);
  }
  return boxes;
}

Box RandomBox(int side, vision::Rng& rng) {
  const auto uniform = [&rng](int n) {
    return static_cast<int>(rng.UniformInt(static_cast<uint64_t>(n)));
  };
  const int x0 = uniform(side), y0 = uniform(side);
  return {x0, y0, x0 + 1 + uniform(side - x0), y0 + 1 + uniform(side - y0)};
}

TEST(BestIousTest, MatchesHandComputedIous) {
  // 1 of 4 + 4 - 1 pixels, and nothing.
  std::vector<double> ious(2, -1);
  BestIous(BoxesOf({{0, 0, 2, 2}, {5, 5, 6, 6}}), {{1, 1, 3, 3}}, ious.data());
  EXPECT_EQ(ious[0], 1.0 / 7);
  EXPECT_EQ(ious[1], 0);
  BestIous(BoxesOf({{0, 0, 2, 2}}), {}, ious.data());
  EXPECT_EQ(ious[0], 0);
}

TEST(BestIousTest, EqualsOneByOneOnEveryInstructionSet) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    // Up to the largest coordinates, whose areas nearly overflow.
    for (const int side : {5, 224, 32767}) {
      vision::Rng rng(static_cast<uint64_t>(side));
      std::vector<Box> list(37), truth(3);
      for (Box& box : list) box = RandomBox(side, rng);
      for (Box& box : truth) box = RandomBox(side, rng);
      list[0] = truth[0] = {0, 0, side, side};
      std::vector<double> ious(list.size());
      BestIous(BoxesOf(list), truth, ious.data());
      for (size_t i = 0; i < list.size(); ++i) {
        double expected = 0;
        for (const Box& t : truth) {
          expected = std::max(expected, vision::BoxIou(list[i], t));
        }
        EXPECT_EQ(ious[i], expected) << hwy::TargetName(target) << ", " << i;
      }
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace
}  // namespace wsol
