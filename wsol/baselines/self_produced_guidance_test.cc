#include "wsol/baselines/self_produced_guidance.h"

#include <array>
#include <cmath>
#include <vector>

#include "ATen/ATen.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "wsol/baselines/training_method.h"

namespace wsol {
namespace {

using ::testing::CheckGradient;
using ::testing::ElementsAre;
using ::testing::HasShape;
using ::testing::IsOk;
using ::testing::TensorEq;
using ::testing::TensorNear;

at::Tensor Row(const std::vector<double>& values) {
  return at::tensor(values, at::kDouble)
      .view({1, 1, 1, static_cast<int64_t>(values.size())});
}

// Logits whose sigmoid is `map`.
at::Tensor Logit(const at::Tensor& map) { return (map / (1 - map)).log(); }

TEST(MakeGuidanceMaskTest, HasObjectsBackgroundAndIgnoredPixels) {
  // Neither threshold itself is on its side.
  const GuidanceMask mask =
      MakeGuidanceMask(Row({0, 0.05, 0.1, 0.4, 0.7, 0.71, 1}), {0.7, 0.1});
  EXPECT_THAT(mask.objects, TensorEq(Row({0, 0, 0, 0, 0, 1, 1})));
  EXPECT_THAT(mask.valid, TensorEq(Row({1, 1, 0, 0, 0, 1, 1})));
}

TEST(GuidanceLossTest, CountsMorePixelsThanBFloat16Can) {
  // All 1000 logits 0 and background: log 2 each.
  const at::Tensor map = at::zeros({1, 1, 10, 100}, at::kBFloat16);
  const at::Tensor loss = GuidanceLoss(map, MakeGuidanceMask(map, {0.7, 0.1}));
  EXPECT_NEAR(loss.item<double>(), std::log(2.0), 1e-5);
}

TEST(GuidanceLossTest, IsTheMeanOverValidPixels) {
  // Probabilities 3/4, 1/4, 1/2; the last one is ignored.
  const at::Tensor logits = Logit(Row({0.75, 0.25, 0.5}));
  const GuidanceMask mask = {Row({1, 1, 0}), Row({1, 1, 0})};
  EXPECT_NEAR(GuidanceLoss(logits, mask).item<double>(),
              -(std::log(0.75) + std::log(0.25)) / 2, 1e-12);
}

TEST(GuidanceLossTest, IsZeroWithoutValidPixels) {
  at::Tensor logits = Row({1, -2}).requires_grad_();
  const at::Tensor loss = GuidanceLoss(logits, {Row({0, 0}), Row({0, 0})});
  EXPECT_EQ(loss.item<double>(), 0);
  loss.backward();
  EXPECT_THAT(logits.grad(), TensorEq(Row({0, 0})));
}

TEST(GuidanceLossTest, HasItsGradientAndIsFinite) {
  const GuidanceMask mask = {Row({1, 0, 0, 1}), Row({1, 1, 0, 1})};
  EXPECT_THAT(
      CheckGradient([&](const at::Tensor& x) { return GuidanceLoss(x, mask); },
                    Row({0.3, -2, 1, -0.5})),
      IsOk());
  EXPECT_TRUE(std::isfinite(
      GuidanceLoss(Row({-1000, 1000, 0, 1000}), mask).item<double>()));
}

TEST(ComputeGuidanceLossesTest, FollowsTheChainOfMasks) {
  const std::array<MaskThresholds, 3> thresholds = {
      {{0.7, 0.1}, {0.5, 0.2}, {0.6, 0.3}}};
  const at::Tensor attention = Row({1, 0.5, 0});
  const at::Tensor b2 = Row({0.6, 0.3, 0.1});
  const at::Tensor b1 = Row({0.8, 0.1, 0.3});
  const at::Tensor c = Row({0.9, 0.2, 0.4});
  const GuidanceLosses losses = ComputeGuidanceLosses(
      attention, {Logit(b1), Logit(b2), Logit(c)}, thresholds);
  // B2 by the attention: object, ignored, background.
  EXPECT_NEAR(losses.b2.item<double>(), -(std::log(0.6) + std::log(0.9)) / 2,
              1e-12);
  // B1 by B2 = .6 > .5, .3, .1 < .2.
  EXPECT_NEAR(losses.b1.item<double>(), -(std::log(0.8) + std::log(0.7)) / 2,
              1e-12);
  // C by the mean .7 > .6, .2 < .3, .2 < .3.
  EXPECT_NEAR(losses.c.item<double>(),
              -(std::log(0.9) + std::log(0.8) + std::log(0.6)) / 3, 1e-12);
}

TEST(ComputeGuidanceLossesTest, MasksAreConstantsToTheGradient) {
  const std::array<MaskThresholds, 3> thresholds = {
      {{0.7, 0.1}, {0.5, 0.2}, {0.6, 0.3}}};
  GuidanceBranches::Logits logits = {
      Logit(Row({0.8, 0.1, 0.3})).requires_grad_(),
      Logit(Row({0.6, 0.3, 0.1})).requires_grad_(),
      Logit(Row({0.9, 0.2, 0.4})).requires_grad_()};
  ComputeGuidanceLosses(Row({1, 0.5, 0}), logits, thresholds).c.backward();
  EXPECT_FALSE(logits.b1.grad().defined());
  EXPECT_FALSE(logits.b2.grad().defined());
  EXPECT_TRUE(logits.c.grad().defined());
}

TEST(ComputeGuidanceLossesTest, ResizesMapsToTheBranchTheySupervise) {
  const at::Tensor attention = at::rand({2, 1, 3, 4});
  const GuidanceBranches::Logits logits = {at::randn({2, 1, 12, 16}),
                                           at::randn({2, 1, 6, 8}),
                                           at::randn({2, 1, 3, 4})};
  const GuidanceLosses losses = ComputeGuidanceLosses(
      attention, logits, {{{0.7, 0.01}, {0.5, 0.05}, {0.7, 0.1}}});
  for (const at::Tensor& loss : {losses.b1, losses.b2, losses.c}) {
    EXPECT_THAT(loss, HasShape({}));
    EXPECT_TRUE(std::isfinite(loss.item<double>()));
  }
}

TEST(GuidanceBranchesTest, ReadsTheThreeLastLevels) {
  GuidanceBranches branches({4, 6, 8}, /*width=*/5, /*seed=*/1);
  const GuidanceBranches::Logits logits =
      branches.forward({at::rand({2, 3, 16, 16}), at::rand({2, 4, 8, 8}),
                        at::rand({2, 6, 4, 4}), at::rand({2, 8, 2, 2})});
  EXPECT_THAT(logits.b1, HasShape({2, 1, 8, 8}));
  EXPECT_THAT(logits.b2, HasShape({2, 1, 4, 4}));
  EXPECT_THAT(logits.c, HasShape({2, 1, 2, 2}));
  EXPECT_THROW(branches.forward({at::rand({2, 4, 8, 8})}), c10::Error);
}

TEST(GuidanceBranchesTest, HasStableKeysAndItsSeedsWeights) {
  const GuidanceBranches branches({4, 6, 8}, /*width=*/5, /*seed=*/1);
  EXPECT_THAT(branches.named_parameters().keys(),
              ElementsAre("b1.weight", "b1.bias", "b2.weight", "b2.bias",
                          "shared1.weight", "shared1.bias", "shared2.weight",
                          "shared2.bias", "c1.weight", "c1.bias", "c2.weight",
                          "c2.bias"));
  const GuidanceBranches same({4, 6, 8}, 5, 1);
  const GuidanceBranches other({4, 6, 8}, 5, 2);
  const at::Tensor weight = branches.named_parameters()["b1.weight"].detach();
  EXPECT_THAT(same.named_parameters()["b1.weight"].detach(), TensorEq(weight));
  EXPECT_FALSE(other.named_parameters()["b1.weight"].equal(weight));
}

TEST(GuidanceBranchesTest, GradientsReachAllWeightsAndLevels) {
  GuidanceBranches branches({4, 6, 8}, /*width=*/5, /*seed=*/1);
  std::vector<at::Tensor> pyramid = {at::rand({2, 4, 8, 8}).requires_grad_(),
                                     at::rand({2, 6, 4, 4}).requires_grad_(),
                                     at::rand({2, 8, 2, 2}).requires_grad_()};
  const GuidanceBranches::Logits logits = branches.forward(pyramid);
  (logits.b1.sum() + logits.b2.sum() + logits.c.sum()).backward();
  for (const at::Tensor& level : pyramid) EXPECT_TRUE(level.grad().defined());
  for (const auto& parameter : branches.named_parameters()) {
    EXPECT_TRUE(parameter.value().grad().defined()) << parameter.key();
  }
}

}  // namespace
}  // namespace wsol
