#include "vision/backbones/resnet.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/golden_weights.h"
#include "vision/backbones/stride_preset.h"
#include "vision/base/file_io.h"
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

// The smallest network of all parts: max pool, both strides, a downsample.
ResNetOptions TinyOptions(ResNetBlock block) {
  ResNetOptions options;
  options.block = block;
  options.blocks = {2, 1};
  options.widths = {4, 8};
  options.strides = {1, 2};
  options.stem_width = 4;
  return options;
}

std::shared_ptr<Backbone> Make(const ResNetOptions& options) {
  absl::StatusOr<std::shared_ptr<Backbone>> resnet = MakeResNet(options);
  EXPECT_THAT(resnet, IsOk());
  return *resnet;
}

int64_t CountParameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) {
    count += parameter.numel();
  }
  return count;
}

std::vector<double> Values(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().to(at::kDouble).contiguous();
  const double* data = dense.data_ptr<double>();
  return std::vector<double>(data, data + dense.numel());
}

class ResNetBlockTest : public ::testing::TestWithParam<ResNetBlock> {};

INSTANTIATE_TEST_SUITE_P(Blocks, ResNetBlockTest,
                         ::testing::Values(ResNetBlock::kBasic,
                                           ResNetBlock::kBottleneck),
                         [](const ::testing::TestParamInfo<ResNetBlock>& info) {
                           return info.param == ResNetBlock::kBasic
                                      ? "Basic"
                                      : "Bottleneck";
                         });

// A network of one block on one channel, by hand. All weights are 1 at the
// kernels' centres, norms are the identity up to eps, so each convolution
// passes its input on. Stem: relu(x). Block: relu(f(x) + x) with f(x) = relu(x)
// = x, so each block doubles what is positive.
TEST(ResNetTest, BlocksAddTheirInput) {
  ResNetOptions options;
  options.blocks = {2};
  options.widths = {1};
  options.strides = {1};
  options.stem_kernel = 3;
  options.stem_stride = 1;
  options.stem_width = 1;
  options.stem_max_pool = false;
  options.in_channels = 1;
  const auto resnet = Make(options);
  resnet->eval();
  const at::NoGradGuard no_grad;
  for (const auto& item : resnet->named_parameters()) {
    if (item.value().dim() != 4) continue;
    item.value().zero_();
    item.value()[0][0][1][1] = 1;
  }
  const at::Tensor x = at::tensor({-1.f, 2.f}).view({1, 1, 1, 2});
  const FeaturePyramid pyramid = resnet->forward(x);
  ASSERT_EQ(pyramid.size(), 3u);
  EXPECT_THAT(pyramid[0], TensorEq(x));
  EXPECT_THAT(pyramid[1], TensorNear(at::tensor({0.f, 2.f}).view({1, 1, 1, 2}),
                                     /*atol=*/1e-4));  // eps of the norms
  EXPECT_THAT(pyramid[2], TensorNear(at::tensor({0.f, 8.f}).view({1, 1, 1, 2}),
                                     /*atol=*/1e-3));
}

TEST(ResNetTest, ZeroInitStartsAsTheIdentity) {
  ResNetOptions options;
  options.blocks = {3};
  options.widths = {6};
  options.strides = {1};
  options.stem_width = 6;
  options.stem_max_pool = false;
  options.zero_init_last_norm = true;
  const FeaturePyramid pyramid = Make(options)->forward(at::rand({2, 3, 8, 8}));
  EXPECT_THAT(pyramid[2].detach(), TensorEq(pyramid[1].detach()));
}

TEST_P(ResNetBlockTest, ShapesFollowChannelsAndStrides) {
  const auto resnet = Make(TinyOptions(GetParam()));
  const std::vector<int64_t> channels = resnet->channels();
  const std::vector<int64_t> strides = resnet->strides();
  EXPECT_THAT(strides, ElementsAre(1, 2, 4, 8));
  // 1 x 1, odd and even sizes; sizes are rounded up.
  for (const int64_t height : {1, 15, 16}) {
    const int64_t width = 17;
    const FeaturePyramid pyramid =
        resnet->forward(at::rand({2, 3, height, width}));
    ASSERT_EQ(pyramid.size(), channels.size());
    for (size_t i = 0; i < pyramid.size(); ++i) {
      EXPECT_THAT(pyramid[i],
                  HasShape({2, channels[i], (height - 1) / strides[i] + 1,
                            (width - 1) / strides[i] + 1}));
    }
  }
}

