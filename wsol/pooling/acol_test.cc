#include "wsol/pooling/acol.h"

#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "wsol/pooling/factory.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

using ::testing::CheckGradient;
using ::testing::ElementsAre;
using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

PoolingOptions Options(int64_t channels, int64_t classes) {
  PoolingOptions options;
  options.name = "ACoL";
  options.in_channels = channels;
  options.num_classes = classes;
  options.acol_width = 4;
  return options;
}

std::shared_ptr<AcolHead> RandomHead() {
  const auto head = std::make_shared<AcolHead>(Options(5, 3));
  head->to(at::kDouble);
  return head;
}

// One channel in, one wide, one class: the 3 x 3 convolutions pass the pixel
// on, so branch A's map is max(0, x), and branch B's is twice that.
std::shared_ptr<AcolHead> IdentityHead() {
  PoolingOptions options = Options(1, 1);
  options.acol_width = 1;
  const auto head = std::make_shared<AcolHead>(options);
  const at::NoGradGuard no_grad;
  for (auto& parameter : head->named_parameters()) {
    at::Tensor value = parameter.value();
    value.zero_();
    if (value.dim() != 4) continue;
    value.slice(2, value.size(2) / 2, value.size(2) / 2 + 1)
        .slice(3, value.size(3) / 2, value.size(3) / 2 + 1)
        .fill_(parameter.key() == "branch_b.conv3.weight" ? 2 : 1);
  }
  return head;
}

TEST(AcolHeadTest, HasStableKeys) {
  EXPECT_THAT(AcolHead(Options(5, 3)).named_parameters().keys(),
              ElementsAre("branch_a.conv1.weight", "branch_a.conv1.bias",
                          "branch_a.conv2.weight", "branch_a.conv2.bias",
                          "branch_a.conv3.weight", "branch_a.conv3.bias",
                          "branch_b.conv1.weight", "branch_b.conv1.bias",
                          "branch_b.conv2.weight", "branch_b.conv2.bias",
                          "branch_b.conv3.weight", "branch_b.conv3.bias"));
  const auto parameters = AcolHead(Options(5, 3)).named_parameters();
  EXPECT_THAT(parameters["branch_a.conv1.weight"], HasShape({4, 5, 3, 3}));
  EXPECT_THAT(parameters["branch_a.conv2.weight"], HasShape({4, 4, 3, 3}));
  EXPECT_THAT(parameters["branch_b.conv3.weight"], HasShape({3, 4, 1, 1}));
}

TEST(AcolHeadTest, BranchBDoesNotSeeWhatBranchAFinds) {
  const std::shared_ptr<AcolHead> head = IdentityHead();
  // Scaled to [0, 1]: 0, .5, .71, 1. Above .7 are 5.26 and 7.
  const at::Tensor features =
      at::tensor({0.0f, 3.5f, 5.0f, 7.0f}).view({1, 1, 2, 2});
  const AcolHead::BranchLogits logits =
      head->ForwardBranches(features, at::tensor({0}, at::kLong));
  EXPECT_THAT(logits.a, TensorNear(at::tensor({15.5f / 4}).view({1, 1}), 1e-6));
  // 2 (0 + 3.5) / 4: 5 / 7 = .714 and 1 are erased.
  EXPECT_THAT(logits.b, TensorNear(at::tensor({1.75f}).view({1, 1}), 1e-6));
  EXPECT_THAT(head->forward(features), TensorEq(logits.a));
}

TEST(AcolHeadTest, TheMapIsTheLargerOfTheTwoScaledMaps) {
  const std::shared_ptr<AcolHead> head = IdentityHead();
  const at::Tensor features =
      at::tensor({0.0f, 3.5f, 5.0f, 7.0f}).view({1, 1, 2, 2});
  // A: 0, 1/2, 5/7, 1. B reads 0, 3.5, 0, 0: scaled 0, 1, 0, 0.
  const at::Tensor expected =
      at::tensor({0.0f, 1.0f, 5.0f / 7, 1.0f}).view({1, 1, 2, 2});
  EXPECT_THAT(head->Maps(features), TensorNear(expected, 1e-6));
}

