#include "wsol/report/ticks.h"

#include <cmath>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Le;
using ::testing::SizeIs;

TEST(TicksTest, StepsAreRound) {
  // (100 - 0) / 5 = 20, which is 2 * 10^1.
  EXPECT_THAT(TicksWithin(0, 100, 5).values,
              ElementsAre(0, 20, 40, 60, 80, 100));
  // (7 - 0) / 5 = 1.4, rounded up to 2.
  EXPECT_THAT(TicksWithin(0, 7, 5).values, ElementsAre(0, 2, 4, 6));
  // 30 / 5 = 6, rounded up to 10.
  EXPECT_THAT(TicksWithin(-14, 16, 5).values, ElementsAre(-10, 0, 10));
}

TEST(TicksTest, ValuesAreTheNearestDoubles) {
  // 3 * 0.1 is not 0.3 in doubles; the tick is.
  EXPECT_THAT(TicksWithin(0, 0.5, 5).values,
              ElementsAre(0, 0.1, 0.2, 0.3, 0.4, 0.5));
}

TEST(TicksTest, LabelsShowTheDigitsOfTheStep) {
  EXPECT_THAT(TicksWithin(0, 1, 2).labels, ElementsAre("0.0", "0.5", "1.0"));
  EXPECT_THAT(TicksWithin(0, 1000, 2).labels, ElementsAre("0", "500", "1000"));
  EXPECT_THAT(TicksWithin(-0.02, 0.02, 2).labels,
              ElementsAre("-0.02", "0.00", "0.02"));
  EXPECT_THAT(TicksWithin(0, 4e-7, 2).labels,
              ElementsAre("0", "2e-07", "4e-07"));
  EXPECT_THAT(TicksWithin(0, 4e8, 2).labels,
              ElementsAre("0", "2e+08", "4e+08"));
}

TEST(TicksTest, AroundReachesBothEnds) {
  EXPECT_THAT(TicksAround(3, 97, 5).values,
              ElementsAre(0, 20, 40, 60, 80, 100));
  EXPECT_THAT(TicksAround(0, 100, 5).values,
              ElementsAre(0, 20, 40, 60, 80, 100));
  EXPECT_THAT(TicksAround(-1, 1, 2).values, ElementsAre(-1, 0, 1));
}

TEST(TicksTest, WholeNumbersHaveNoHalves) {
  EXPECT_THAT(TicksWithin(1, 3, 8, 1).values, ElementsAre(1, 2, 3));
  EXPECT_THAT(TicksWithin(0.5, 1.5, 8, 1).values, ElementsAre(1));
  EXPECT_THAT(TicksWithin(1, 3, 8, 1).labels, ElementsAre("1", "2", "3"));
}

TEST(TicksTest, HoldsItsPromisesForManyRanges) {
  for (int exponent = -30; exponent <= 30; ++exponent) {
    for (const double offset : {0.0, 0.37, -5.1, 1e6}) {
      for (int target = 2; target < 12; ++target) {
        const double size = 1.7 * std::pow(10.0, exponent);
        const double low = offset * size, high = low + size;
        const Ticks within = TicksWithin(low, high, target);
        EXPECT_THAT(within.values, SizeIs(Ge(2u)));
        EXPECT_THAT(within.values, SizeIs(Le(static_cast<size_t>(target) + 1)));
        EXPECT_THAT(within.labels, SizeIs(within.values.size()));
        const double slack = 1e-6 * size;
        EXPECT_GE(within.values.front(), low - slack);
        EXPECT_LE(within.values.back(), high + slack);
        const double mantissa =
            within.step /
            std::pow(10.0, std::floor(std::log10(within.step) + 1e-9));
        EXPECT_TRUE(std::abs(mantissa - 1) < 1e-9 ||
                    std::abs(mantissa - 2) < 1e-9 ||
                    std::abs(mantissa - 5) < 1e-9)
            << within.step;
        const Ticks around = TicksAround(low, high, target);
        EXPECT_THAT(around.values, SizeIs(Le(static_cast<size_t>(target) + 2)));
        EXPECT_LE(around.values.front(), low + slack);
        EXPECT_GE(around.values.back(), high - slack);
      }
    }
  }
}

TEST(TicksDeathTest, DiesOfAnEmptyRange) {
  EXPECT_DEATH(TicksWithin(1, 1, 5), "");
  EXPECT_DEATH(TicksAround(0, NAN, 5), "");
  EXPECT_DEATH(TicksAround(0, 1, 1), "");
}

}  // namespace
}  // namespace wsol
