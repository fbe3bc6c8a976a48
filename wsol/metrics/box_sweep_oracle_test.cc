// Equality of the sweep with one contour search per level, on many random maps
// of all kinds: 2,000 in CI; the environment variable ORACLE_MAPS sets another
// number, and ORACLE_FIRST the first map's.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "vision/geometry/box_iou.h"
#include "wsol/metrics/box_sweep.h"
#include "wsol/metrics/contour_oracle.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/test_maps.h"

namespace wsol {
namespace {

using ::vision::Box;

int FromEnvironment(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  int value = otherwise;
  if (text != nullptr) CHECK(absl::SimpleAtoi(text, &value)) << name;
  return value;
}

double BestIou(absl::Span<const Box> boxes, absl::Span<const Box> truth) {
  double best = 0;
  for (const Box& box : boxes) {
    for (const Box& t : truth) best = std::max(best, vision::BoxIou(box, t));
  }
  return best;
}

int UniformInt(int n, vision::Rng& rng) {
  return static_cast<int>(rng.UniformInt(static_cast<uint64_t>(n)));
}

TEST(BoxSweepOracleTest, EqualsContoursAtEveryLevel) {
  const int num_maps = FromEnvironment("ORACLE_MAPS", 2000);
  const int first_map = FromEnvironment("ORACLE_FIRST", 0);
  const std::vector<TestMapKind>& kinds = AllTestMapKinds();
  BoxSweep sweep;
  int64_t num_levels = 0, num_mismatches = 0;
  for (int i = first_map; i < first_map + num_maps; ++i) {
    const TestMapKind kind = kinds[static_cast<size_t>(i) % kinds.size()];
    vision::Rng rng(static_cast<uint64_t>(i), {3});
    // Most are small, where shapes are dense; some cross the 64 pixels that are
    // worked on at a time, once or twice.
    const int limit = i % 40 == 0 ? 150 : i % 8 == 0 ? 70 : 20;
    const int width = 1 + UniformInt(limit, rng);
    const int height = 1 + UniformInt(limit, rng);
    const cv::Mat bytes = MakeTestMap(kind, width, height, rng);
    std::vector<Box> truth(1 + rng.UniformInt(4));
    for (Box& box : truth) {
      box.x0 = UniformInt(width, rng);
      box.y0 = UniformInt(height, rng);
      box.x1 = box.x0 + 1 + UniformInt(width - box.x0, rng);
      box.y1 = box.y0 + 1 + UniformInt(height - box.y0, rng);
    }
    sweep.Run(bytes, truth, EvaluationMode::kProtocol);
    bool is_present[257] = {};
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x)
        is_present[bytes.at<uint8_t>(y, x)] = true;
    }
    OracleContours oracle;
    for (int level = 0; level < 256; ++level) {
      // Without a pixel of this value the level set is the one before.
      if (level == 0 || is_present[level]) {
        oracle = FindContours(bytes, level);
        ++num_levels;
      }
      const bool is_equal =
          sweep.BestIou(level) == BestIou(oracle.boxes, truth) &&
          sweep.LargestContourIou(level) ==
              BestIou({oracle.largest_box}, truth) &&
          sweep.level_boxes().LargestBox(level) == oracle.largest_box;
      if (is_equal) continue;
      ++num_mismatches;
      if (num_mismatches > 20) continue;
      ADD_FAILURE() << "map " << i << " (" << TestMapKindName(kind) << ", "
                    << width << " x " << height << "), level " << level;
    }
    if ((i - first_map) % 10000 == 9999) {
      LOG(INFO) << i + 1 - first_map << " maps, " << num_levels
                << " level sets, " << num_mismatches << " mismatches";
    }
  }
  LOG(INFO) << num_maps << " maps, " << num_levels << " level sets, "
            << num_mismatches << " mismatches";
  EXPECT_EQ(num_mismatches, 0);
}

}  // namespace
}  // namespace wsol
