#include "wsol/metrics/box_sweep.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "vision/geometry/box_iou.h"
#include "wsol/metrics/contour_oracle.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/test_maps.h"

namespace wsol {
namespace {

using ::vision::Box;

double BestIou(absl::Span<const Box> boxes, absl::Span<const Box> truth) {
  double best = 0;
  for (const Box& box : boxes) {
    for (const Box& t : truth) best = std::max(best, vision::BoxIou(box, t));
  }
  return best;
}

Box RandomBox(int width, int height, vision::Rng& rng) {
  const auto uniform = [&rng](int n) {
    return static_cast<int>(rng.UniformInt(static_cast<uint64_t>(n)));
  };
  const int x0 = uniform(width), y0 = uniform(height);
  return {x0, y0, x0 + 1 + uniform(width - x0), y0 + 1 + uniform(height - y0)};
}

TEST(BoxSweepTest, MatchesHandComputedIous) {
  // {> 0}: pixels (0, 0), boxed as [0, 2) x [0, 2), and (2, 2) to (3, 3),
  // boxed as [2, 4) x [2, 4). {> 4}: the first alone. Truth [1, 4) x [1, 4).
  const cv::Mat bytes = (cv::Mat_<uint8_t>(4, 4) << 5, 0, 0, 0,  //
                         0, 0, 0, 0,                             //
                         0, 0, 4, 4,                             //
                         0, 0, 4, 4);
  BoxSweep sweep;
  sweep.Run(bytes, {{1, 1, 4, 4}});
  EXPECT_EQ(sweep.max_byte(), 5);
  EXPECT_EQ(sweep.BestIou(0), 4.0 / 9);
  EXPECT_EQ(sweep.LargestContourIou(0), 4.0 / 9);
  EXPECT_EQ(sweep.BestIou(4), 1.0 / 12);  // 1 of 4 + 9 - 1.
  EXPECT_EQ(sweep.LargestContourIou(4), 1.0 / 12);
  EXPECT_EQ(sweep.BestIou(5), 0);  // [0, 1) x [0, 1).
  EXPECT_EQ(sweep.LargestContourIou(255), 0);
}

TEST(BoxSweepTest, WithoutTruthIousAreZero) {
  BoxSweep sweep;
  sweep.Run(cv::Mat(3, 3, CV_8UC1, cv::Scalar(9)), {});
  EXPECT_EQ(sweep.BestIou(0), 0);
  EXPECT_EQ(sweep.LargestContourIou(0), 0);
}

TEST(BoxSweepTest, MatchesContoursAtEveryLevel) {
  BoxSweep sweep;
  for (const TestMapKind kind : AllTestMapKinds()) {
    for (uint64_t seed = 0; seed < 6; ++seed) {
      vision::Rng rng(seed, {1, static_cast<uint64_t>(kind)});
      const int width = 1 + static_cast<int>(rng.UniformInt(24));
      const int height = 1 + static_cast<int>(rng.UniformInt(24));
      const cv::Mat bytes = MakeTestMap(kind, width, height, rng);
      std::vector<Box> truth(1 + rng.UniformInt(3));
      for (Box& box : truth) box = RandomBox(width, height, rng);
      sweep.Run(bytes, truth);
      for (int level = 0; level < 256; level += 1 + level / 16) {
        const OracleContours oracle = FindContours(bytes, level);
        // One division of integers each: equal to the last bit.
        ASSERT_EQ(sweep.BestIou(level), BestIou(oracle.boxes, truth))
            << TestMapKindName(kind) << ", seed " << seed << ", level "
            << level;
        ASSERT_EQ(sweep.LargestContourIou(level),
                  BestIou({oracle.largest_box}, truth))
            << TestMapKindName(kind) << ", seed " << seed << ", level "
            << level;
      }
    }
  }
}

}  // namespace
}  // namespace wsol
