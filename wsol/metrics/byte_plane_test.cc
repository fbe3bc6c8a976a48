#include "wsol/metrics/byte_plane.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace wsol {
namespace {

TEST(BytePlaneTest, HasAFrameOfZerosAndAlignedRows) {
  for (const int width : {1, 63, 64, 65, 224}) {
    BytePlane plane;
    plane.Resize(width, 3);
    for (int y = 0; y < 3; ++y) {
      for (int x = 0; x < width; ++x) plane.Row(y)[x] = 9;
    }
    for (int y = -1; y <= 3; ++y) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(plane.Row(y)) % 64, 0u);
      EXPECT_EQ(plane.Row(y)[-1], 0) << width << ", " << y;
      EXPECT_EQ(plane.Row(y)[width], 0) << width << ", " << y;
    }
    EXPECT_EQ(plane.Row(-1)[0], 0);
    EXPECT_EQ(plane.Row(3)[width - 1], 0);
    // A pixel of a frame on both sides, within whole words.
    EXPECT_GE(plane.stride(), width + 1);
    EXPECT_GE(plane.stride(), 64 * plane.words());
  }
}

TEST(BytePlaneTest, IndicesGiveCoordinates) {
  BytePlane plane;
  plane.Resize(100, 50);
  const uint32_t index = plane.Index(97, 42);
  EXPECT_EQ(plane.data() + index, plane.Row(42) + 97);
  EXPECT_EQ(plane.X(index), 97);
  EXPECT_EQ(plane.Y(index), 42);
}

TEST(BytePlaneTest, KeepsItsBytesUnlessTheSizeChanges) {
  BytePlane plane;
  plane.Resize(10, 10);
  plane.Row(4)[5] = 7;
  plane.Resize(10, 10);
  EXPECT_EQ(plane.Row(4)[5], 7);
  plane.Resize(10, 11);
  EXPECT_EQ(plane.Row(4)[5], 0);
}

TEST(BytePlaneTest, LargestSideFitsIntoAnIndex) {
  // (kMaxSide + 2) rows of 2^15 bytes.
  EXPECT_LT((uint64_t{BytePlane::kMaxSide} + 2) << 15, uint64_t{1} << 32);
  EXPECT_LT(BytePlane::kMaxSide, 1 << 15);
}

}  // namespace
}  // namespace wsol
