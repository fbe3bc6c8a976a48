#include "vision/crf/spatial_tiles.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "gtest/gtest.h"

namespace vision {
namespace {

// The kernel that the tiles stand for, between pixels (x0, y0) and (x1, y1).
double Kernel(const SpatialTiles& tiles, int x0, int y0, int x1, int y1) {
  const auto functions = [&](int x, int y, double* f) {
    for (size_t m = 0; m < SpatialTiles::kFunctions; ++m) {
      f[m] = static_cast<double>(
                 tiles.functions_x[x % tiles.tile_width].values[m]) *
             tiles.functions_y[y % tiles.tile_height].values[m];
    }
  };
  double f[SpatialTiles::kFunctions], g[SpatialTiles::kFunctions];
  functions(x0, y0, f);
  functions(x1, y1, g);
  const int dx = x1 / tiles.tile_width - x0 / tiles.tile_width;
  const int dy = y1 / tiles.tile_height - y0 / tiles.tile_height;
  double sum = 0;
  if (dx == 0 && dy == 0) {
    for (size_t m = 0; m < SpatialTiles::kFunctions; ++m) sum += f[m] * g[m];
    return sum;
  }
  const SpatialTiles::Row* coupling = tiles.Coupling(dy, dx);
  if (coupling == nullptr) return 0;
  for (size_t m = 0; m < SpatialTiles::kFunctions; ++m) {
    for (size_t n = 0; n < SpatialTiles::kFunctions; ++n) {
      sum += f[m] * coupling[m].values[n] * g[n];
    }
  }
  return sum;
}

TEST(SpatialTilesTest, OneTileForAWideKernel) {
  const SpatialTiles tiles = PlanSpatialTiles(224, 224, 100, 1e-2);
  EXPECT_EQ(tiles.rows, 1);
  EXPECT_EQ(tiles.columns, 1);
  EXPECT_EQ(tiles.tile_height, 224);
  EXPECT_TRUE(tiles.couplings.empty());
}

TEST(SpatialTilesTest, TilesCoverTheImage) {
  for (const double sigma : {0.2, 1.0, 7.0, 30.0, 1e6}) {
    for (const int height : {1, 3, 50, 101}) {
      const SpatialTiles tiles = PlanSpatialTiles(height, 64, sigma, 1e-2);
      EXPECT_GE(tiles.rows * tiles.tile_height, height);
      EXPECT_LT((tiles.rows - 1) * tiles.tile_height, height);
      EXPECT_GE(tiles.columns * tiles.tile_width, 64);
      EXPECT_LT((tiles.columns - 1) * tiles.tile_width, 64);
    }
  }
}

TEST(SpatialTilesTest, ApproximatesTheGaussianSymmetrically) {
  constexpr int kHeight = 50;
  constexpr int kWidth = 70;
  for (const double sigma : {1.5, 4.0, 12.0, 20.0, 60.0}) {
    for (const double tolerance : {2e-2, 5e-3}) {
      const SpatialTiles tiles =
          PlanSpatialTiles(kHeight, kWidth, sigma, tolerance);
      double worst = 0;
      for (int i = 0; i < 4000; ++i) {
        const int x0 = i * 37 % kWidth;
        const int y0 = i * 11 % kHeight;
        const int x1 = (x0 + i / 61) % kWidth;
        const int y1 = (y0 + i / 97) % kHeight;
        const double distance = std::hypot(x0 - x1, y0 - y1) / sigma;
        const double kernel = Kernel(tiles, x0, y0, x1, y1);
        worst = std::max(
            worst, std::abs(kernel - std::exp(-0.5 * distance * distance)));
        EXPECT_NEAR(kernel, Kernel(tiles, x1, y1, x0, y0), 1e-6);
      }
      // The tolerance is for pixels of one tile; corners of two that meet are
      // worse.
      EXPECT_LE(worst, 4.5 * tolerance) << sigma;
    }
  }
}

TEST(SpatialTilesTest, ATileIsCoupledToItselfByTheIdentity) {
  const SpatialTiles tiles = PlanSpatialTiles(60, 60, 10, 1e-2);
  ASSERT_GT(tiles.rows, 1);
  const SpatialTiles::Row* coupling = tiles.Coupling(0, 0);
  ASSERT_NE(coupling, nullptr);
  for (size_t m = 0; m < SpatialTiles::kFunctions; ++m) {
    for (size_t n = 0; n < SpatialTiles::kFunctions; ++n) {
      EXPECT_NEAR(coupling[m].values[n], m == n ? 1 : 0, 1e-5);
    }
  }
  EXPECT_EQ(tiles.Coupling(tiles.row_reach + 1, 0), nullptr);
  EXPECT_EQ(tiles.Coupling(0, -tiles.column_reach - 1), nullptr);
}

}  // namespace
}  // namespace vision
