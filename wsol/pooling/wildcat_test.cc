#include "wsol/pooling/wildcat.h"

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

using ::testing::CheckGradient;
using ::testing::HasShape;
using ::testing::IsOk;
using ::testing::TensorEq;
using ::testing::TensorNear;

PoolingOptions Options(WildcatVariant variant) {
  PoolingOptions options;
  options.in_channels = 1;
  options.num_classes = 1;
  options.support_background = false;
  options.wildcat_modalities = 2;
  options.wildcat_variant = variant;
  return options;
}

// Two modalities 3 x and x: the class map is 2 x.
void SetWeights(WildcatHead& head) {
  const at::NoGradGuard no_grad;
  head.named_parameters()["to_modalities.weight"].copy_(
      at::tensor({3.f, 1.f}).view({2, 1, 1, 1}));
}

// The class map is 2, 4, ..., 20; kmax 0.5 averages 12 to 20 (16), kmin 0.1
// takes 2; alpha is 0.6.
at::Tensor Ramp() { return at::arange(1, 11, at::kFloat).view({1, 1, 2, 5}); }

float Logit(WildcatVariant variant) {
  WildcatHead head(Options(variant));
  SetWeights(head);
  return head.forward(Ramp()).item<float>();
}

TEST(WildcatTest, FollowsTheFormulaOfEachVariant) {
  EXPECT_FLOAT_EQ(Logit(WildcatVariant::kPublished), 16);
  EXPECT_FLOAT_EQ(Logit(WildcatVariant::kPaper), 16 + 0.6f * 2);
  EXPECT_FLOAT_EQ(Logit(WildcatVariant::kHalved), (16 + 0.6f * 2) / 2);
}

TEST(WildcatTest, MapsAreMeansOfModalities) {
  WildcatHead head(Options(WildcatVariant::kPaper));
  SetWeights(head);
  EXPECT_THAT(head.Maps(Ramp()).detach(), TensorEq(Ramp() * 2));
  EXPECT_THAT(head.class_weights().detach(), TensorEq(at::full({1, 1}, 2.f)));
}

TEST(WildcatTest, EqualsMeanWhenAllPixelsAreSelected) {
  PoolingOptions options = Options(WildcatVariant::kPublished);
  options.wildcat_kmax = {1.0};
  WildcatHead head(options);
  const at::Tensor features = at::rand({3, 1, 4, 4});
  EXPECT_THAT(
      head.forward(features).detach(),
      TensorNear(
          head.ClassMaps(features).mean(at::IntArrayRef({2, 3})).detach(),
          /*atol=*/1e-6));
}

TEST(WildcatTest, BackgroundIsDroppedFromLogitsOnly) {
  PoolingOptions options = Options(WildcatVariant::kPaper);
  options.support_background = true;
  options.num_classes = 3;
  WildcatHead head(options);
  EXPECT_THAT(head.named_parameters()["to_modalities.weight"],
              HasShape({8, 1, 1, 1}));
  EXPECT_THAT(head.forward(Ramp()), HasShape({1, 3}));
  EXPECT_THAT(head.Maps(Ramp()), HasShape({1, 4, 2, 5}));
  EXPECT_THAT(head.class_weights(), HasShape({3, 1}));
}

TEST(WildcatTest, DropoutActsInTrainingOnlyAndFollowsTheGenerator) {
  PoolingOptions options = Options(WildcatVariant::kPublished);
  options.wildcat_dropout = 0.5;
  WildcatHead a(options);
  WildcatHead b(options);
  const at::Tensor features = at::rand({64, 1, 4, 4}) + 1;
  at::manual_seed(99);
  const at::Tensor dropped = a.forward(features).detach();
  at::manual_seed(99);
  EXPECT_THAT(b.forward(features).detach(), TensorEq(dropped));
  a.eval();
  const at::Tensor kept = a.forward(features).detach();
  EXPECT_FALSE(kept.equal(dropped));
  // Dropout keeps the expectation: 64 images of 8 values, deviation about 1 /
  // sqrt(512) of the mean.
  EXPECT_NEAR((dropped.mean() / kept.mean()).item<float>(), 1, 0.2);
}

TEST(WildcatTest, GradientMatchesFiniteDifferences) {
  for (const WildcatVariant variant :
       {WildcatVariant::kPublished, WildcatVariant::kPaper,
        WildcatVariant::kHalved}) {
    WildcatHead head(Options(variant));
    head.to(at::kDouble);
    EXPECT_THAT(CheckGradient(
                    [&](const at::Tensor& x) { return head.forward(x).sum(); },
                    at::rand({2, 1, 3, 4}, at::kDouble)),
                IsOk());
  }
}

TEST(WildcatTest, RejectsMapsOfWhichNothingIsSelected) {
  WildcatHead head(Options(WildcatVariant::kPaper));
  // Half of one pixel is rounded to none.
  EXPECT_THROW(head.forward(at::rand({1, 1, 1, 1})), c10::Error);
}

}  // namespace
}  // namespace wsol
