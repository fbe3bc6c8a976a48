#include "vision/nn/fold_norms.h"

#include <cstdint>
#include <memory>
#include <string>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "c10/util/Exception.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/batchnorm.h"
#include "torch/nn/modules/conv.h"
#include "torch/nn/options/batchnorm.h"
#include "torch/nn/options/conv.h"
#include "vision/nn/conv_block.h"
#include "vision/nn/conv_norm_pair.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

// A stem with a biased, grouped, strided convolution, and two blocks below.
struct Net : torch::nn::Module, ConvNormOwner {
  Net()
      : stem(RegisterConvNorm(*this, "conv1",
                              std::make_shared<torch::nn::Conv2dImpl>(
                                  torch::nn::Conv2dOptions(4, 6, {3, 1})
                                      .stride(2)
                                      .padding({1, 0})
                                      .groups(2)),
                              "bn1",
                              std::make_shared<torch::nn::BatchNorm2dImpl>(
                                  torch::nn::BatchNorm2dOptions(6).eps(0.1)))),
        first(
            register_module("first", std::make_shared<ConvNormRelu>(6, 5, 3))),
        second(register_module("second", std::make_shared<ConvNorm>(5, 2, 1))) {
  }

  at::Tensor forward(const at::Tensor& x) {
    return second->forward(first->forward(stem->ForwardRelu(x)));
  }

  std::shared_ptr<ConvNormPair> stem;
  std::shared_ptr<ConvNormRelu> first;
  std::shared_ptr<ConvNorm> second;
};

void Randomize(torch::nn::Module& module) {
  const at::NoGradGuard no_grad;
  at::manual_seed(1);
  for (const auto& item : module.named_parameters()) {
    item.value().uniform_(-1, 1);
  }
  for (const auto& item : module.named_buffers()) {
    if (item.value().is_floating_point()) item.value().uniform_(0.5, 2);
  }
}

// y = (2 x - 1) 3 / sqrt(3.75 + .25) + 4 = 3 x + 2.5.
TEST(FoldNormsTest, ByHand) {
  ConvNorm block(1, 1, 1);
  block.eval();
  {
    const at::NoGradGuard no_grad;
    block.conv().weight.fill_(2);
    block.norm().running_mean.fill_(1);
    block.norm().running_var.fill_(3.75);
    block.norm().weight.fill_(3);
    block.norm().bias.fill_(4);
  }
  block.norm().options.eps(0.25);
  EXPECT_THAT(FoldNorms(block), IsOkAndHolds(1));
  EXPECT_THAT(block.conv().weight, TensorEq(at::full({1, 1, 1, 1}, 3.)));
  EXPECT_THAT(block.conv().bias, TensorEq(at::full({1}, 2.5)));
  EXPECT_THROW(block.norm(), c10::Error);
}

TEST(FoldNormsTest, KeepsTheFunction) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat}) {
    Net net;
    Randomize(net);
    net.to(type);
    net.eval();
    const at::Tensor x = at::rand({2, 4, 9, 7}, type);
    const at::NoGradGuard no_grad;
    const at::Tensor expected = net.forward(x);
    EXPECT_THAT(FoldNorms(net), IsOkAndHolds(3));
    const double scale = expected.abs().max().item<double>();
    EXPECT_THAT(
        net.forward(x),
        TensorNear(expected, (type == at::kDouble ? 1e-14 : 2e-6) * scale));
    EXPECT_THAT(FoldNorms(net), IsOkAndHolds(0));
  }
}

TEST(FoldNormsTest, RemovesTheNormsAndTheirGradients) {
  Net net;
  net.eval();
  ASSERT_THAT(FoldNorms(net), IsOkAndHolds(3));
  std::string keys;
  for (const auto& item : net.named_parameters()) {
    keys += item.key() + " ";
    EXPECT_FALSE(item.value().requires_grad()) << item.key();
  }
  EXPECT_EQ(keys,
            "conv1.weight conv1.bias first.0.weight first.0.bias "
            "second.0.weight second.0.bias ");
  EXPECT_TRUE(net.named_buffers().is_empty());
  const at::Tensor x = at::rand({1, 4, 5, 5}).requires_grad_();
  net.forward(x).sum().backward();
  EXPECT_TRUE(x.grad().defined());
  net.train();  // Without norms, the mode does not matter.
  const at::NoGradGuard no_grad;
  const at::Tensor trained = net.forward(x);
  net.eval();
  EXPECT_THAT(net.forward(x), TensorEq(trained));
}

