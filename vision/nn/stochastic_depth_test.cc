#include "vision/nn/stochastic_depth.h"

#include <cstdint>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"
#include "vision/nn/freeze.h"

namespace vision {
namespace {

using ::testing::TensorEq;

TEST(StochasticDepthTest, DropsWholeImagesAndKeepsTheMean) {
  StochasticDepth depth(0.75);
  at::manual_seed(1);
  const int64_t images = 4000;
  const at::Tensor y = depth.forward(at::ones({images, 2, 1, 3}));
  // An image is 0 throughout, or 1 / (1 - .75) = 4 throughout.
  EXPECT_THAT(y, TensorEq(y.slice(1, 0, 1).slice(3, 0, 1).expand_as(y)));
  EXPECT_TRUE(((y == 0) | (y == 4)).all().item<bool>());
  // The deviation of the mean is 4 sqrt(.25 * .75 / 4000) = .03.
  EXPECT_NEAR(y.mean().item<double>(), 1, 0.12);
}

TEST(StochasticDepthTest, IsTheIdentityOtherwise) {
  const at::Tensor x = at::rand({3, 2});
  StochasticDepth never(0);
  EXPECT_THAT(never.forward(x), TensorEq(x));
  StochasticDepth depth(0.9);
  depth.eval();
  EXPECT_THAT(depth.forward(x), TensorEq(x));
  depth.train();
  SetNormAndDropoutToEval(depth);  // It is a kind of dropout.
  EXPECT_THAT(depth.forward(x), TensorEq(x));
  EXPECT_THAT(depth.forward(at::empty({0, 2})), TensorEq(at::empty({0, 2})));
}

TEST(StochasticDepthTest, GradientIsThatOfTheKeptImages) {
  StochasticDepth depth(0.5);
  const at::Tensor x = at::rand({64, 3}).requires_grad_();
  const at::Tensor y = depth.forward(x);
  y.sum().backward();
  EXPECT_THAT(x.grad(), TensorEq((y / x).detach().round()));
}

}  // namespace
}  // namespace vision
