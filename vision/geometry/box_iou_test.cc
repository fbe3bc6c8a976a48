#include "vision/geometry/box_iou.h"

#include "gtest/gtest.h"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"

namespace vision {
namespace {

TEST(BoxIouTest, HandComputed) {
  // Each has 4 pixels, they share the 2 of column 1: 2 / (4 + 4 - 2).
  EXPECT_DOUBLE_EQ(BoxIou({0, 0, 2, 2}, {1, 0, 3, 2}), 1.0 / 3);
  // 6 pixels inside 35.
  EXPECT_DOUBLE_EQ(BoxIou({1, 1, 4, 3}, {0, 0, 7, 5}), 6.0 / 35);
}

TEST(BoxIouTest, IsOneForEqualBoxesAndZeroForDisjointOnes) {
  EXPECT_EQ(BoxIou({2, 3, 7, 8}, {2, 3, 7, 8}), 1);
  EXPECT_EQ(BoxIou({0, 0, 2, 2}, {2, 2, 4, 4}), 0);
  EXPECT_EQ(BoxIou({0, 0, 2, 2}, {5, 0, 7, 2}), 0);
}

TEST(BoxIouTest, IsZeroWithAnEmptyBox) {
  EXPECT_EQ(BoxIou(Box(), Box()), 0);
  EXPECT_EQ(BoxIou({0, 0, 4, 4}, {2, 2, 2, 3}), 0);
  // Upside down boxes are empty, not boxes of positive area.
  EXPECT_EQ(BoxIou({4, 4, 0, 0}, {4, 4, 0, 0}), 0);
}

TEST(BoxIouTest, HalfOpenFormOfInclusiveBoxes) {
  // Inclusive boxes [0, 0, 1, 1] and [1, 1, 2, 2] share one pixel of 4 + 4 - 1.
  EXPECT_DOUBLE_EQ(BoxIou({0, 0, 1 + 1, 1 + 1}, {1, 1, 2 + 1, 2 + 1}), 1.0 / 7);
}

TEST(BoxIouTest, LargeBoxesDoNotOverflow) {
  const Box large{0, 0, 100000, 100000};  // 10^10 pixels.
  EXPECT_EQ(BoxIou(large, large), 1);
  EXPECT_DOUBLE_EQ(BoxIou(large, {0, 0, 50000, 100000}), 0.5);
}

// Counts pixels one by one.
double CountIou(const Box& a, const Box& b) {
  const auto holds = [](const Box& box, int x, int y) {
    return box.x0 <= x && x < box.x1 && box.y0 <= y && y < box.y1;
  };
  int both = 0;
  int either = 0;
  for (int y = 0; y < 12; ++y) {
    for (int x = 0; x < 12; ++x) {
      both += holds(a, x, y) && holds(b, x, y);
      either += holds(a, x, y) || holds(b, x, y);
    }
  }
  return either == 0 ? 0 : static_cast<double>(both) / either;
}

TEST(BoxIouTest, MatchesCountingOnRandomBoxes) {
  Rng rng(1);
  const auto coordinate = [&] { return static_cast<int>(rng.UniformInt(13)); };
  for (int i = 0; i < 500; ++i) {
    const Box a{coordinate(), coordinate(), coordinate(), coordinate()};
    const Box b{coordinate(), coordinate(), coordinate(), coordinate()};
    EXPECT_EQ(BoxIou(a, b), CountIou(a, b)) << a << ", " << b;
    EXPECT_EQ(BoxIou(a, b), BoxIou(b, a)) << a << ", " << b;
  }
}

}  // namespace
}  // namespace vision
