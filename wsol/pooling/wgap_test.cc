#include "wsol/pooling/wgap.h"

#include <cmath>
#include <cstdint>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

using ::testing::CheckGradient;
using ::testing::HasShape;
using ::testing::IsOk;
using ::testing::TensorEq;
using ::testing::TensorNear;

PoolingOptions Options(int64_t in_channels, int64_t num_classes) {
  PoolingOptions options;
  options.in_channels = in_channels;
  options.num_classes = num_classes;
  return options;
}

TEST(WgapTest, WeighsTheMeans) {
  WgapHead head(Options(2, 1));
  const at::NoGradGuard no_grad;
  head.class_weights().copy_(at::tensor({10.f, -1.f}).view({1, 2}));
  head.named_parameters()["fc.bias"].fill_(0.5);
  // Means 2.5 and 1: 10 * 2.5 - 1 + 0.5 = 24.5.
  const at::Tensor features =
      at::tensor({1.f, 2.f, 3.f, 4.f, 1.f, 1.f, 0.f, 2.f}).view({1, 2, 2, 2});
  EXPECT_THAT(head.forward(features), TensorEq(at::full({1, 1}, 24.5f)));
}

TEST(WgapTest, StartsWithBiasZeroAndXavierBounds) {
  const WgapHead head(Options(50, 30));
  EXPECT_THAT(head.named_parameters()["fc.bias"].detach(),
              TensorEq(at::zeros({30})));
  const float bound = std::sqrt(6.f / 80);
  const float largest = head.class_weights().abs().max().item<float>();
  EXPECT_LE(largest, bound);
  EXPECT_GT(largest, 0.95f * bound);
}

TEST(WgapTest, HasNoMaps) {
  WgapHead head(Options(2, 3));
  EXPECT_FALSE(head.has_maps());
  EXPECT_THROW(head.Maps(at::rand({1, 2, 3, 3})), c10::Error);
  EXPECT_THAT(head.class_weights(), HasShape({3, 2}));
}

TEST(WgapTest, IgnoresTheOrderOfPixels) {
  WgapHead head(Options(2, 3));
  const at::Tensor features = at::rand({2, 2, 4, 3});
  EXPECT_THAT(head.forward(features.flip({2, 3})).detach(),
              TensorNear(head.forward(features).detach(), /*atol=*/1e-6));
}

TEST(WgapTest, GradientMatchesFiniteDifferences) {
  WgapHead head(Options(2, 3));
  head.to(at::kDouble);
  EXPECT_THAT(
      CheckGradient(
          [&](const at::Tensor& x) { return head.forward(x).pow(2).sum(); },
          at::rand({2, 2, 3, 2}, at::kDouble)),
      IsOk());
}

TEST(WgapTest, RejectsOtherFeatures) {
  WgapHead head(Options(2, 3));
  EXPECT_THROW(head.forward(at::rand({1, 3, 4, 4})), c10::Error);
  EXPECT_THROW(head.forward(at::rand({2, 4, 4})), c10::Error);
  EXPECT_THROW(head.forward(at::rand({1, 2, 0, 4})), c10::Error);
  EXPECT_THAT(head.forward(at::rand({0, 2, 4, 4})), HasShape({0, 3}));
  EXPECT_THAT(head.forward(at::rand({1, 2, 1, 1})), HasShape({1, 3}));
}

}  // namespace
}  // namespace wsol
