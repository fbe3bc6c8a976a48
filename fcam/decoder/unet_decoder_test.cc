#include "fcam/decoder/unet_decoder.h"

#include <cmath>
#include <cstdint>
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
#include "torch/types.h"
#include "vision/backbones/backbone.h"

namespace fcam {
namespace {

using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

// Each convolution passes input channel `channel` on to all its outputs; in
// eval mode a fresh batch norm divides by sqrt(1 + eps).
void PassChannelOn(vision::ConvNormRelu& conv, int64_t channel) {
  const at::NoGradGuard no_grad;
  conv.conv().weight.zero_();
  conv.conv().weight.select(1, channel).select(1, 1).select(1, 1).fill_(1);
}
constexpr double kTwoNorms = 1 / (1 + 1e-5);

vision::FeaturePyramid RandomPyramid(
    const std::vector<int64_t>& channels,
    const std::vector<std::vector<int64_t>>& sizes, int64_t batch = 1,
    at::ScalarType dtype = at::kFloat) {
  at::manual_seed(1);
  vision::FeaturePyramid pyramid;
  for (size_t i = 0; i < channels.size(); ++i) {
    pyramid.push_back(
        at::randn({batch, channels[i], sizes[i][0], sizes[i][1]}, dtype));
  }
  return pyramid;
}

int64_t CountParameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) {
    count += parameter.numel();
  }
  return count;
}

TEST(UnetBlockTest, RepeatsPixelsWithoutSkip) {
  UnetBlock block(1, 0, 1);
  block.to(at::kDouble);
  block.eval();
  PassChannelOn(block.conv1(), 0);
  PassChannelOn(block.conv2(), 0);
  const at::Tensor x =
      at::tensor({1.0, 2.0, -3.0, 4.0}, at::kDouble).view({1, 1, 2, 2});
  // -3 is cut by the ReLU.
  const at::Tensor expected =
      at::tensor({1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0,  //
                  0.0, 0.0, 4.0, 4.0, 0.0, 0.0, 4.0, 4.0},
                 at::kDouble)
          .view({1, 1, 4, 4});
  EXPECT_THAT(block.forward(x, {}), TensorNear(expected * kTwoNorms, 1e-14));
}

TEST(UnetBlockTest, PutsTheSkipAfterTheMap) {
  UnetBlock block(2, 1, 3);
  block.to(at::kDouble);
  block.eval();
  PassChannelOn(block.conv1(), 2);
  PassChannelOn(block.conv2(), 1);
  at::manual_seed(2);
  const at::Tensor skip = at::rand({2, 1, 6, 4}, at::kDouble);
  const at::Tensor y =
      block.forward(at::randn({2, 2, 3, 2}, at::kDouble), skip);
  EXPECT_THAT(y, TensorNear((skip * kTwoNorms).expand({2, 3, 6, 4}), 1e-14));
}

// 29 -> 58 -> 57: nearest, then bilinear with align_corners.
TEST(UnetBlockTest, ResizesToASkipOfAnotherSizeByHand) {
  UnetBlock block(1, 1, 1);
  block.to(at::kDouble);
  block.eval();
  PassChannelOn(block.conv1(), 0);
  PassChannelOn(block.conv2(), 0);
  // One row (1, 3, 5) -> (1, 1, 3, 3, 5, 5); five samples at 0, 1.25, 2.5, 3.75
  // and 5: 1, 1 + .25 * 2, 3, 3 + .75 * 2, 5.
  const at::Tensor x =
      at::tensor({1.0, 3.0, 5.0}, at::kDouble).view({1, 1, 1, 3});
  const at::Tensor y = block.forward(x, at::zeros({1, 1, 2, 5}, at::kDouble));
  const at::Tensor row =
      at::tensor({1.0, 1.5, 3.0, 4.5, 5.0}, at::kDouble) * kTwoNorms;
  EXPECT_THAT(y,
              TensorNear(row.view({1, 1, 1, 5}).expand({1, 1, 2, 5}), 1e-14));
}

