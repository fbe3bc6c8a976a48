#include "fcam/seeds/erosion.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "vision/base/rng.h"

namespace fcam {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using Map = std::vector<uint8_t>;

Map Eroded(const Map& map, int height, int width, int kernel) {
  Map eroded(map.size());
  Erode(map, height, width, kernel, absl::MakeSpan(eroded));
  return eroded;
}

// The definition: every pixel of the window that lies inside the image is 1.
Map BruteForce(const Map& map, int height, int width, int kernel) {
  Map eroded(map.size());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint8_t all = 1;
      for (int j = 0; j < kernel; ++j) {
        for (int i = 0; i < kernel; ++i) {
          const int v = y - kernel / 2 + j;
          const int u = x - kernel / 2 + i;
          if (v < 0 || v >= height || u < 0 || u >= width) continue;
          all &= map[v * width + u];
        }
      }
      eroded[y * width + x] = all;
    }
  }
  return eroded;
}

Map Block(int height, int width, int y0, int x0, int y1, int x1) {
  Map map(height * width, 0);
  for (int y = y0; y < y1; ++y) {
    for (int x = x0; x < x1; ++x) map[y * width + x] = 1;
  }
  return map;
}

int Count(const Map& map) { return std::accumulate(map.begin(), map.end(), 0); }

TEST(ErosionTest, ErodesARowByHand) {
  // Windows of 3; beyond the ends nothing erodes.
  EXPECT_THAT(Eroded({1, 1, 0, 1, 1, 1}, 1, 6, 3),
              ElementsAre(1, 0, 0, 0, 1, 1));
  // Windows of 2 are {x - 1, x}.
  EXPECT_THAT(Eroded({1, 1, 0, 1, 1, 1}, 1, 6, 2),
              ElementsAre(1, 1, 0, 0, 1, 1));
}

TEST(ErosionTest, KeepsWhatTouchesTheBorder) {
  // Rows and columns 0..11 of 40; 11 x 11 keeps 0..6, 49 pixels.
  const Map eroded = Eroded(Block(40, 40, 0, 0, 12, 12), 40, 40, 11);
  EXPECT_EQ(eroded, Block(40, 40, 0, 0, 7, 7));
  EXPECT_EQ(Count(eroded), 49);
}

TEST(ErosionTest, KeepsFullAndEmptyMaps) {
  EXPECT_THAT(Eroded(Map(35, 1), 5, 7, 11), Each(1));
  EXPECT_THAT(Eroded(Map(35, 0), 5, 7, 3), Each(0));
  EXPECT_THAT(Eroded({1}, 1, 1, 4), ElementsAre(1));
}

TEST(ErosionTest, KernelOfOneIsTheIdentity) {
  const Map map = {1, 0, 1, 1, 0, 1};
  EXPECT_EQ(Eroded(map, 2, 3, 1), map);
}

TEST(ErosionTest, WorksInPlace) {
  Map map = Block(20, 20, 3, 3, 15, 17);
  const Map expected = Eroded(map, 20, 20, 5);
  Erode(map, 20, 20, 5, absl::MakeSpan(map));
  EXPECT_EQ(map, expected);
}

TEST(ErosionTest, MatchesTheDefinitionOnRandomMaps) {
  vision::Rng rng(1);
  for (int trial = 0; trial < 200; ++trial) {
    const int height = 1 + static_cast<int>(rng.UniformInt(15));
    const int width = 1 + static_cast<int>(rng.UniformInt(15));
    // Up to kernels larger than the map.
    const int kernel = 1 + static_cast<int>(rng.UniformInt(18));
    Map map(height * width);
    for (uint8_t& pixel : map) pixel = rng.Bernoulli(0.9);
    EXPECT_EQ(Eroded(map, height, width, kernel),
              BruteForce(map, height, width, kernel))
        << height << " x " << width << ", kernel " << kernel;
  }
}

TEST(ErosionTest, UndoesTheErosionThatEmptiesTheMap) {
  Map block = Block(40, 40, 10, 10, 15, 15);
  EXPECT_EQ(ErodeUnlessEmpty(40, 40, 11, 3, absl::MakeSpan(block)), 0);
  EXPECT_EQ(block, Block(40, 40, 10, 10, 15, 15));
  // 5 x 5, then 3 x 3, then 1 x 1, then nothing.
  EXPECT_EQ(ErodeUnlessEmpty(40, 40, 3, 9, absl::MakeSpan(block)), 2);
  EXPECT_EQ(block, Block(40, 40, 12, 12, 13, 13));
}

TEST(ErosionTest, DoesAllIterationsIfSomethingIsLeft) {
  Map block = Block(40, 40, 10, 10, 25, 25);
  EXPECT_EQ(ErodeUnlessEmpty(40, 40, 3, 2, absl::MakeSpan(block)), 2);
  EXPECT_EQ(block, Block(40, 40, 12, 12, 23, 23));
  EXPECT_EQ(ErodeUnlessEmpty(40, 40, 3, 0, absl::MakeSpan(block)), 0);
  EXPECT_EQ(block, Block(40, 40, 12, 12, 23, 23));
}

TEST(ErosionTest, LeavesAnEmptyMapAsItIs) {
  Map map(12, 0);
  EXPECT_EQ(ErodeUnlessEmpty(3, 4, 3, 2, absl::MakeSpan(map)), 0);
  EXPECT_THAT(map, Each(0));
}

}  // namespace
}  // namespace fcam
