#include "wsol/cam/normalize_cam.h"

#include <cmath>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"

namespace wsol {
namespace {

using ::testing::HasShape;
using ::testing::TensorEq;
using ::testing::TensorNear;

TEST(NormalizeMapsTest, StretchesEachMapToZeroAndOne) {
  // -1, 1, 3, 0 -> 0, 2, 4, 1 -> / 4; 5, 5, 7, 6 -> 0, 0, 2, 1 -> / 2.
  const at::Tensor maps =
      at::tensor({-1.f, 1.f, 3.f, 0.f, 5.f, 5.f, 7.f, 6.f}).view({2, 2, 2});
  const NormalizedMaps result = NormalizeMaps(maps);
  EXPECT_THAT(result.maps,
              TensorEq(at::tensor({0.f, .5f, 1.f, .25f, 0.f, 0.f, 1.f, .5f})
                           .view({2, 2, 2})));
  EXPECT_EQ(result.num_constant, 0);
  EXPECT_EQ(result.num_not_finite, 0);
}

TEST(NormalizeMapsTest, IgnoresOffsetAndScale) {
  const at::Tensor maps = at::rand({3, 5, 4}, at::kDouble);
  EXPECT_THAT(NormalizeMaps(maps * 7 - 3).maps,
              TensorNear(NormalizeMaps(maps).maps, /*atol=*/1e-12));
}

TEST(NormalizeMapsTest, MapsWithoutContrastBecomeZerosAndAreCounted) {
  at::Tensor maps = at::rand({6, 3, 4});
  const at::Tensor before = NormalizeMaps(maps).maps;
  maps[1].fill_(0);
  maps[2].fill_(-2.5);
  maps[3][1][1] = NAN;
  maps[4][2][0] = INFINITY;
  maps[5][0][3] = -INFINITY;
  const at::Tensor copy = maps.clone();
  const NormalizedMaps result = NormalizeMaps(maps);
  EXPECT_EQ(result.num_constant, 2);
  EXPECT_EQ(result.num_not_finite, 3);
  EXPECT_THAT(result.maps[0], TensorEq(before[0]));
  EXPECT_THAT(result.maps.slice(0, 1), TensorEq(at::zeros({5, 3, 4})));
  EXPECT_THAT(maps, TensorEq(copy));  // The input stays.
}

TEST(NormalizeMapsTest, TakesAnyNumberOfMapsAndSizes) {
  EXPECT_THAT(NormalizeMaps(at::rand({2, 3, 4, 5})).maps,
              HasShape({2, 3, 4, 5}));
  EXPECT_THAT(NormalizeMaps(at::rand({4, 5})).maps, HasShape({4, 5}));
  EXPECT_THAT(NormalizeMaps(at::rand({0, 4, 5})).maps, HasShape({0, 4, 5}));
  // One pixel has no contrast.
  EXPECT_EQ(NormalizeMaps(at::rand({3, 1, 1})).num_constant, 3);
}

TEST(NormalizeMapsTest, TakesNonContiguousMaps) {
  const at::Tensor maps = at::rand({3, 4, 5});
  EXPECT_THAT(NormalizeMaps(maps.transpose(1, 2)).maps,
              TensorEq(NormalizeMaps(maps).maps.transpose(1, 2)));
}

TEST(NormalizeMapsTest, RejectsWhatIsNoMap) {
  EXPECT_THROW(NormalizeMaps(at::rand({4})), c10::Error);
  EXPECT_THROW(NormalizeMaps(at::rand({4, 0, 3})), c10::Error);
}

}  // namespace
}  // namespace wsol