TEST(UnetBlockTest, UpAndDownAgainIsTheIdentity) {
  at::manual_seed(3);
  for (const auto& size : std::vector<std::vector<int64_t>>{
           {1, 1}, {2, 5}, {3, 1}, {12, 12}, {28, 28}, {29, 31}, {56, 57}}) {
    const at::Tensor x = at::randn({1, 2, size[0], size[1]}, at::kDouble);
    const at::Tensor up = at::upsample_nearest2d(x, {2 * size[0], 2 * size[1]});
    EXPECT_THAT(at::upsample_bilinear2d(up, size, /*align_corners=*/true),
                TensorNear(x, 1e-14, 1e-14));
  }
}

TEST(UnetBlockTest, PassesTheMapOnToASkipOfItsOwnSize) {
  UnetBlock block(2, 1, 1);
  block.to(at::kDouble);
  block.eval();
  PassChannelOn(block.conv1(), 1);
  PassChannelOn(block.conv2(), 0);
  at::manual_seed(5);
  const at::Tensor x = at::rand({1, 2, 7, 5}, at::kDouble);
  EXPECT_THAT(block.forward(x, at::rand({1, 1, 7, 5}, at::kDouble)),
              TensorNear(x.slice(1, 1) * kTwoNorms, 1e-14));
}

TEST(UnetBlockTest, GradientMatchesFiniteDifferences) {
  at::manual_seed(4);
  UnetBlock block(2, 1, 2);
  block.to(at::kDouble);
  const at::Tensor skip = at::randn({2, 1, 5, 5}, at::kDouble);
  const at::Tensor weights = at::randn({2, 2, 5, 5}, at::kDouble);
  const at::Tensor x = at::randn({2, 2, 3, 3}, at::kDouble);
  // In train mode, so that the batch norms' own gradient is included. A step
  // across a kink of a ReLU would be seen as a large error; this seed has none.
  EXPECT_THAT(::testing::CheckGradient(
                  [&](const at::Tensor& input) {
                    return (block.forward(input, skip) * weights).sum();
                  },
                  x),
              IsOk());
  EXPECT_THAT(::testing::CheckGradient(
                  [&](const at::Tensor& input) {
                    return (block.forward(x, input) * weights).sum();
                  },
                  skip),
              IsOk());
}

TEST(UnetBlockTest, RefusesOtherSkips) {
  UnetBlock block(2, 3, 2);
  EXPECT_THROW(block.forward(at::zeros({1, 2, 2, 2}), {}), c10::Error);
  EXPECT_THROW(block.forward(at::zeros({1, 2, 2, 2}), at::zeros({1, 4, 4, 4})),
               c10::Error);
}

TEST(UnetDecoderTest, HasThePublishedKeys) {
  UnetDecoderOptions options;
  options.channels = {4, 3, 2};
  options.center = true;
  const auto decoder = MakeUnetDecoder({3, 5, 6, 7}, options).value();
  std::vector<std::string> names;
  for (const auto& item : decoder->named_parameters()) {
    names.push_back(item.key());
  }
  std::vector<std::string> expected;
  const auto add = [&](const std::string& conv) {
    expected.push_back(conv + ".0.weight");
    expected.push_back(conv + ".1.weight");
    expected.push_back(conv + ".1.bias");
  };
  add("center.0");
  add("center.1");
  for (int i = 0; i < 3; ++i) {
    add("blocks." + std::to_string(i) + ".conv1");
    add("blocks." + std::to_string(i) + ".conv2");
  }
  EXPECT_EQ(names, expected);
  const auto buffers = decoder->named_buffers();
  EXPECT_TRUE(buffers.contains("blocks.2.conv2.1.running_mean"));
  EXPECT_TRUE(buffers.contains("blocks.2.conv2.1.running_var"));
  EXPECT_TRUE(buffers.contains("blocks.2.conv2.1.num_batches_tracked"));
  EXPECT_THAT(decoder->named_parameters()["blocks.0.conv1.0.weight"],
              HasShape({4, 7 + 6, 3, 3}));
  EXPECT_THAT(decoder->named_parameters()["blocks.2.conv1.0.weight"],
              HasShape({2, 3, 3, 3}));
}

