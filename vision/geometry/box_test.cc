#include "vision/geometry/box.h"

#include <cstdint>
#include <limits>
#include <sstream>

#include "gtest/gtest.h"

namespace vision {
namespace {

TEST(BoxTest, DefaultIsEmpty) {
  EXPECT_TRUE(Box().IsEmpty());
  EXPECT_EQ(Box().Area(), 0);
}

TEST(BoxTest, EndsAreExclusive) {
  constexpr Box kBox{2, 1, 5, 3};  // Columns 2, 3, 4; rows 1, 2.
  EXPECT_FALSE(kBox.IsEmpty());
  EXPECT_EQ(kBox.Width(), 3);
  EXPECT_EQ(kBox.Height(), 2);
  EXPECT_EQ(kBox.Area(), 6);
}

TEST(BoxTest, OnePixel) { EXPECT_EQ((Box{7, 9, 8, 10}).Area(), 1); }

TEST(BoxTest, ABoxWithoutColumnsOrRowsHasNoExtent) {
  for (const Box& box :
       {Box{3, 0, 3, 5}, Box{0, 3, 5, 3}, Box{4, 0, 3, 5}, Box{4, 4, 3, 3}}) {
    EXPECT_TRUE(box.IsEmpty()) << box;
    EXPECT_EQ(box.Width(), 0) << box;
    EXPECT_EQ(box.Height(), 0) << box;
    // Two negative extents must not multiply to a positive area.
    EXPECT_EQ(box.Area(), 0) << box;
  }
}

TEST(BoxTest, LargeCoordinatesDoNotOverflow) {
  constexpr int kMax = std::numeric_limits<int>::max();
  constexpr int kMin = std::numeric_limits<int>::min();
  EXPECT_EQ((Box{kMin, 0, kMax, 1}).Width(), 4294967295);
  EXPECT_EQ((Box{0, 0, kMax, kMax}).Area(), int64_t{kMax} * kMax);
}

TEST(BoxTest, EqualityComparesTheFourNumbers) {
  const Box box{1, 2, 3, 4};
  EXPECT_TRUE(box == (Box{1, 2, 3, 4}));
  EXPECT_FALSE(box != (Box{1, 2, 3, 4}));
  for (const Box& other :
       {Box{0, 2, 3, 4}, Box{1, 0, 3, 4}, Box{1, 2, 0, 4}, Box{1, 2, 3, 0}}) {
    EXPECT_TRUE(box != other) << other;
    EXPECT_FALSE(box == other) << other;
  }
}

TEST(BoxTest, Prints) {
  std::ostringstream os;
  os << Box{1, 2, 30, 40};
  EXPECT_EQ(os.str(), "[1, 30) x [2, 40)");
}

TEST(IntersectionTest, HandComputed) {
  EXPECT_EQ(Intersection({0, 0, 4, 3}, {2, 1, 9, 2}), (Box{2, 1, 4, 2}));
}

TEST(IntersectionTest, IsTheInnerOfTwoNestedBoxes) {
  const Box inner{3, 3, 4, 5};
  EXPECT_EQ(Intersection({0, 0, 10, 10}, inner), inner);
  EXPECT_EQ(Intersection(inner, {0, 0, 10, 10}), inner);
  EXPECT_EQ(Intersection(inner, inner), inner);
}

TEST(IntersectionTest, TouchingBoxesShareNoPixel) {
  EXPECT_EQ(Intersection({0, 0, 2, 2}, {2, 0, 4, 2}), Box());
  EXPECT_EQ(Intersection({0, 0, 2, 2}, {0, 2, 2, 4}), Box());
}

}  // namespace
}  // namespace vision