TEST(AcolHeadTest, TheThresholdIsNotFoundItself) {
  PoolingOptions options = Options(1, 1);
  options.acol_width = 1;
  options.acol_threshold = 0.5;
  const auto head = std::make_shared<AcolHead>(options);
  const std::shared_ptr<AcolHead> identity = IdentityHead();
  {
    const at::NoGradGuard no_grad;
    const auto values = identity->named_parameters();
    for (auto& parameter : head->named_parameters()) {
      at::Tensor(parameter.value()).copy_(values[parameter.key()]);
    }
  }
  const AcolHead::BranchLogits logits =
      head->ForwardBranches(at::tensor({0.0f, 1.0f, 2.0f}).view({1, 1, 1, 3}),
                            at::tensor({0}, at::kLong));
  EXPECT_NEAR(logits.b.item<double>(), 2.0 / 3, 1e-6);
}

TEST(AcolHeadTest, ConstantMapsAreZero) {
  const std::shared_ptr<AcolHead> head = IdentityHead();
  EXPECT_THAT(head->Maps(at::full({1, 1, 3, 3}, 2.0f)),
              TensorEq(at::zeros({1, 1, 3, 3})));
}

TEST(AcolHeadTest, SelectedMapsEqualThoseOfAllClasses) {
  const std::shared_ptr<AcolHead> head = RandomHead();
  const at::Tensor features = at::rand({2, 5, 4, 6}, at::kDouble);
  const at::Tensor all = head->ClassMaps(features);
  EXPECT_THAT(all, HasShape({2, 3, 4, 6}));
  EXPECT_EQ(all.amin().item<double>(), 0);
  EXPECT_EQ(all.amax().item<double>(), 1);
  const at::Tensor classes = at::tensor({2, 0, 1, 1}, at::kLong).view({2, 2});
  EXPECT_THAT(head->ClassMapsOf(features, classes),
              TensorNear(head->PoolingHead::ClassMapsOf(features, classes),
                         /*atol=*/1e-12));
}

TEST(AcolHeadTest, GradientsFlowThroughBothBranches) {
  const std::shared_ptr<AcolHead> head = RandomHead();
  const at::Tensor labels = at::tensor({2, 0}, at::kLong);
  const at::Tensor features = at::rand({2, 5, 4, 4}, at::kDouble);
  EXPECT_THAT(CheckGradient(
                  [&](const at::Tensor& x) {
                    const auto logits = head->ForwardBranches(x, labels);
                    return (logits.a.pow(2) + logits.b.pow(2)).sum();
                  },
                  features),
              IsOk());
  const auto logits = head->ForwardBranches(features, labels);
  (logits.a + logits.b).sum().backward();
  for (const auto& parameter : head->named_parameters()) {
    EXPECT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_GT(parameter.value().grad().abs().sum().item<double>(), 0)
        << parameter.key();
  }
}

TEST(AcolHeadTest, BranchBsLossDoesNotReachBranchA) {
  const std::shared_ptr<AcolHead> head = RandomHead();
  head->ForwardBranches(at::rand({2, 5, 4, 4}, at::kDouble),
                        at::tensor({2, 0}, at::kLong))
      .b.sum()
      .backward();
  for (const auto& parameter : head->named_parameters()) {
    const bool of_a = parameter.key().find("branch_a") == 0;
    EXPECT_EQ(parameter.value().grad().defined(), !of_a) << parameter.key();
  }
}

TEST(AcolHeadTest, RejectsWhatDoesNotFit) {
  const std::shared_ptr<AcolHead> head = RandomHead();
  const at::Tensor features = at::rand({2, 5, 4, 4}, at::kDouble);
  EXPECT_THROW(head->forward(at::rand({2, 4, 4, 4}, at::kDouble)), c10::Error);
  EXPECT_THROW(head->ForwardBranches(features, at::zeros({3}, at::kLong)),
               c10::Error);
  EXPECT_THROW(head->ClassMapsOf(features, at::zeros({2}, at::kLong)),
               c10::Error);
  EXPECT_THROW(head->class_weights(), c10::Error);
}

TEST(AcolHeadTest, IsMadeByName) {
  EXPECT_THAT(MakePoolingHead(Options(5, 3)), IsOk());
  PoolingOptions bad = Options(5, 3);
  bad.acol_threshold = 1.5;
  EXPECT_THAT(MakePoolingHead(bad).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("acol_threshold is 1.5")));
  bad = Options(5, 3);
  bad.acol_width = 0;
  EXPECT_THAT(MakePoolingHead(bad).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("acol_width is 0")));
}

}  // namespace
}  // namespace wsol