// Numbers of parameters of the published decoders.
TEST(UnetDecoderTest, HasThePublishedSizes) {
  UnetDecoderOptions options;
  EXPECT_EQ(
      CountParameters(
          *MakeUnetDecoder({3, 64, 256, 512, 1024, 2048}, options).value()),
      9012928);
  EXPECT_EQ(CountParameters(
                *MakeUnetDecoder({3, 64, 80, 288, 768, 1024}, options).value()),
            5704384);
  options.channels = {256, 128, 64};
  options.center = true;
  EXPECT_EQ(
      CountParameters(*MakeUnetDecoder({64, 128, 256, 1024}, options).value()),
      23119616);
}

// 3 x 3 weights: 9 (in + out) + in out + out^2 + 4 out instead of
// 9 (in out + out^2) + 4 out a block.
TEST(UnetDecoderTest, LightOnesHaveATenthOfTheParameters) {
  const auto expected = [](const std::vector<int64_t>& inputs,
                           const std::vector<int64_t>& outputs) {
    int64_t count = 0;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const int64_t in = inputs[i], out = outputs[i];
      count += 9 * (in + out) + in * out + out * out + 4 * out;
    }
    return count;
  };
  UnetDecoderOptions options;
  options.light = true;
  const int64_t resnet = CountParameters(
      *MakeUnetDecoder({3, 64, 256, 512, 1024, 2048}, options).value());
  EXPECT_EQ(resnet, expected({3072, 768, 384, 128, 32}, options.channels));
  EXPECT_EQ(resnet, 1047120);
  const int64_t inception = CountParameters(
      *MakeUnetDecoder({3, 64, 80, 288, 768, 1024}, options).value());
  EXPECT_EQ(inception, expected({1792, 544, 208, 128, 32}, options.channels));
  EXPECT_EQ(inception, 664384);
  options.channels = {256, 128, 64};
  options.center = true;
  EXPECT_EQ(
      CountParameters(*MakeUnetDecoder({64, 128, 256, 1024}, options).value()),
      expected({1280, 384, 128}, options.channels) +
          2 * (9 * 1024 + 1024 * 1024 + 2 * 1024));
}

TEST(UnetDecoderTest, LightOnesHaveTheSameSizesAndLearn) {
  const std::vector<int64_t> channels = {3, 4, 5, 6};
  UnetDecoderOptions options;
  options.channels = {4, 3, 2};
  options.light = true;
  options.center = true;
  const auto decoder = MakeUnetDecoder(channels, options).value();
  const at::Tensor y = decoder->forward(
      RandomPyramid(channels, {{16, 14}, {8, 7}, {4, 4}, {2, 2}}, 2));
  EXPECT_THAT(y, HasShape({2, 2, 16, 14}));
  y.sin().sum().backward();
  std::vector<std::string> names;
  for (const auto& item : decoder->named_parameters()) {
    names.push_back(item.key());
    EXPECT_TRUE(item.value().grad().defined()) << item.key();
  }
  EXPECT_EQ(names[0], "center_depthwise.0.weight");
  EXPECT_THAT(decoder->named_parameters()["blocks.0.depthwise1.weight"],
              HasShape({11, 1, 3, 3}));
  EXPECT_THAT(decoder->named_parameters()["blocks.0.conv1.0.weight"],
              HasShape({4, 11, 1, 1}));
}

TEST(UnetBlockTest, LightConvolvesEachChannelThenMixesThem) {
  UnetBlock block(1, 1, 1, /*light=*/true);
  block.to(at::kDouble);
  block.eval();
  const at::NoGradGuard no_grad;
  auto weights = block.named_parameters();
  // The first depthwise filter shifts channel 1 (the skip) by a column.
  weights["depthwise1.weight"].zero_();
  weights["depthwise1.weight"][1][0][1][0] = 1;
  weights["conv1.0.weight"].copy_(
      at::tensor({7., 2.}, at::kDouble).view({1, 2, 1, 1}));
  weights["depthwise2.weight"].zero_();
  weights["depthwise2.weight"][0][0][1][1] = 1;
  weights["conv2.0.weight"].fill_(1);
  const at::Tensor skip =
      at::tensor({1., 2., 3., 4.}, at::kDouble).view({1, 1, 2, 2});
  const at::Tensor expected =
      at::tensor({0., 2., 0., 6.}, at::kDouble).view({1, 1, 2, 2});
  EXPECT_THAT(block.forward(at::ones({1, 1, 1, 1}, at::kDouble), skip),
              TensorNear(expected * kTwoNorms, 1e-14));
}

