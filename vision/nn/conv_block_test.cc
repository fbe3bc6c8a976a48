#include "vision/nn/conv_block.h"

#include <cmath>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"

namespace vision {
namespace {

using ::testing::ElementsAre;
using ::testing::HasShape;
using ::testing::TensorNear;

// Fills with 1 and leaves the norm in eval mode at its start: x / sqrt(1 +
// 1e-5).
template <typename Block>
void MakeSum(Block& block) {
  block.eval();
  const at::NoGradGuard no_grad;
  block.conv().weight.fill_(1);
}

TEST(ConvNormTest, SumsTheNeighbourhood) {
  ConvNorm block(/*in_channels=*/1, /*out_channels=*/1, /*kernel=*/3);
  MakeSum(block);
  // The 3 x 3 sums of a 2 x 2 image of 1, 2, 3, 4, padded with 0, are all 10.
  const at::Tensor x =
      at::tensor({1., 2., 3., 4.}, at::kFloat).view({1, 1, 2, 2});
  EXPECT_THAT(
      block.forward(x),
      TensorNear(at::full({1, 1, 2, 2}, 10 / std::sqrt(1 + 1e-5), at::kFloat),
                 /*atol=*/1e-5));
}

TEST(ConvNormReluTest, CutsNegativeValues) {
  ConvNormRelu block(1, 1, /*kernel=*/1);
  MakeSum(block);
  const at::Tensor x = at::tensor({-1., 2.}, at::kFloat).view({1, 1, 1, 2});
  const at::Tensor expected =
      at::tensor({0., 2 / std::sqrt(1 + 1e-5)}, at::kFloat).view({1, 1, 1, 2});
  EXPECT_THAT(block.forward(x), TensorNear(expected, /*atol=*/1e-6));
}

TEST(ConvNormReluTest, GradientsReachEveryParameter) {
  ConvNormRelu block(2, 3, 3);
  const at::Tensor x = at::rand({2, 2, 5, 4}).requires_grad_();
  block.forward(x).sum().backward();
  EXPECT_TRUE(x.grad().defined());
  for (const auto& parameter : block.named_parameters()) {
    EXPECT_TRUE(parameter.value().grad().defined()) << parameter.key();
  }
}

TEST(ConvNormTest, HasTheKeysOfASequential) {
  const ConvNorm block(1, 2, 3);
  std::vector<std::string> names;
  for (const auto& item : block.named_parameters()) names.push_back(item.key());
  for (const auto& item : block.named_buffers()) names.push_back(item.key());
  EXPECT_THAT(names,
              ElementsAre("0.weight", "1.weight", "1.bias", "1.running_mean",
                          "1.running_var", "1.num_batches_tracked"));
}

TEST(MakeConv2dTest, RoundsSizesUp) {
  // Odd and even sizes: 5 -> 3, 4 -> 2 at stride 2.
  EXPECT_THAT(
      MakeConv2d(1, 2, 3, /*stride=*/2)->forward(at::zeros({1, 1, 5, 4})),
      HasShape({1, 2, 3, 2}));
  EXPECT_THAT(MakeConv2d(1, 2, 7, 2)->forward(at::zeros({1, 1, 1, 1})),
              HasShape({1, 2, 1, 1}));
  EXPECT_THAT(MakeConv2d(4, 8, 3, 1, /*groups=*/4)->weight,
              HasShape({8, 1, 3, 3}));
}

}  // namespace
}  // namespace vision
