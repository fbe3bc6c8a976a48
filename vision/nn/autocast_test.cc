#include "vision/nn/autocast.h"

#include "ATen/ATen.h"
#include "gtest/gtest.h"

namespace vision {
namespace {

at::Tensor Product() { return at::ones({2, 3}).matmul(at::ones({3, 2})); }

TEST(AutocastTest, MakesProductsInBFloat16WithinTheScope) {
  EXPECT_EQ(Product().scalar_type(), at::kFloat);
  {
    const Autocast autocast(/*enabled=*/true);
    EXPECT_EQ(Product().scalar_type(), at::kBFloat16);
    {
      const Autocast inner(/*enabled=*/true);
      EXPECT_EQ(Product().scalar_type(), at::kBFloat16);
    }
    EXPECT_EQ(Product().scalar_type(), at::kBFloat16);
  }
  EXPECT_EQ(Product().scalar_type(), at::kFloat);
}

TEST(AutocastTest, DoesNothingIfNotEnabled) {
  const Autocast autocast(/*enabled=*/false);
  EXPECT_EQ(Product().scalar_type(), at::kFloat);
}

// 1.001 is 1 in bfloat16, but the gradient belongs to the float32 weight.
TEST(AutocastTest, GradientsAreFloat32) {
  const at::Tensor weight =
      at::full({3, 2}, 1.001, at::kFloat).set_requires_grad(true);
  at::Tensor sum;
  {
    const Autocast autocast(/*enabled=*/true);
    sum = at::ones({1, 3}).matmul(weight).sum();
  }
  sum.backward();
  EXPECT_EQ(weight.grad().scalar_type(), at::kFloat);
  EXPECT_TRUE(weight.grad().equal(at::ones({3, 2})));
}

// The copy of a weight that a scope made must not outlive an update.
TEST(AutocastTest, SeesNewWeightsInTheNextScope) {
  at::Tensor weight = at::ones({3, 2}).set_requires_grad(true);
  const auto product = [&] {
    const Autocast autocast(/*enabled=*/true);
    return at::ones({1, 3}).matmul(weight).to(at::kFloat);
  };
  EXPECT_EQ(product()[0][0].item<float>(), 3);
  {
    const at::NoGradGuard no_grad;
    weight.mul_(2);
  }
  EXPECT_EQ(product()[0][0].item<float>(), 6);
}

}  // namespace
}  // namespace vision
