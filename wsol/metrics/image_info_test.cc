#include "wsol/metrics/image_info.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace wsol {
namespace {

TEST(ObjectSizeOfTest, LimitsAreThirdsOfTheSide) {
  // In 90 x 90 pixels: squares of 30 and of 60 a side are on the limits.
  EXPECT_EQ(ObjectSizeOf(29 * 29, 8100), ObjectSize::kSmall);
  EXPECT_EQ(ObjectSizeOf(30 * 30 - 1, 8100), ObjectSize::kSmall);
  EXPECT_EQ(ObjectSizeOf(30 * 30, 8100), ObjectSize::kMedium);
  EXPECT_EQ(ObjectSizeOf(60 * 60 - 1, 8100), ObjectSize::kMedium);
  EXPECT_EQ(ObjectSizeOf(60 * 60, 8100), ObjectSize::kLarge);
  EXPECT_EQ(ObjectSizeOf(8100, 8100), ObjectSize::kLarge);
  EXPECT_EQ(ObjectSizeOf(0, 8100), ObjectSize::kSmall);
  // 32766 pixels a side do not overflow.
  EXPECT_EQ(ObjectSizeOf(int64_t{32766} * 32766, int64_t{32766} * 32766),
            ObjectSize::kLarge);
}

TEST(ObjectSizeNameTest, NamesAll) {
  EXPECT_EQ(ObjectSizeName(ObjectSize::kSmall), "small");
  EXPECT_EQ(ObjectSizeName(ObjectSize::kMedium), "medium");
  EXPECT_EQ(ObjectSizeName(ObjectSize::kLarge), "large");
  for (size_t i = 0; i < kObjectSizes.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(kObjectSizes[i]), i);
  }
}

TEST(ImageInfoTest, EqualityLooksAtAllMembers) {
  const ImageInfo info{"a", 1, 2, ObjectSize::kLarge};
  EXPECT_TRUE(info == info);
  EXPECT_FALSE(info == (ImageInfo{"b", 1, 2, ObjectSize::kLarge}));
  EXPECT_FALSE(info == (ImageInfo{"a", 2, 2, ObjectSize::kLarge}));
  EXPECT_FALSE(info == (ImageInfo{"a", 1, {}, ObjectSize::kLarge}));
  EXPECT_FALSE(info == (ImageInfo{"a", 1, 2, ObjectSize::kSmall}));
}

}  // namespace
}  // namespace wsol
