#include "vision/backbones/vision_transformer.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "c10/util/Exception.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/stride_preset.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

VisionTransformerOptions TinyOptions() {
  VisionTransformerOptions options;
  options.width = 8;
  options.depth = 2;
  options.heads = 2;
  options.mlp_ratio = 2;
  options.patch = 4;
  options.stride = 4;
  options.image_size = 16;
  return options;
}

std::shared_ptr<VisionTransformer> Make(
    const VisionTransformerOptions& options) {
  const auto vit = MakeVisionTransformer(options);
  EXPECT_THAT(vit, IsOk());
  (*vit)->eval();
  return *vit;
}

// One token of two channels and the class token; all branches have weight 0, so
// tokens pass unchanged, and the final norm makes (a, b) +-1.
TEST(VisionTransformerTest, PassesTokensOnByHand) {
  VisionTransformerOptions options;
  options.width = 2;
  options.depth = 1;
  options.heads = 1;
  options.patch = 1;
  options.stride = 1;
  options.image_size = 1;
  options.in_channels = 1;
  const auto vit = Make(options);
  const at::NoGradGuard no_grad;
  for (const auto& item : vit->named_parameters()) {
    if (item.key().rfind("norm", 0) != 0) item.value().zero_();
  }
  vit->named_parameters()["patch_embed.proj.weight"][1] = 1;
  vit->named_parameters()["pos_embed"][0][1][0] = 5;
  // (0, x) + (5, 0) = (5, x): the first channel is the larger for x = 3, the
  // smaller for x = 7.
  const at::Tensor x = at::tensor({3.f, 7.f}).view({2, 1, 1, 1});
  const VisionTransformerOutput output = vit->ForwardWithAttention(x);
  EXPECT_THAT(output.pyramid[1],
              TensorNear(at::tensor({1.f, -1.f, -1.f, 1.f}).view({2, 2, 1, 1}),
                         /*atol=*/1e-5));  // eps of the norm
  EXPECT_THAT(output.class_token, TensorEq(at::zeros({2, 2})));
  // Queries and keys are 0: all tokens are equally alike.
  ASSERT_EQ(output.attention.size(), 1u);
  EXPECT_THAT(output.attention[0], TensorEq(at::full({2, 1, 2, 2}, 0.5)));
}

TEST(VisionTransformerTest, GivesAttentionOfEveryBlock) {
  const auto vit = Make(TinyOptions());
  const at::Tensor images = at::rand({3, 3, 16, 16});
  const at::NoGradGuard no_grad;
  const VisionTransformerOutput output = vit->ForwardWithAttention(images);
  ASSERT_EQ(output.attention.size(), 2u);
  for (const at::Tensor& attention : output.attention) {
    EXPECT_THAT(attention, HasShape({3, 2, 17, 17}));
    EXPECT_GT(attention.min().item<float>(), 0);
    EXPECT_THAT(attention.sum(-1), TensorNear(at::ones({3, 2, 17}), 1e-5));
  }
  EXPECT_THAT(output.class_token, HasShape({3, 8}));
  const FeaturePyramid pyramid = vit->forward(images);
  ASSERT_EQ(pyramid.size(), 2u);
  EXPECT_THAT(pyramid[0], TensorEq(images));
  EXPECT_THAT(pyramid[1], TensorEq(output.pyramid[1]));
}

TEST(VisionTransformerTest, OverlappingPatchesRefineTheGrid) {
  VisionTransformerOptions options = TinyOptions();
  options.stride = 2;
  const auto vit = Make(options);
  EXPECT_THAT(vit->strides(), ElementsAre(1, 2));
  const at::NoGradGuard no_grad;
  for (const int64_t size : {4, 15, 16, 17}) {
    const int64_t side = vit->FeatureSizes(size)[1];
    EXPECT_EQ(side, size / 2);
    EXPECT_THAT(vit->forward(at::rand({1, 3, size, 16}))[1],
                HasShape({1, 8, side, 8}));
  }
  EXPECT_THROW(vit->forward(at::rand({1, 3, 1, 16})), c10::Error);
}

