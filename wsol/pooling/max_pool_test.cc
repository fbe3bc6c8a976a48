#include "wsol/pooling/max_pool.h"

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

using ::testing::TensorEq;

PoolingOptions Options() {
  PoolingOptions options;
  options.in_channels = 1;
  options.num_classes = 2;
  options.support_background = false;
  return options;
}

// Maps x and -x.
void SetWeights(MaxPoolHead& head) {
  const at::NoGradGuard no_grad;
  head.named_parameters()["conv.weight"].copy_(
      at::tensor({1.f, -1.f}).view({2, 1, 1, 1}));
}

TEST(MaxPoolTest, TakesTheMaximum) {
  MaxPoolHead head(Options());
  SetWeights(head);
  const at::Tensor features =
      at::tensor({3.f, -5.f, 0.f, 1.f}).view({1, 1, 2, 2});
  EXPECT_THAT(head.forward(features).detach(),
              TensorEq(at::tensor({3.f, 5.f}).view({1, 2})));
}

TEST(MaxPoolTest, OnePixelGetsTheGradient) {
  MaxPoolHead head(Options());
  SetWeights(head);
  // Two equal maxima.
  const at::Tensor features =
      at::tensor({3.f, 3.f, 0.f}).view({1, 1, 1, 3}).requires_grad_();
  head.forward(features).select(1, 0).sum().backward();
  EXPECT_EQ(features.grad().count_nonzero().item<int64_t>(), 1);
  EXPECT_EQ(features.grad().sum().item<float>(), 1);
}

}  // namespace
}  // namespace wsol