TEST_P(ResNetBlockTest, GradientsReachImagesAndAllParameters) {
  const auto resnet = Make(TinyOptions(GetParam()));
  const at::Tensor images = at::rand({2, 3, 16, 16}).requires_grad_();
  at::Tensor sum = at::zeros({});
  for (const at::Tensor& map : resnet->forward(images)) sum = sum + map.sum();
  sum.backward();
  EXPECT_TRUE(images.grad().defined());
  for (const auto& item : resnet->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>())
        << item.key();
  }
}

TEST_P(ResNetBlockTest, ChannelsLastGivesTheSameMaps) {
  const auto resnet = Make(TinyOptions(GetParam()));
  resnet->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::rand({2, 3, 16, 16});
  const FeaturePyramid expected = resnet->forward(images);
  const FeaturePyramid actual =
      resnet->forward(images.contiguous(at::MemoryFormat::ChannelsLast));
  for (size_t i = 0; i < expected.size(); ++i) {
    // Another order of summation in float32.
    EXPECT_THAT(actual[i], TensorNear(expected[i], /*atol=*/1e-5, 1e-5));
    EXPECT_TRUE(actual[i].is_contiguous(at::MemoryFormat::ChannelsLast));
  }
}

TEST_P(ResNetBlockTest, WeightsAreAFunctionOfTheSeed) {
  ResNetOptions options = TinyOptions(GetParam());
  options.seed = 3;
  const StateDict a = GetStateDict(*Make(options));
  const StateDict b = GetStateDict(*Make(options));
  for (const auto& item : a) {
    EXPECT_THAT(b[item.key()], TensorEq(item.value())) << item.key();
  }
  options.seed = 4;
  EXPECT_THAT(GetStateDict(*Make(options))["conv1.weight"],
              Not(TensorEq(a["conv1.weight"])));
}

TEST(ResNetTest, StridePresetsChangeStridesOnly) {
  const auto wsol = ResNetPreset("resnet18", StridePreset::kWsol28);
  const auto imagenet = ResNetPreset("resnet18", StridePreset::kImageNet);
  ASSERT_THAT(wsol, IsOk());
  ASSERT_THAT(imagenet, IsOk());
  EXPECT_THAT(Make(*wsol)->strides(), ElementsAre(1, 2, 4, 8, 8, 8));
  EXPECT_THAT(Make(*imagenet)->strides(), ElementsAre(1, 2, 4, 8, 16, 32));
  EXPECT_THAT(Make(*wsol)->channels(), ElementsAre(3, 64, 64, 128, 256, 512));
  EXPECT_THAT(Make(*wsol)->last_stage(), ElementsAre("layer4"));
}

TEST(ResNetTest, SmallNetworkKeepsMapsOfAnEighth) {
  const auto resnet = Make(ResNetSmallOptions());
  EXPECT_THAT(resnet->strides(), ElementsAre(1, 2, 2, 4, 8, 8));
  const at::NoGradGuard no_grad;
  const FeaturePyramid pyramid = resnet->forward(at::rand({1, 3, 96, 96}));
  EXPECT_THAT(pyramid[1], HasShape({1, 32, 48, 48}));
  EXPECT_THAT(pyramid.back(), HasShape({1, 128, 12, 12}));
}

TEST(ResNetTest, MatchesTorchvisionsStateDicts) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("vision/backbones/testdata/torchvision.json");
  for (const nlohmann::json& network : golden["networks"]) {
    const auto name = network["name"].get<std::string>();
    const auto options = ResNetPreset(name, StridePreset::kWsol28);
    ASSERT_THAT(options, IsOk());
    const auto resnet = Make(*options);
    EXPECT_EQ(CountParameters(*resnet), network["parameters"]) << name;
    std::vector<std::string> lines;
    for (const auto& item : GetStateDict(*resnet)) {
      lines.push_back(absl::StrCat(
          item.key(), " ", absl::StrJoin(item.value().sizes().vec(), ",")));
    }
    EXPECT_EQ(static_cast<int64_t>(lines.size()), network["entries"]) << name;
    EXPECT_EQ(Crc32(absl::StrJoin(lines, "\n")), network["crc32"]) << name;
  }
}

