#include "vision/backbones/factory.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/batchnorm.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/backbone_list.h"
#include "vision/backbones/stride_preset.h"
#include "vision/nn/state_dict.h"

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

std::shared_ptr<Backbone> Make(const std::string& name,
                               const BackboneOptions& options = {}) {
  const auto backbone = MakeBackbone(name, options);
  EXPECT_THAT(backbone, IsOk());
  return *backbone;
}

int64_t CountParameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) {
    count += parameter.numel();
  }
  return count;
}

TEST(MakeBackboneTest, MakesWhatTheListSays) {
  for (const BackboneInfo& info : ListBackbones()) {
    // Slow to fill; resnet_test and families_golden_test build these too.
    if (info.num_parameters > 30000000 || info.name == "vgg13" ||
        info.name == "vgg19" || info.name == "vgg19_bn") {
      continue;
    }
    for (const StridePreset preset :
         {StridePreset::kWsol28, StridePreset::kImageNet}) {
      SCOPED_TRACE(info.name + " " + std::string(StridePresetName(preset)));
      const BackboneForm& form =
          preset == StridePreset::kWsol28 ? info.wsol28 : info.imagenet;
      BackboneOptions options;
      options.strides = preset;
      const auto backbone = Make(info.name, options);
      EXPECT_EQ(CountParameters(*backbone), form.num_parameters);
      EXPECT_EQ(backbone->channels(), form.channels);
      EXPECT_EQ(backbone->FeatureSizes(224), form.sizes);
      EXPECT_EQ(backbone->strides().size(), form.sizes.size());
      EXPECT_TRUE(
          backbone->named_parameters().contains(backbone->input_weight()));
    }
  }
}

// One of each family, on small images.
class FamilyTest : public ::testing::TestWithParam<std::string> {
 protected:
  std::string name() const { return GetParam(); }
  bool has_batch_norms() const { return name()[0] != 'd'; }
};

INSTANTIATE_TEST_SUITE_P(Families, FamilyTest,
                         ::testing::Values("resnet_small", "vgg11_bn",
                                           "inception_v3", "mobilenet_v3_large",
                                           "efficientnet_b0",
                                           "deit_small_patch16_224"),
                         [](const ::testing::TestParamInfo<std::string>& test) {
                           return test.param;
                         });

TEST_P(FamilyTest, MapsHaveTheSizesItAnnounces) {
  for (const StridePreset preset :
       {StridePreset::kWsol28, StridePreset::kImageNet}) {
    BackboneOptions options;
    options.strides = preset;
    const auto backbone = Make(name(), options);
    backbone->eval();
    const at::NoGradGuard no_grad;
    for (const int64_t height : {75, 81, 96}) {
      const int64_t width = 100;
      const FeaturePyramid pyramid =
          backbone->forward(at::rand({1, 3, height, width}));
      const std::vector<int64_t> heights = backbone->FeatureSizes(height);
      const std::vector<int64_t> widths = backbone->FeatureSizes(width);
      const std::vector<int64_t> channels = backbone->channels();
      ASSERT_EQ(pyramid.size(), heights.size());
      for (size_t i = 0; i < pyramid.size(); ++i) {
        EXPECT_THAT(pyramid[i],
                    HasShape({1, channels[i], heights[i], widths[i]}))
            << StridePresetName(preset) << " f" << i;
      }
    }
  }
}

TEST_P(FamilyTest, GradientsReachImagesAndAllParameters) {
  const auto backbone = Make(name());
  const at::Tensor images = at::rand({2, 3, 33, 40}).requires_grad_();
  at::Tensor sum = at::zeros({});
  for (const at::Tensor& map : backbone->forward(images)) sum = sum + map.sum();
  sum.backward();
  EXPECT_TRUE(images.grad().defined());
  for (const auto& item : backbone->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>())
        << item.key();
  }
}

