#include "vision/crf/cuda/spatial_basis.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

TEST(SpatialBasisTest, ProductsAddUpToTheGaussian) {
  for (const auto& shape : {std::pair(1, 1), std::pair(1, 40), std::pair(40, 1),
                            std::pair(20, 31), std::pair(32, 32)}) {
    const int height = shape.first;
    const int width = shape.second;
    const double sigma = 15;
    const auto basis = MakeSpatialBasis(height, width, sigma);
    ASSERT_THAT(basis, IsOk());
    EXPECT_EQ(basis->num_functions % 8, 0);
    const size_t functions = static_cast<size_t>(basis->num_functions);
    double worst = 0;
    const int size = height * width;
    for (int i = 0; i < size; i += 3) {
      for (int j = 0; j < size; ++j) {
        const int dx = i % width - j % width;
        const int dy = i / width - j / width;
        double error = -std::exp(-0.5 * (dx * dx + dy * dy) / (sigma * sigma));
        for (size_t m = 0; m < functions; ++m) {
          const auto phi = [&](int p) {
            return static_cast<double>(
                       basis->x[static_cast<size_t>(p % width) * functions +
                                m]) *
                   basis->y[static_cast<size_t>(p / width) * functions + m];
          };
          error += phi(i) * phi(j);
        }
        worst = std::max(worst, std::abs(error));
      }
    }
    EXPECT_LE(worst, 1.01e-2) << height << " x " << width;
  }
}

TEST(SpatialBasisTest, SixteenFunctionsDoForImagesOfAboutTwoSigmas) {
  const auto basis = MakeSpatialBasis(224, 224, 100);
  ASSERT_THAT(basis, IsOk());
  EXPECT_LE(basis->num_functions, 24);
}

TEST(SpatialBasisTest, RefusesASigmaFarBelowTheImage) {
  EXPECT_THAT(MakeSpatialBasis(64, 64, 3).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("got 3 for 64 x 64")));
  EXPECT_THAT(MakeSpatialBasis(0, 64, 3).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must be positive, got 0, 64, 3")));
}

}  // namespace
}  // namespace vision
