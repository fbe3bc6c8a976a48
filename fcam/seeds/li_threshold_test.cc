#include "fcam/seeds/li_threshold.h"

#include <cmath>
#include <cstdint>

#include "fcam/seeds/otsu.h"
#include "gtest/gtest.h"
#include "vision/base/rng.h"

namespace fcam {
namespace {

ByteHistogram RandomHistogram(uint64_t seed) {
  vision::Rng rng(seed);
  ByteHistogram histogram = {};
  const int levels = 2 + static_cast<int>(rng.UniformInt(200));
  for (int i = 0; i < levels; ++i) {
    // Squared: more pixels of low levels, as in maps.
    const double u = rng.Uniform();
    histogram[static_cast<int>(u * u * 256)] +=
        1 + static_cast<int64_t>(rng.UniformInt(50));
  }
  return histogram;
}

TEST(LiThresholdTest, IteratesByHand) {
  // Levels 10 (3 pixels), 20 (1) and 100 (1). From 20: m1 = 50 / 4 = 12.5,
  // m2 = 100, t = 87.5 / log 8 = 42.08: the same classes {10, 20}, {100}, and
  // again, so floor(t) = 42.
  ByteHistogram histogram = {};
  histogram[10] = 3;
  histogram[20] = 1;
  histogram[100] = 1;
  EXPECT_EQ(LiThreshold(histogram, 20), 42);
  EXPECT_EQ(LiThreshold(histogram, 42), 42);
  // From 10: m1 = 10, m2 = 60, t = 50 / log 6 = 27.9: 20 changes sides.
  EXPECT_EQ(LiThreshold(histogram, 10), 42);
}

TEST(LiThresholdTest, TakesTheLimitWhereTheLowClassIsZero) {
  ByteHistogram histogram = {};
  histogram[0] = 5;
  histogram[3] = 1;
  histogram[200] = 1;
  EXPECT_EQ(LiThreshold(histogram, 0), 0);
  // From 3: m1 = 3 / 6 = 0.5, m2 = 200, t = 199.5 / log 400 = 33.3.
  EXPECT_EQ(LiThreshold(histogram, 3), 33);
}

TEST(LiThresholdTest, KeepsTheGuessWhereAClassIsEmpty) {
  ByteHistogram histogram = {};
  EXPECT_EQ(LiThreshold(histogram, 7), 7);
  histogram[40] = 9;
  EXPECT_EQ(LiThreshold(histogram, 40), 40);
  EXPECT_EQ(LiThreshold(histogram, 39), 39);
}

TEST(LiThresholdTest, CrossEntropyByHand) {
  // Classes {1, 3} of mean 2 and {8}: log(1/2) + 3 log(3/2) + 0.
  ByteHistogram histogram = {};
  histogram[0] = 0;
  histogram[1] = 1;
  histogram[3] = 1;
  histogram[8] = 1;
  EXPECT_NEAR(ThresholdCrossEntropy(histogram, 3),
              std::log(0.5) + 3 * std::log(1.5), 1e-15);
  EXPECT_NEAR(ThresholdCrossEntropy(histogram, 1),
              3 * std::log(3 / 5.5) + 8 * std::log(8 / 5.5), 1e-15);
}

TEST(LiThresholdTest, NeverRaisesTheCrossEntropyAndStaysWhereItEnds) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const ByteHistogram histogram = RandomHistogram(seed);
    const int otsu = OtsuThreshold(histogram);
    const int li = LiThreshold(histogram, otsu);
    EXPECT_LE(ThresholdCrossEntropy(histogram, li),
              ThresholdCrossEntropy(histogram, otsu) + 1e-9)
        << seed;
    EXPECT_EQ(LiThreshold(histogram, li), li) << seed;
  }
}

}  // namespace
}  // namespace fcam
