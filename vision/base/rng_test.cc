#include "vision/base/rng.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <set>

#include "gtest/gtest.h"

namespace vision {
namespace {

TEST(RngTest, SameKeyGivesSameStream) {
  Rng a(1, {2, 3});
  Rng b(1, {2, 3});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.Next(), b.Next());
}

TEST(RngTest, StreamIsTheSameOnEveryMachine) {
  Rng rng(0, {1, 2});
  const uint64_t first = rng.Next();
  const uint64_t second = rng.Next();
  EXPECT_EQ(first, uint64_t{0x2B264574897B7329});
  EXPECT_EQ(second, uint64_t{0xE1073443938BD727});
}

TEST(RngTest, EveryWordOfTheKeyAndItsOrderMatter) {
  std::set<uint64_t> firsts;
  firsts.insert(Rng(0).Next());
  firsts.insert(Rng(1).Next());
  firsts.insert(Rng(0, {0}).Next());
  firsts.insert(Rng(0, {0, 0}).Next());
  firsts.insert(Rng(0, {0, 1}).Next());
  firsts.insert(Rng(0, {1, 0}).Next());
  firsts.insert(Rng(1, {0, 0}).Next());
  EXPECT_EQ(firsts.size(), 7u);
}

TEST(RngTest, UniformHasTheMomentsOfTheUnitInterval) {
  Rng rng(5);
  double sum = 0;
  double square_sum = 0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const double u = rng.Uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    square_sum += u * u;
  }
  // Standard errors are 0.0009 and 0.0009.
  EXPECT_NEAR(sum / kCount, 0.5, 0.005);
  EXPECT_NEAR(square_sum / kCount, 1.0 / 3, 0.005);
}

TEST(RngTest, UniformIntCoversItsRangeEvenly) {
  Rng rng(6);
  std::array<int, 7> counts = {};
  for (int i = 0; i < 70000; ++i) ++counts[rng.UniformInt(7)];
  // Five standard deviations of a binomial (70000, 1/7) count.
  for (const int count : counts) EXPECT_NEAR(count, 10000, 470);
  EXPECT_EQ(rng.UniformInt(1), 0u);
}

TEST(RngTest, NeighbouringKeysAreUncorrelated) {
  // Mean product of centred first draws of keys n and n + 1.
  double sum = 0;
  constexpr int kCount = 100000;
  for (uint64_t n = 0; n < kCount; ++n) {
    sum += (Rng(9, {n}).Uniform() - 0.5) * (Rng(9, {n + 1}).Uniform() - 0.5);
  }
  EXPECT_LT(std::abs(sum / kCount), 5 * (1.0 / 12) / std::sqrt(kCount));
}

}  // namespace
}  // namespace vision