TEST_P(FamilyTest, ChannelsLastGivesTheSameMaps) {
  const auto backbone = Make(name());
  backbone->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::rand({2, 3, 33, 40});
  const FeaturePyramid expected = backbone->forward(images);
  const FeaturePyramid actual =
      backbone->forward(images.contiguous(at::MemoryFormat::ChannelsLast));
  for (size_t i = 0; i < expected.size(); ++i) {
    // Another order of summation in float32.
    const double scale = expected[i].abs().max().item<double>();
    EXPECT_THAT(actual[i], TensorNear(expected[i], 2e-5 * scale)) << i;
    EXPECT_TRUE(actual[i].is_contiguous(at::MemoryFormat::ChannelsLast)) << i;
  }
}

TEST_P(FamilyTest, WeightsAreAFunctionOfTheSeed) {
  BackboneOptions options;
  options.seed = 3;
  const auto a = Make(name(), options);
  const StateDict first = GetStateDict(*a);
  const StateDict second = GetStateDict(*Make(name(), options));
  for (const auto& item : first) {
    EXPECT_THAT(second[item.key()], TensorEq(item.value())) << item.key();
  }
  options.seed = 4;
  EXPECT_THAT(GetStateDict(*Make(name(), options))[a->input_weight()],
              Not(TensorEq(first[a->input_weight()])));
}

TEST_P(FamilyTest, EvalModeChangesNothing) {
  const auto backbone = Make(name());
  backbone->eval();
  const at::Tensor images = at::rand({2, 3, 32, 32});
  const at::NoGradGuard no_grad;
  const at::Tensor once = backbone->forward(images).back();
  EXPECT_THAT(backbone->forward(images).back(), TensorEq(once));
}

TEST_P(FamilyTest, FrozenNormsKeepTheirStatistics) {
  BackboneOptions options;
  options.freeze_norms = true;
  options.dropout = 0.0;
  if (name()[0] == 'e') options.stochastic_depth = 0.0;
  const auto backbone = Make(name(), options);
  EXPECT_TRUE(backbone->freeze_norms());
  backbone->train();
  const at::Tensor images = at::rand({2, 3, 32, 32});
  const at::Tensor trained = backbone->forward(images).back().detach();
  for (const auto& item : GetStateDict(*backbone)) {
    if (item.key().find("num_batches_tracked") != std::string::npos) {
      EXPECT_EQ(item.value().item<int64_t>(), 0) << item.key();
    }
  }
  backbone->eval();
  const at::NoGradGuard no_grad;
  const double scale = trained.abs().max().item<double>();
  EXPECT_THAT(backbone->forward(images).back(),
              TensorNear(trained, 1e-5 * scale));
  backbone->set_freeze_norms(false);
  backbone->train();
  if (has_batch_norms()) {
    EXPECT_THAT(backbone->forward(images).back(),
                Not(TensorNear(trained, 1e-3 * scale)));
  }
}

TEST_P(FamilyTest, DropoutWorksInTrainingModeOnly) {
  BackboneOptions options;
  options.dropout = 0.5;
  options.freeze_norms = true;
  if (name()[0] == 'e') options.stochastic_depth = 0.0;
  const auto backbone = Make(name(), options);
  const at::Tensor images = at::rand({1, 3, 32, 32});
  const at::NoGradGuard no_grad;
  backbone->train();
  const at::Tensor once = backbone->forward(images).back();
  EXPECT_THAT(backbone->forward(images).back(), Not(TensorEq(once)));
  backbone->eval();
  const at::Tensor eval = backbone->forward(images).back();
  EXPECT_THAT(backbone->forward(images).back(), TensorEq(eval));
  options.dropout = 1.0;
  EXPECT_THAT(MakeBackbone(name(), options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("dropout is 1, expected 0 up to below 1")));
}

TEST_P(FamilyTest, TakesOtherChannelsAndAnEmptyBatch) {
  BackboneOptions options;
  options.in_channels = 1;
  const auto backbone = Make(name(), options);
  backbone->eval();
  const at::NoGradGuard no_grad;
  const FeaturePyramid pyramid = backbone->forward(at::rand({0, 1, 32, 32}));
  EXPECT_EQ(pyramid.back().size(0), 0);
  EXPECT_EQ(pyramid.back().size(1), backbone->channels().back());
  EXPECT_THROW(backbone->forward(at::rand({1, 3, 32, 32})), c10::Error);
  EXPECT_THROW(backbone->forward(at::rand({3, 32, 32})), c10::Error);
  options.in_channels = 0;
  EXPECT_THAT(MakeBackbone(name(), options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("in_channels is 0")));
}

