#include "wsol/metrics/fill_holes.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "vision/base/rng.h"
#include "wsol/metrics/padded_plane.h"
#include "wsol/metrics/test_maps.h"

namespace wsol {
namespace {

using ::testing::ElementsAreArray;

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

// F by its definition: lowers every pixel to the cheapest way out until
// nothing changes.
PaddedPlane RelaxedFill(const PaddedPlane& image) {
  PaddedPlane filled;
  filled.Reset(image.width, image.height);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      filled.values[filled.Index(x, y)] = 255;
    }
  }
  const uint32_t stride = static_cast<uint32_t>(image.Stride());
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        const uint32_t p = image.Index(x, y);
        // The frame of zeros is outside.
        const uint8_t out =
            std::min({filled.values[p - 1], filled.values[p + 1],
                      filled.values[p - stride], filled.values[p + stride]});
        const uint8_t value = std::max(image.values[p], out);
        has_changed |= value < filled.values[p];
        filled.values[p] = std::min(filled.values[p], value);
      }
    }
  }
  return filled;
}

TEST(FillHolesTest, FillsToTheLowestPointOfTheWall) {
  // The wall of 5s has a 4, so water stands at 4; diagonals do not leak.
  const cv::Mat bytes = (cv::Mat_<uint8_t>(5, 5) << 0, 0, 0, 0, 0,  //
                         0, 5, 5, 5, 0,                             //
                         0, 5, 1, 4, 0,                             //
                         0, 5, 5, 5, 0,                             //
                         0, 0, 0, 0, 0);
  PaddedPlane filled;
  HoleFiller filler;
  EXPECT_TRUE(filler.Fill(PlaneOf(bytes), &filled));
  EXPECT_EQ(filled.values[filled.Index(2, 2)], 4);
  EXPECT_EQ(filled.values[filled.Index(3, 2)], 4);
  EXPECT_EQ(filled.values[filled.Index(0, 0)], 0);
}

TEST(FillHolesTest, LeavesImagesWithoutHolesAlone) {
  const PaddedPlane image =
      PlaneOf((cv::Mat_<uint8_t>(3, 3) << 1, 2, 3, 4, 9, 5, 2, 7, 1));
  PaddedPlane filled;
  HoleFiller filler;
  EXPECT_FALSE(filler.Fill(image, &filled));
  EXPECT_EQ(filled.values, image.values);
}

TEST(FillHolesTest, MatchesItsDefinition) {
  HoleFiller filler;
  PaddedPlane filled;
  for (const TestMapKind kind : AllTestMapKinds()) {
    for (uint64_t seed = 0; seed < 6; ++seed) {
      vision::Rng rng(seed, {static_cast<uint64_t>(kind)});
      const int width = 1 + static_cast<int>(rng.UniformInt(24));
      const int height = 1 + static_cast<int>(rng.UniformInt(24));
      const PaddedPlane image = PlaneOf(MakeTestMap(kind, width, height, rng));
      const PaddedPlane expected = RelaxedFill(image);
      EXPECT_EQ(filler.Fill(image, &filled), expected.values != image.values);
      ASSERT_THAT(filled.values, ElementsAreArray(expected.values))
          << TestMapKindName(kind) << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace wsol
