#include "wsol/training/weight_average.h"

#include "ATen/ATen.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"
#include "torch/nn/modules/batchnorm.h"

namespace wsol {
namespace {

using ::testing::TensorEq;

// Parameters weight and bias, buffers running_mean, running_var and
// num_batches_tracked.
torch::nn::BatchNorm1d MakeNorm() {
  torch::nn::BatchNorm1d norm(2);
  const at::NoGradGuard no_grad;
  norm->weight.fill_(8);
  norm->running_mean.fill_(4);
  return norm;
}

TEST(WeightAverageTest, FollowsTheWeights) {
  torch::nn::BatchNorm1d norm = MakeNorm();
  WeightAverage average(*norm, 0.75);
  {
    const at::NoGradGuard no_grad;
    norm->weight.fill_(0);
    norm->running_mean.fill_(8);
    norm->num_batches_tracked.fill_(3);
  }
  average.Update();
  average.Swap();
  // 3/4 8 + 1/4 0, 3/4 4 + 1/4 8; counts are copied.
  EXPECT_THAT(norm->weight.detach(), TensorEq(at::full({2}, 6.0f)));
  EXPECT_THAT(norm->running_mean, TensorEq(at::full({2}, 5.0f)));
  EXPECT_EQ(norm->num_batches_tracked.item<int64_t>(), 3);
  average.Swap();
  EXPECT_THAT(norm->weight.detach(), TensorEq(at::zeros({2})));
  EXPECT_THAT(norm->running_mean, TensorEq(at::full({2}, 8.0f)));
  average.Update();
  average.Swap();
  EXPECT_THAT(norm->weight.detach(), TensorEq(at::full({2}, 4.5f)));
}

TEST(WeightAverageTest, StartsWithTheWeightsAndKeepsGradients) {
  torch::nn::BatchNorm1d norm = MakeNorm();
  WeightAverage average(*norm, 0.9);
  average.Update();
  average.Swap();
  EXPECT_THAT(norm->weight.detach(), TensorEq(at::full({2}, 8.0f)));
  EXPECT_TRUE(norm->weight.requires_grad());
  EXPECT_EQ(average.tensors().size(), 5u);
}

}  // namespace
}  // namespace wsol
