#include "wsol/metrics/fill_holes.h"

#include <algorithm>
#include <cstdint>

#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "vision/base/rng.h"
#include "wsol/metrics/byte_plane.h"
#include "wsol/metrics/test_maps.h"
#include "wsol/metrics/test_planes.h"

namespace wsol {
namespace {

bool AreEqual(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && cv::countNonZero(a != b) == 0;
}

// F by its definition: lowers every pixel to the cheapest way out until
// nothing changes.
cv::Mat RelaxedFill(const cv::Mat& image) {
  cv::Mat filled(image.size(), CV_8UC1, cv::Scalar(255));
  const auto at = [&filled](int y, int x) -> uint8_t {
    const bool is_inside =
        y >= 0 && x >= 0 && y < filled.rows && x < filled.cols;
    return is_inside ? filled.at<uint8_t>(y, x) : uint8_t{0};
  };
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    for (int y = 0; y < image.rows; ++y) {
      for (int x = 0; x < image.cols; ++x) {
        const uint8_t out =
            std::min({at(y, x - 1), at(y, x + 1), at(y - 1, x), at(y + 1, x)});
        const uint8_t value = std::max(image.at<uint8_t>(y, x), out);
        has_changed |= value < at(y, x);
        filled.at<uint8_t>(y, x) = std::min(at(y, x), value);
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
  BytePlane filled, holes;
  HoleFiller filler;
  EXPECT_TRUE(filler.Fill(PlaneOf(bytes), &filled, &holes));
  EXPECT_EQ(filled.Row(2)[2], 4);
  EXPECT_EQ(filled.Row(2)[3], 4);
  EXPECT_EQ(filled.Row(0)[0], 0);
  // The hole's pixel as 255 - 1; nothing else.
  EXPECT_EQ(holes.Row(2)[2], 254);
  EXPECT_EQ(cv::countNonZero(MatOf(holes)), 1);
}

TEST(FillHolesTest, LeavesImagesWithoutHolesAlone) {
  const cv::Mat image = (cv::Mat_<uint8_t>(3, 3) << 1, 2, 3, 4, 9, 5, 2, 7, 1);
  BytePlane filled, holes;
  HoleFiller filler;
  EXPECT_FALSE(filler.Fill(PlaneOf(image), &filled, &holes));
  EXPECT_TRUE(AreEqual(MatOf(filled), image));
  EXPECT_EQ(cv::countNonZero(MatOf(holes)), 0);
}

TEST(FillHolesTest, MatchesItsDefinition) {
  HoleFiller filler;
  BytePlane filled, holes;
  for (const TestMapKind kind : AllTestMapKinds()) {
    for (uint64_t seed = 0; seed < 6; ++seed) {
      vision::Rng rng(seed, {static_cast<uint64_t>(kind)});
      // Beyond 64 pixels there are several words, and tiles of 16 x 16.
      const uint64_t limit = seed == 5 ? 90 : 24;
      const int width = 1 + static_cast<int>(rng.UniformInt(limit));
      const int height = 1 + static_cast<int>(rng.UniformInt(limit));
      const cv::Mat image = MakeTestMap(kind, width, height, rng);
      const cv::Mat expected = RelaxedFill(image);
      const bool has_holes = cv::countNonZero(expected != image) > 0;
      EXPECT_EQ(filler.Fill(PlaneOf(image), &filled, &holes), has_holes);
      ASSERT_TRUE(AreEqual(MatOf(filled), expected))
          << TestMapKindName(kind) << ", seed " << seed;
      cv::Mat expected_holes = 255 - image;
      expected_holes.setTo(0, expected == image);
      ASSERT_TRUE(AreEqual(MatOf(holes), expected_holes))
          << TestMapKindName(kind) << ", seed " << seed;
    }
  }
}

// Long corridors take more sweeps than are worth while; a flood ends them.
TEST(FillHolesTest, MatchesItsDefinitionInMazes) {
  HoleFiller filler;
  BytePlane filled, holes;
  for (const TestMapKind kind : {TestMapKind::kSpiral, TestMapKind::kComb}) {
    for (const int side : {100, 131}) {
      vision::Rng rng(1);
      const cv::Mat map = MakeTestMap(kind, side, side, rng);
      for (const cv::Mat& image : {map, cv::Mat(map.t())}) {
        filler.Fill(PlaneOf(image), &filled, &holes);
        ASSERT_TRUE(AreEqual(MatOf(filled), RelaxedFill(image)))
            << TestMapKindName(kind) << ", " << side;
      }
    }
  }
}

}  // namespace
}  // namespace wsol