TEST(UnetDecoderTest, ReachesTheImagesResolution) {
  // Sizes of inception v3's pyramid for 224 x 224, divided by about 4.
  UnetDecoderOptions options;
  options.channels = {8, 6, 5, 4, 3};
  const std::vector<int64_t> channels = {3, 4, 5, 6, 7, 8};
  const auto decoder = MakeUnetDecoder(channels, options).value();
  const std::vector<at::Tensor> blocks = decoder->ForwardBlocks(RandomPyramid(
      channels, {{56, 56}, {28, 28}, {15, 15}, {8, 8}, {8, 8}, {8, 8}}, 2));
  ASSERT_EQ(blocks.size(), 5u);
  EXPECT_THAT(blocks[0], HasShape({2, 8, 8, 8}));
  EXPECT_THAT(blocks[1], HasShape({2, 6, 8, 8}));
  EXPECT_THAT(blocks[2], HasShape({2, 5, 15, 15}));
  EXPECT_THAT(blocks[3], HasShape({2, 4, 28, 28}));
  EXPECT_THAT(blocks[4], HasShape({2, 3, 56, 56}));
  EXPECT_EQ(decoder->out_channels(), 3);
}

TEST(UnetDecoderTest, TakesPyramidsOfAnyHeight) {
  const std::vector<int64_t> channels = {3, 4};
  UnetDecoderOptions options;
  options.channels = {5, 4, 2};  // No skip at all, a factor of 8.
  EXPECT_THAT(MakeUnetDecoder(channels, options)
                  .value()
                  ->forward(RandomPyramid(channels, {{40, 24}, {5, 3}})),
              HasShape({1, 2, 40, 24}));
  // Fewer blocks than levels: the finest levels are not used.
  const std::vector<int64_t> deep = {3, 4, 5, 6};
  options.channels = {2};
  EXPECT_THAT(
      MakeUnetDecoder(deep, options)
          .value()
          ->forward(RandomPyramid(deep, {{16, 16}, {8, 8}, {4, 4}, {2, 2}})),
      HasShape({1, 2, 4, 4}));
}

TEST(UnetDecoderTest, TakesTheFinestLevelIfAsked) {
  const std::vector<int64_t> channels = {3, 4, 5};
  UnetDecoderOptions options;
  options.channels = {4, 2};
  const vision::FeaturePyramid pyramid =
      RandomPyramid(channels, {{9, 7}, {5, 4}, {3, 2}});
  vision::FeaturePyramid other = pyramid;
  other[0] = other[0] + 1;
  auto decoder = MakeUnetDecoder(channels, options).value();
  decoder->eval();
  EXPECT_THAT(decoder->forward(pyramid), HasShape({1, 2, 10, 8}));
  EXPECT_THAT(decoder->forward(other), TensorEq(decoder->forward(pyramid)));
  options.finest_skip = true;
  decoder = MakeUnetDecoder(channels, options).value();
  decoder->eval();
  EXPECT_THAT(decoder->forward(pyramid), HasShape({1, 2, 9, 7}));
  EXPECT_THAT(decoder->forward(other),
              Not(TensorEq(decoder->forward(pyramid))));
}

// The features of a fast encoder are convolved in parts: the same up to
// rounding, gradients too.
TEST(UnetDecoderTest, ChannelsLastConstantsGiveTheSame) {
  at::manual_seed(7);
  const std::vector<int64_t> channels = {3, 20, 64, 130, 140};
  const vision::FeaturePyramid pyramid =
      RandomPyramid(channels, {{32, 30}, {16, 15}, {8, 8}, {4, 4}, {4, 4}}, 2);
  vision::FeaturePyramid last;
  for (const at::Tensor& level : pyramid) {
    last.push_back(level.contiguous(at::MemoryFormat::ChannelsLast));
  }
  for (const bool center : {false, true}) {
    UnetDecoderOptions options;
    options.channels = {24, 16, 8, 6};
    options.center = center;
    const auto decoder = MakeUnetDecoder(channels, options).value();
    const auto run = [&](const vision::FeaturePyramid& maps) {
      const at::Tensor y = decoder->forward(maps);
      for (at::Tensor& parameter : decoder->parameters()) {
        parameter.mutable_grad() = at::Tensor();
      }
      y.sin().mean().backward();
      std::vector<at::Tensor> results = {y.detach()};
      for (const at::Tensor& parameter : decoder->parameters()) {
        results.push_back(parameter.grad().clone());
      }
      return results;
    };
    const std::vector<at::Tensor> expected = run(pyramid);
    const std::vector<at::Tensor> actual = run(last);
    for (size_t i = 0; i < expected.size(); ++i) {
      const double largest = expected[i].abs().max().item<double>();
      EXPECT_THAT(actual[i], TensorNear(expected[i], 1e-6 + 2e-3 * largest))
          << i;
    }
  }
}

