#include "vision/nn/freeze.h"

#include <memory>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/dropout.h"
#include "vision/nn/conv_block.h"

namespace vision {
namespace {

using ::testing::TensorEq;

// A block and a dropout layer, two levels deep.
struct Net : torch::nn::Module {
  Net()
      : block(register_module("block", std::make_shared<ConvNorm>(1, 2, 3))),
        dropout(register_module("dropout",
                                std::make_shared<torch::nn::DropoutImpl>())) {}

  at::Tensor forward(const at::Tensor& x) {
    return dropout->forward(block->forward(x));
  }

  std::shared_ptr<ConvNorm> block;
  std::shared_ptr<torch::nn::DropoutImpl> dropout;
};

TEST(FreezeTest, StopsGradientsStatisticsAndDropout) {
  const auto net = std::make_shared<Net>();
  EXPECT_FALSE(IsFrozen(*net));
  Freeze(*net);
  EXPECT_TRUE(IsFrozen(*net));
  const at::Tensor mean = net->block->norm().running_mean.clone();
  const at::Tensor x = at::rand({2, 1, 4, 4});
  const at::Tensor y = net->forward(x);
  EXPECT_FALSE(y.requires_grad());
  EXPECT_THAT(net->forward(x), TensorEq(y));  // No dropout.
  EXPECT_THAT(net->block->norm().running_mean, TensorEq(mean));
}

TEST(FreezeTest, LeavesTheModeOfOtherModules) {
  Net net;  // Not owned by a shared_ptr: works too.
  Freeze(net);
  EXPECT_TRUE(net.is_training());
  EXPECT_TRUE(net.block->conv().is_training());
  EXPECT_FALSE(net.block->norm().is_training());
  EXPECT_FALSE(net.dropout->is_training());
}

TEST(FreezeTest, TrainThawsNormsUntilTheyAreSetAgain) {
  const auto net = std::make_shared<Net>();
  Freeze(*net);
  net->train();
  EXPECT_FALSE(IsFrozen(*net));
  SetNormAndDropoutToEval(*net);
  EXPECT_TRUE(IsFrozen(*net));
}

TEST(SetNormToEvalTest, LeavesDropoutInTrainingMode) {
  Net net;
  SetNormToEval(net);
  EXPECT_FALSE(net.block->norm().is_training());
  EXPECT_TRUE(net.dropout->is_training());
  EXPECT_TRUE(net.block->conv().weight.requires_grad());
}

TEST(FreezeTest, EmptyModuleIsFrozen) {
  torch::nn::Module empty;
  Freeze(empty);
  EXPECT_TRUE(IsFrozen(empty));
}

}  // namespace
}  // namespace vision
