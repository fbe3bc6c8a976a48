#include "vision/crf/low_rank_gaussian.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

#include "gtest/gtest.h"

namespace vision {
namespace {

double LargestError(const LowRankGaussian& low_rank, double sigma) {
  double largest = 0;
  for (int i = 0; i < low_rank.size; ++i) {
    for (int j = 0; j < low_rank.size; ++j) {
      double sum = 0;
      for (int m = 0; m < low_rank.rank; ++m) {
        sum += low_rank.functions[static_cast<size_t>(m) * low_rank.size + i] *
               low_rank.functions[static_cast<size_t>(m) * low_rank.size + j];
      }
      const double d = (i - j) / sigma;
      largest = std::max(largest, std::abs(sum - std::exp(-0.5 * d * d)));
    }
  }
  return largest;
}

TEST(LowRankGaussianTest, OnePointIsOneFunctionOfValueOne) {
  const std::optional<LowRankGaussian> one = FactorizeGaussian(1, 3, 1e-6, 5);
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->rank, 1);
  EXPECT_EQ(std::abs(one->functions[0]), 1.0);
  EXPECT_EQ(one->energies[0], 1.0);
}

TEST(LowRankGaussianTest, StaysWithinTheTolerance) {
  for (const double tolerance : {1e-2, 1e-4, 1e-8}) {
    for (const double sigma : {1.0, 20.0, 100.0}) {
      const std::optional<LowRankGaussian> low_rank =
          FactorizeGaussian(61, sigma, tolerance, 61);
      ASSERT_TRUE(low_rank.has_value());
      // The second term is rounding.
      EXPECT_LE(LargestError(*low_rank, sigma), tolerance + 1e-13);
    }
  }
}

TEST(LowRankGaussianTest, NeedsFewFunctionsForAWideKernel) {
  const std::optional<LowRankGaussian> low_rank =
      FactorizeGaussian(224, 100, 1e-4, 224);
  ASSERT_TRUE(low_rank.has_value());
  EXPECT_LE(low_rank->rank, 8);
  for (int m = 1; m < low_rank->rank; ++m) {
    EXPECT_LT(low_rank->energies[m], low_rank->energies[m - 1]);
  }
}

TEST(LowRankGaussianTest, FunctionsAreOrthogonal) {
  const std::optional<LowRankGaussian> low_rank =
      FactorizeGaussian(40, 15, 1e-6, 40);
  ASSERT_TRUE(low_rank.has_value());
  for (int a = 0; a < low_rank->rank; ++a) {
    for (int b = 0; b < low_rank->rank; ++b) {
      double dot = 0;
      for (int i = 0; i < 40; ++i) {
        dot += low_rank->functions[static_cast<size_t>(a) * 40 + i] *
               low_rank->functions[static_cast<size_t>(b) * 40 + i];
      }
      EXPECT_NEAR(dot, a == b ? low_rank->energies[a] : 0, 1e-12);
    }
  }
}

TEST(LowRankGaussianTest, GivesUpBeyondTheLargestRank) {
  // A kernel much narrower than a pixel is the identity, of full rank.
  EXPECT_FALSE(FactorizeGaussian(50, 0.01, 1e-3, 49).has_value());
  EXPECT_TRUE(FactorizeGaussian(50, 0.01, 1e-3, 50).has_value());
}

}  // namespace
}  // namespace vision