TEST(ResNetTest, MatchesTorchvisionsFeatures) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("vision/backbones/testdata/torchvision.json");
  for (const nlohmann::json& c : golden["cases"]) {
    ResNetOptions options;
    options.block =
        c["name"] == "basic" ? ResNetBlock::kBasic : ResNetBlock::kBottleneck;
    options.blocks = c["blocks"].get<std::vector<int64_t>>();
    options.widths = c["widths"].get<std::vector<int64_t>>();
    options.strides = c["strides"].get<std::vector<int64_t>>();
    options.stem_width = c["stem_width"].get<int64_t>();
    options.groups = c["groups"].get<int64_t>();
    options.base_width = c["base_width"].get<int64_t>();
    const auto resnet = Make(options);
    resnet->to(at::kDouble);
    resnet->eval();
    FillGoldenWeights(c["fill"], "", GetStateDict(*resnet));
    ::testing::GoldenTensor x = ::testing::MakeGoldenTensor(c["x"]);
    const at::NoGradGuard no_grad;
    const FeaturePyramid pyramid =
        resnet->forward(at::from_blob(x.data.data(), x.shape, at::kDouble));
    ASSERT_EQ(pyramid.size(), c["features"].size() + 1);
    for (size_t i = 1; i < pyramid.size(); ++i) {
      EXPECT_THAT(
          pyramid[i],
          HasShape(c["features"][i - 1]["shape"].get<std::vector<int64_t>>()));
      EXPECT_EQ(
          ::testing::CompareWithGolden(c["features"][i - 1], Values(pyramid[i]),
                                       /*rtol=*/1e-10, /*atol=*/1e-12),
          "")
          << c["name"] << " f" << i;
    }
  }
}

TEST(ResNetTest, RejectsImagesOfOtherShapes) {
  const auto resnet = Make(TinyOptions(ResNetBlock::kBasic));
  EXPECT_THROW(resnet->forward(at::rand({1, 4, 8, 8})), c10::Error);
  EXPECT_THROW(resnet->forward(at::rand({3, 8, 8})), c10::Error);
}

TEST(ResNetTest, AcceptsOtherChannelsAndAnEmptyBatch) {
  ResNetOptions options = TinyOptions(ResNetBlock::kBottleneck);
  options.in_channels = 1;
  const auto resnet = Make(options);
  resnet->eval();
  EXPECT_THAT(resnet->forward(at::rand({1, 1, 9, 9})).back(),
              HasShape({1, 32, 2, 2}));
  EXPECT_THAT(resnet->forward(at::rand({0, 1, 9, 9})).back(),
              HasShape({0, 32, 2, 2}));
}

TEST(ResNetPresetTest, NamesTheNearestOfUnknownNames) {
  EXPECT_THAT(ResNetPreset("resnet51", StridePreset::kWsol28),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("unknown ResNet \"resnet51\""),
                             HasSubstr("did you mean resnet50"),
                             HasSubstr("resnext50_32x4d"))));
}

TEST(ResNetOptionsTest, RejectsBadFieldsByName) {
  const auto expect_error = [](const ResNetOptions& options,
                               const std::string& message) {
    EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr(message)));
    EXPECT_THAT(MakeResNet(options),
                StatusIs(absl::StatusCode::kInvalidArgument));
  };
  EXPECT_THAT(ResNetOptions().Validate(), IsOk());
  EXPECT_THAT(ResNetSmallOptions().Validate(), IsOk());
  ResNetOptions options;
  options.blocks = {};
  expect_error(options, "blocks.size() is 0, expected 1 to 8");
  options = {};
  options.widths = {64, 128};
  expect_error(options,
               "widths is {64, 128}, expected one value for each of "
               "the 4 stages");
  options = {};
  options.strides = {1, 0, 1, 1};
  expect_error(options, "strides is {1, 0, 1, 1}, expected values from 1 to 8");
  options = {};
  options.stem_kernel = 4;
  expect_error(options, "stem_kernel is 4, expected an odd size");
  options = {};
  options.stem_stride = 0;
  expect_error(options, "stem_stride is 0");
  options = {};
  options.in_channels = 0;
  expect_error(options, "in_channels is 0");
  options = {};
  options.groups = 2;
  expect_error(options, "groups is 2, expected 1 with basic blocks");
  options = {};
  options.base_width = 32;
  expect_error(options, "base_width is 32, expected 64 with basic blocks");
  options.block = ResNetBlock::kBottleneck;
  options.base_width = 1;
  options.widths = {32, 64, 64, 64};
  expect_error(options,
               "base_width is 1, expected width * base_width / 64 * "
               "groups from 1");
}

}  // namespace
}  // namespace vision