TEST(FoldNormsTest, FoldsAFrozenPartOfANetworkThatTrains) {
  Net net;
  net.first->eval();
  EXPECT_THAT(FoldNorms(*net.first), IsOkAndHolds(1));
  EXPECT_TRUE(net.second->norm().is_training());
}

TEST(FoldNormsTest, RefusesNormsInTrainingModeAndChangesNothing) {
  Net net;
  net.eval();
  net.second->train();
  EXPECT_THAT(FoldNorms(net),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("a batch norm of second"),
                             HasSubstr("in training mode"))));
  EXPECT_FALSE(net.stem->folded());
}

TEST(PackFoldedConvolutionsTest, KeepsTheFunction) {
  Net net;
  Randomize(net);
  net.eval();
  EXPECT_EQ(PackFoldedConvolutions(net), 0);  // Nothing is folded.
  const at::Tensor x = at::rand({2, 4, 9, 7});
  const at::Tensor other =
      at::rand({1, 4, 6, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor expected;
  at::Tensor expected_other;
  {
    const at::NoGradGuard no_grad;
    expected = net.forward(x);
    expected_other = net.forward(other);
  }
  ASSERT_THAT(FoldNorms(net), IsOkAndHolds(3));
  const int64_t packed = PackFoldedConvolutions(net);
  if (packed == 0) GTEST_SKIP() << "this LibTorch has no packed convolutions";
  EXPECT_EQ(packed, 3);
  EXPECT_TRUE(net.stem->packed());
  {
    const at::NoGradGuard no_grad;
    for (int i = 0; i < 2; ++i) {  // Sizes change there and back.
      EXPECT_THAT(net.forward(x), TensorNear(expected, 1e-5, 1e-5));
      EXPECT_THAT(net.forward(other), TensorNear(expected_other, 1e-5, 1e-5));
    }
    EXPECT_THAT(net.forward(at::rand({0, 4, 9, 7})), HasShape({0, 2, 5, 4}));
  }
  // Gradients take the plain way.
  const at::Tensor input = x.clone().requires_grad_();
  const at::Tensor y = net.forward(input);
  EXPECT_THAT(y.detach(), TensorNear(expected, 1e-5, 1e-5));
  y.sum().backward();
  EXPECT_GT(input.grad().abs().max().item<float>(), 0);
  net.to(at::kDouble);  // And so do other types.
  const at::NoGradGuard no_grad;
  EXPECT_THAT(net.forward(x.to(at::kDouble)).to(at::kFloat),
              TensorNear(expected, 1e-5, 1e-5));
}

TEST(AddReluTest, CutsTheSum) {
  const at::Tensor expected = at::tensor({0.f, 3.f});
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kBFloat16}) {
    const at::Tensor x = at::tensor({-2., 1.}).to(type);
    const at::Tensor y = at::tensor({1., 2.}).to(type).requires_grad_();
    const at::Tensor sum = AddRelu(x.clone(), y);
    EXPECT_THAT(sum.detach().to(at::kFloat), TensorEq(expected));
    sum.sum().backward();
    EXPECT_THAT(y.grad().to(at::kFloat), TensorEq(at::tensor({0.f, 1.f})));
    const at::NoGradGuard no_grad;
    EXPECT_THAT(AddRelu(x.clone(), y).to(at::kFloat), TensorEq(expected));
  }
}

TEST(ConvNormPairTest, RefusesToFoldInTrainingMode) {
  Net net;
  EXPECT_THROW(net.stem->Fold(), c10::Error);
  EXPECT_FALSE(net.stem->folded());
}

}  // namespace
}  // namespace vision