TEST_P(FamilyTest, LastStageNamesParameters) {
  for (const StridePreset preset :
       {StridePreset::kWsol28, StridePreset::kImageNet}) {
    BackboneOptions options;
    options.strides = preset;
    const auto backbone = Make(name(), options);
    ASSERT_FALSE(backbone->last_stage().empty());
    for (const std::string& stage : backbone->last_stage()) {
      int64_t tensors = 0;
      for (const auto& item : backbone->named_parameters()) {
        if (item.key().rfind(stage + ".", 0) == 0) ++tensors;
      }
      // ReLUs and pools are numbered in VGG, but have no parameters.
      EXPECT_GT(tensors, 0) << stage;
    }
  }
}

TEST(MakeBackboneTest, PassesOptionsOn) {
  BackboneOptions options;
  options.strides = StridePreset::kImageNet;
  options.in_channels = 1;
  const auto resnet = Make("resnet18", options);
  EXPECT_THAT(resnet->strides(), ElementsAre(1, 2, 4, 8, 16, 32));
  EXPECT_THAT(resnet->channels(), ElementsAre(1, 64, 64, 128, 256, 512));

  options.resnet_small.widths = {8, 8, 16, 24};
  options.resnet_small.stem_stride = 1;
  const auto small = Make("resnet_small", options);
  EXPECT_THAT(small->channels(), ElementsAre(1, 32, 8, 8, 16, 24));
  EXPECT_THAT(small->strides(), ElementsAre(1, 1, 1, 2, 4, 4));
  EXPECT_THAT(small->forward(at::rand({1, 1, 16, 16})).back(),
              HasShape({1, 24, 4, 4}));
}

TEST(MakeBackboneTest, TakesStridesOfEachStage) {
  BackboneOptions options;
  options.stage_strides = {1, 2, 2, 1};
  EXPECT_THAT(Make("resnet18", options)->strides(),
              ElementsAre(1, 2, 4, 8, 16, 16));
  EXPECT_THAT(Make("efficientnet_b0", options)->strides(),
              ElementsAre(1, 2, 2, 4, 8, 8));
  options.stage_strides = {2, 2, 2, 2, 1};
  EXPECT_THAT(Make("vgg11", options)->strides(), ElementsAre(1, 2, 4, 8, 16));
  options.stage_strides = {2, 2, 2};
  EXPECT_THAT(Make("inceptionv3", options)->strides(),
              ElementsAre(1, 2, 4, 8, 16, 16));
  options.stage_strides = {4};
  EXPECT_THAT(Make("vit_small_patch16_224", options)->strides(),
              ElementsAre(1, 4));

  options.stage_strides = {2, 2};
  const auto expect_error = [&](const std::string& name,
                                const std::string& message) {
    EXPECT_THAT(
        MakeBackbone(name, options),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  expect_error("resnet18", "strides is {2, 2}, expected one value for each");
  expect_error("vgg11", "strides is {2, 2}, expected one value for each");
  expect_error("inception_v3", "strides is {2, 2}, expected 3 values");
  expect_error("mobilenet_v3_large",
               "stage_strides is {2, 2}, expected 4 values");
  expect_error("deit_small_patch16_224",
               "stage_strides is {2, 2}, expected 1 value");
}

TEST(MakeBackboneTest, RefusesWhatTheFamilyLacks) {
  BackboneOptions options;
  options.stochastic_depth = 0.1;
  EXPECT_THAT(MakeBackbone("vgg11", options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("stochastic_depth is 0.1, but vgg11 has no "
                                 "blocks to drop")));
  options = {};
  options.zero_init_last_norm = true;
  EXPECT_THAT(MakeBackbone("inception_v3", options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("inception_v3 is no ResNet")));
}

TEST(MakeBackboneTest, NamesTheNearestOfUnknownNames) {
  EXPECT_THAT(MakeBackbone("ResNet-50"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("unknown backbone \"ResNet-50\""),
                             HasSubstr("did you mean resnet50"))));
}

}  // namespace
}  // namespace vision