TEST(UnetDecoderTest, UsesEverySkip) {
  const std::vector<int64_t> channels = {3, 4, 5, 6};
  UnetDecoderOptions options;
  options.channels = {4, 3, 2};
  options.center = true;
  const auto decoder = MakeUnetDecoder(channels, options).value();
  vision::FeaturePyramid pyramid =
      RandomPyramid(channels, {{16, 16}, {8, 8}, {4, 4}, {2, 2}});
  for (at::Tensor& level : pyramid) level.set_requires_grad(true);
  decoder->forward(pyramid).sin().sum().backward();
  EXPECT_FALSE(pyramid[0].grad().defined());
  for (int i = 1; i < 4; ++i) {
    EXPECT_GT(pyramid[i].grad().abs().sum().item<double>(), 0) << i;
  }
}

TEST(UnetDecoderTest, StartsKaimingUniformFromItsSeed) {
  UnetDecoderOptions options;
  options.channels = {32, 8};
  options.seed = 5;
  const std::vector<int64_t> channels = {3, 16, 16};
  const auto a = MakeUnetDecoder(channels, options).value();
  const auto b = MakeUnetDecoder(channels, options).value();
  options.seed = 6;
  const auto c = MakeUnetDecoder(channels, options).value();
  const auto weights = a->named_parameters();
  for (const auto& item : weights) {
    SCOPED_TRACE(item.key());
    const at::Tensor& weight = item.value();
    EXPECT_THAT(b->named_parameters()[item.key()], TensorEq(weight));
    if (weight.dim() == 1) {
      const bool gain = item.key().find("weight") != std::string::npos;
      EXPECT_TRUE((weight == (gain ? 1 : 0)).all().item<bool>());
      continue;
    }
    EXPECT_THAT(c->named_parameters()[item.key()], Not(TensorEq(weight)));
    const double bound =
        std::sqrt(6.0 / static_cast<double>(weight.numel() / weight.size(0)));
    EXPECT_LE(weight.abs().max().item<double>(), bound * 1.000001);
    EXPECT_GE(weight.abs().max().item<double>(), bound * 0.98);
    // A uniform variable's deviation is its bound / sqrt(3).
    EXPECT_NEAR(weight.std().item<double>(), bound / std::sqrt(3),
                bound * 0.05);
  }
}

TEST(UnetDecoderTest, RefusesAnotherPyramid) {
  const auto decoder = MakeUnetDecoder({3, 4, 5}, {}).value();
  EXPECT_THROW(decoder->forward(RandomPyramid({3, 4}, {{8, 8}, {4, 4}})),
               c10::Error);
  EXPECT_THROW(
      decoder->forward(RandomPyramid({3, 4, 6}, {{8, 8}, {4, 4}, {2, 2}})),
      c10::Error);
}

TEST(UnetDecoderTest, RejectsBadOptions) {
  UnetDecoderOptions options;
  options.channels = {};
  EXPECT_THAT(MakeUnetDecoder({3, 4}, options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("decoder channels are empty")));
  options.channels = {16, 0};
  EXPECT_THAT(MakeUnetDecoder({3, 4}, options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("contain 0, expected at least 1")));
  EXPECT_THAT(MakeUnetDecoder({3}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("1 levels, expected at least 2")));
  EXPECT_THAT(MakeUnetDecoder({3, -1}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("has -1 channels")));
}

}  // namespace
}  // namespace fcam
