#include "vision/inference/inference_backbone.h"

#include <cstddef>
#include <memory>
#include <string>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/factory.h"
#include "vision/backbones/stride_preset.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

// With running statistics and weights of norms that do something.
std::shared_ptr<Backbone> Make(const std::string& name,
                               StridePreset strides = StridePreset::kWsol28) {
  BackboneOptions options;
  options.strides = strides;
  const auto backbone = MakeBackbone(name, options).value();
  const at::NoGradGuard no_grad;
  at::manual_seed(1);
  for (const auto& item : backbone->named_buffers()) {
    if (!item.value().is_floating_point()) continue;
    if (item.key().find("running_mean") != std::string::npos) {
      item.value().uniform_(-0.2, 0.2);
    } else {
      item.value().uniform_(0.8, 1.25);
    }
  }
  for (const auto& item : backbone->named_parameters()) {
    if (item.value().dim() == 1)
      item.value().add_(at::rand_like(item.value()), 0.2);
  }
  backbone->eval();
  return backbone;
}

double Cosine(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.to(at::kDouble).flatten();
  const at::Tensor y = b.to(at::kDouble).flatten();
  return (x.dot(y) / (x.norm() * y.norm())).item<double>();
}

class InferenceBackboneTest : public ::testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Families, InferenceBackboneTest,
                         ::testing::Values("resnet_small", "resnet50",
                                           "vgg11_bn", "inception_v3",
                                           "mobilenet_v3_large",
                                           "efficientnet_b0",
                                           "deit_small_patch16_224"),
                         [](const ::testing::TestParamInfo<std::string>& test) {
                           return test.param;
                         });

TEST_P(InferenceBackboneTest, Float32GivesTheSameMaps) {
  const auto backbone = Make(GetParam());
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::rand({2, 3, 64, 64});
  const FeaturePyramid expected = backbone->forward(images);
  const auto channels = backbone->channels();
  const auto fast = MakeInferenceBackbone(backbone, {});
  ASSERT_THAT(fast, IsOk());
  EXPECT_EQ((*fast)->channels(), channels);
  const FeaturePyramid actual = (*fast)->forward(images);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    // What the header says, with some room for other orders of summation.
    const double scale = expected[i].abs().max().item<double>();
    EXPECT_THAT(actual[i], TensorNear(expected[i], 1e-5 * scale)) << i;
    EXPECT_TRUE(actual[i].is_contiguous(at::MemoryFormat::ChannelsLast)) << i;
  }
}

TEST_P(InferenceBackboneTest, WinogradRoundsALittleMore) {
  const auto backbone = Make(GetParam());
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::rand({2, 3, 64, 64});
  const FeaturePyramid expected = backbone->forward(images);
  InferenceOptions options;
  options.winograd = true;
  const auto fast = MakeInferenceBackbone(backbone, options);
  ASSERT_THAT(fast, IsOk());
  const FeaturePyramid actual = (*fast)->forward(images);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    const double scale = expected[i].abs().max().item<double>();
    EXPECT_THAT(actual[i], TensorNear(expected[i], 5e-5 * scale)) << i;
  }
  // Another size needs no other weights.
  const at::Tensor others = at::rand({1, 3, 96, 80});
  EXPECT_EQ((*fast)->forward(others).size(), expected.size());
}

TEST_P(InferenceBackboneTest, BFloat16IsNear) {
  if (!HasFastBFloat16(at::kCPU)) {
    GTEST_SKIP() << "no AVX-512 BF16 instructions";
  }
  const auto backbone = Make(GetParam());
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::randn({2, 3, 64, 64});
  const FeaturePyramid expected = backbone->forward(images);
  InferenceOptions options;
  options.precision = Precision::kBFloat16;
  const auto fast = MakeInferenceBackbone(backbone, options);
  ASSERT_THAT(fast, IsOk());
  const FeaturePyramid actual = (*fast)->forward(images);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(actual[i].scalar_type(), at::kFloat);
    EXPECT_GE(Cosine(actual[i], expected[i]), 0.999) << i;
  }
}

TEST(MakeInferenceBackboneTest, ResNet50IsNearAtFullSize) {
  const auto backbone = Make("resnet50");
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::randn({1, 3, 224, 224});
  const at::Tensor expected = backbone->forward(images).back();
  InferenceOptions options;
  options.precision = Precision::kBFloat16;
  options.allow_slow_precision = true;
  const auto fast = MakeInferenceBackbone(backbone, options);
  ASSERT_THAT(fast, IsOk());
  const at::Tensor actual = (*fast)->forward(images).back();
  EXPECT_GE(Cosine(actual, expected), 0.999);
  EXPECT_LE((actual - expected).abs().max().item<double>(),
            0.03 * expected.abs().max().item<double>());
}

TEST(MakeInferenceBackboneTest, KeepsWhatIsNotAskedFor) {
  InferenceOptions options;
  options.fold_norms = false;
  options.channels_last = false;
  const auto backbone = Make("resnet_small");
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::rand({2, 3, 16, 16});
  const at::Tensor expected = backbone->forward(images).back();
  const auto same = MakeInferenceBackbone(backbone, options);
  ASSERT_THAT(same, IsOk());
  EXPECT_THAT((*same)->forward(images).back(), TensorEq(expected));
  EXPECT_TRUE((*same)->named_parameters().contains("backbone.bn1.weight"));
  EXPECT_THAT((*same)->last_stage(), ElementsAre("backbone.layer4"));
  EXPECT_TRUE((*same)->named_parameters().contains((*same)->input_weight()));
}

TEST(MakeInferenceBackboneTest, StaysInEvalModeAndLetsGradientsThrough) {
  const auto fast = MakeInferenceBackbone(Make("resnet_small"), {}).value();
  fast->train();
  EXPECT_FALSE(fast->is_training());
  for (const at::Tensor& parameter : fast->parameters()) {
    EXPECT_FALSE(parameter.requires_grad());
  }
  const at::Tensor images = at::rand({1, 3, 16, 16}).requires_grad_();
  fast->forward(images).back().sum().backward();
  EXPECT_TRUE(images.grad().defined());
  EXPECT_GT(images.grad().abs().max().item<float>(), 0);
}

TEST(MakeInferenceBackboneTest, RefusesPrecisionThatCannotBe) {
  InferenceOptions options;
  options.precision = Precision::kBFloat16;
  options.allow_slow_precision = true;
  const auto backbone = Make("resnet_small");
  backbone->to(at::kDouble);
  EXPECT_THAT(MakeInferenceBackbone(backbone, options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("conv1.weight is Double, expected Float")));
  options.allow_slow_precision = false;
  if (!HasFastBFloat16(at::kCPU)) {
    EXPECT_THAT(MakeInferenceBackbone(Make("resnet_small"), options),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr("bfloat16 is slow on this cpu")));
  }
}

TEST(ParsePrecisionTest, NamesGoBothWays) {
  EXPECT_THAT(ParsePrecision("float32"), IsOkAndHolds(Precision::kFloat32));
  EXPECT_THAT(ParsePrecision("bfloat16"), IsOkAndHolds(Precision::kBFloat16));
  EXPECT_THAT(ParsePrecision("bf16"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("unknown precision \"bf16\""),
                             HasSubstr("bfloat16"))));
}

}  // namespace
}  // namespace vision
