#include "wsol/pooling/gap.h"

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

using ::testing::HasShape;
using ::testing::TensorEq;
using ::testing::TensorNear;

PoolingOptions Options(bool background) {
  PoolingOptions options;
  options.in_channels = 3;
  options.num_classes = 2;
  options.support_background = background;
  return options;
}

TEST(GapTest, AveragesTheClassMaps) {
  for (const bool background : {false, true}) {
    GapHead head(Options(background));
    const at::Tensor features = at::rand({2, 3, 4, 5});
    const at::Tensor maps = head.Maps(features);
    EXPECT_THAT(maps, HasShape({2, background ? 3 : 2, 4, 5}));
    const at::Tensor class_maps = head.ClassMaps(features).detach();
    EXPECT_THAT(class_maps,
                TensorEq(maps.slice(1, background ? 1 : 0).detach()));
    EXPECT_THAT(head.forward(features).detach(),
                TensorNear(class_maps.mean(at::IntArrayRef({2, 3})), 1e-6));
  }
}

TEST(GapTest, ClassWeightsMakeTheMapsUpToTheBias) {
  GapHead head(Options(/*background=*/true));
  const at::NoGradGuard no_grad;
  head.named_parameters()["conv.bias"].copy_(at::tensor({9.f, 0.f, 0.f}));
  const at::Tensor features = at::rand({1, 3, 2, 2});
  EXPECT_THAT(at::einsum("kc,nchw->nkhw", {head.class_weights(), features}),
              TensorNear(head.ClassMaps(features), /*atol=*/1e-6));
}

TEST(GapTest, TheBackgroundGetsNoGradientFromTheLogits) {
  GapHead head(Options(/*background=*/true));
  head.forward(at::rand({2, 3, 4, 4})).sum().backward();
  const at::Tensor gradient = head.named_parameters()["conv.bias"].grad();
  // d mean / d bias = 1 for each of the two images.
  EXPECT_THAT(gradient, TensorNear(at::tensor({0.f, 2.f, 2.f}), 1e-6));
}

}  // namespace
}  // namespace wsol
