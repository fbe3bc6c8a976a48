#include "fcam/decoder/segmentation_head.h"

#include <cmath>

#include "ATen/ATen.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"
#include "torch/types.h"

namespace fcam {
namespace {

using ::testing::HasShape;
using ::testing::Not;
using ::testing::TensorEq;
using ::testing::TensorNear;

TEST(SegmentationHeadTest, IsAConvolutionWithBias) {
  SegmentationHead head(3, 1);
  head.to(at::kDouble);
  const auto parameters = head.named_parameters();
  ASSERT_EQ(parameters.size(), 2u);
  // Background: a constant. Foreground: the value to the left in channel 2.
  const at::NoGradGuard no_grad;
  parameters["0.weight"].zero_();
  parameters["0.weight"][1][2][1][0].fill_(1);
  parameters["0.bias"][0].fill_(-7);
  at::manual_seed(1);
  const at::Tensor x = at::randn({2, 3, 4, 5}, at::kDouble);
  const at::Tensor y = head.forward(x);
  EXPECT_THAT(y, HasShape({2, 2, 4, 5}));
  EXPECT_TRUE((y.select(1, kBackgroundChannel) == -7).all().item<bool>());
  at::Tensor shifted = at::zeros({2, 4, 5}, at::kDouble);
  shifted.slice(2, 1).copy_(x.select(1, 2).slice(2, 0, 4));
  EXPECT_THAT(y.select(1, kForegroundChannel), TensorNear(shifted, 1e-14));
}

TEST(SegmentationHeadTest, StartsXavierUniformFromItsSeed) {
  SegmentationHead a(16, 1), b(16, 1), c(16, 2);
  const at::Tensor weight = a.named_parameters()["0.weight"];
  EXPECT_THAT(weight, HasShape({2, 16, 3, 3}));
  EXPECT_THAT(b.named_parameters()["0.weight"], TensorEq(weight));
  EXPECT_THAT(c.named_parameters()["0.weight"], Not(TensorEq(weight)));
  // Bound sqrt(6 / (16 * 9 + 2 * 9)) = .19245; 288 draws come near it.
  EXPECT_LE(weight.abs().max().item<double>(), std::sqrt(6.0 / 162) + 1e-6);
  EXPECT_GE(weight.abs().max().item<double>(), 0.17);
  EXPECT_TRUE((a.named_parameters()["0.bias"] == 0).all().item<bool>());
}

}  // namespace
}  // namespace fcam
