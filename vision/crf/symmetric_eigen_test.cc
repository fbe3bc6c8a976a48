#include "vision/crf/symmetric_eigen.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "vision/base/rng.h"

namespace vision {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

TEST(SymmetricEigenTest, MatchesAHandComputedCase) {
  // [[2, 1], [1, 2]]: (1, 1) / sqrt(2) with 3, (1, -1) / sqrt(2) with 1.
  const SymmetricEigen eigen = ComputeSymmetricEigen({2, 1, 1, 2}, 2);
  EXPECT_THAT(eigen.values,
              ElementsAre(DoubleNear(3, 1e-15), DoubleNear(1, 1e-15)));
  EXPECT_NEAR(std::abs(eigen.vectors[0]), std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(eigen.vectors[0], eigen.vectors[1], 1e-15);
  EXPECT_NEAR(eigen.vectors[2], -eigen.vectors[3], 1e-15);
}

TEST(SymmetricEigenTest, SortsADiagonalMatrix) {
  const SymmetricEigen eigen =
      ComputeSymmetricEigen({1, 0, 0, 0, 5, 0, 0, 0, -2}, 3);
  EXPECT_THAT(eigen.values, ElementsAre(5, 1, -2));
  EXPECT_THAT(eigen.vectors, ElementsAre(0, 1, 0, 1, 0, 0, 0, 0, 1));
}

TEST(SymmetricEigenTest, HandlesSizeOneAndTheZeroMatrix) {
  EXPECT_THAT(ComputeSymmetricEigen({7}, 1).values, ElementsAre(7));
  EXPECT_THAT(ComputeSymmetricEigen({0, 0, 0, 0}, 2).values, ElementsAre(0, 0));
}

TEST(SymmetricEigenTest, RebuildsRandomMatricesFromOrthonormalVectors) {
  constexpr size_t kSize = 12;
  Rng rng(1);
  std::vector<double> matrix(kSize * kSize);
  for (size_t a = 0; a < kSize; ++a) {
    for (size_t b = 0; b <= a; ++b) {
      matrix[a * kSize + b] = matrix[b * kSize + a] = rng.Uniform(-1, 1);
    }
  }
  const SymmetricEigen eigen = ComputeSymmetricEigen(matrix, kSize);
  for (size_t a = 0; a < kSize; ++a) {
    for (size_t b = 0; b < kSize; ++b) {
      double rebuilt = 0;
      double dot = 0;
      for (size_t m = 0; m < kSize; ++m) {
        rebuilt += eigen.values[m] * eigen.vectors[m * kSize + a] *
                   eigen.vectors[m * kSize + b];
        dot += eigen.vectors[a * kSize + m] * eigen.vectors[b * kSize + m];
      }
      EXPECT_NEAR(rebuilt, matrix[a * kSize + b], 1e-13);
      EXPECT_NEAR(dot, a == b ? 1 : 0, 1e-13);
    }
    if (a > 0) {
      EXPECT_LE(eigen.values[a], eigen.values[a - 1]);
    }
  }
}

}  // namespace
}  // namespace vision