// Embeddings that are the same everywhere stay so at every size.
TEST(VisionTransformerTest, InterpolatesPositions) {
  const auto vit = Make(TinyOptions());
  const at::NoGradGuard no_grad;
  const at::Tensor positions = vit->named_parameters()["pos_embed"];
  positions.slice(1, 1).copy_(at::rand({1, 1, 8}).expand({1, 16, 8}));
  // An image of equal patches then has equal tokens.
  const at::Tensor patch = at::rand({1, 3, 4, 4});
  const at::Tensor map = vit->forward(patch.repeat({1, 1, 6, 3}))[1];
  EXPECT_THAT(map, HasShape({1, 8, 6, 3}));
  EXPECT_THAT(
      map, TensorNear(map.slice(2, 0, 1).slice(3, 0, 1).expand_as(map), 1e-5));
  positions.slice(1, 1).copy_(at::rand({1, 16, 8}));
  const at::Tensor other = vit->forward(patch.repeat({1, 1, 6, 3}))[1];
  EXPECT_THAT(other,
              Not(TensorNear(
                  other.slice(2, 0, 1).slice(3, 0, 1).expand_as(other), 1e-3)));
}

TEST(VisionTransformerTest, GradientMatchesFiniteDifferences) {
  const auto vit = Make(TinyOptions());
  vit->to(at::kDouble);
  at::manual_seed(1);
  const at::Tensor weights = at::randn({1, 8, 2, 3}, at::kDouble);
  EXPECT_THAT(::testing::CheckGradient(
                  [&](const at::Tensor& x) {
                    const auto output = vit->ForwardWithAttention(x);
                    return (output.pyramid[1] * weights).sum() +
                           output.attention[0].select(2, 0).square().sum();
                  },
                  at::rand({1, 3, 8, 12}, at::kDouble)),
              IsOk());
}

TEST(VisionTransformerTest, StochasticDepthWorksInTrainingModeOnly) {
  VisionTransformerOptions options = TinyOptions();
  options.stochastic_depth = 0.5;
  const auto vit = Make(options);
  const at::Tensor images = at::rand({8, 3, 16, 16});
  const at::NoGradGuard no_grad;
  const at::Tensor eval = vit->forward(images)[1];
  EXPECT_THAT(vit->forward(images)[1], TensorEq(eval));
  vit->train();
  EXPECT_THAT(vit->forward(images)[1], Not(TensorEq(eval)));
}

TEST(VisionTransformerPresetTest, HasBothNames) {
  const auto vit =
      VisionTransformerPreset("vit_small_patch16_224", StridePreset::kImageNet);
  ASSERT_THAT(vit, IsOk());
  EXPECT_EQ(vit->stride, 16);
  const auto deit =
      VisionTransformerPreset("deit_small_patch16_224", StridePreset::kWsol28);
  ASSERT_THAT(deit, IsOk());
  EXPECT_EQ(deit->stride, 8);
  EXPECT_THAT(
      VisionTransformerPreset("vit_small", StridePreset::kWsol28),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("unknown vision transformer \"vit_small\""),
                     HasSubstr("did you mean vit_small_patch16_224"))));
}

TEST(VisionTransformerOptionsTest, RejectsBadFieldsByName) {
  const auto expect_error = [](const VisionTransformerOptions& options,
                               const std::string& message) {
    EXPECT_THAT(
        MakeVisionTransformer(options),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  VisionTransformerOptions options;
  options.heads = 5;
  expect_error(options, "heads is 5, expected a divisor of the width 384");
  options = {};
  options.depth = 0;
  expect_error(options, "depth is 0");
  options = {};
  options.stride = 7;
  expect_error(options, "stride is 7, expected an even number less than");
  options = {};
  options.stride = 32;
  expect_error(options, "stride is 32, expected 1 to 16");
  options = {};
  options.image_size = 225;
  expect_error(options, "image_size is 225, expected a multiple");
  options = {};
  options.stochastic_depth = 1;
  expect_error(options, "stochastic_depth is 1");
}

}  // namespace
}  // namespace vision
