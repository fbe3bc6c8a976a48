#include "vision/backbones/vgg.h"

#include <cmath>
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
#include "vision/backbones/backbone.h"
#include "vision/backbones/stride_preset.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;

std::shared_ptr<Backbone> Make(const VggOptions& options) {
  const auto vgg = MakeVgg(options);
  EXPECT_THAT(vgg, IsOk());
  return *vgg;
}

// Two blocks of one convolution on one channel. Kernels are 1 at their centres
// and biases 1, so a convolution adds 1 and cuts at 0.
TEST(VggTest, PoolsBetweenBlocksByHand) {
  VggOptions options;
  options.convolutions = {1, 1};
  options.widths = {1, 1};
  options.strides = {2, 1};
  options.conv6_width = 1;
  options.in_channels = 1;
  const auto vgg = Make(options);
  vgg->eval();
  const at::NoGradGuard no_grad;
  for (const auto& item : vgg->named_parameters()) {
    if (item.value().dim() == 1) {
      item.value().fill_(1);
    } else {
      item.value().zero_();
      item.value()[0][0][1][1] = 1;
    }
  }
  // Rounding down, the pool drops the fifth column. Its maxima 3 and 5, made of
  // 2 and 4, pass two more convolutions.
  const at::Tensor x = at::tensor({-3.f, 2.f, 4.f, 0.f, 9.f,  //
                                   1.f, 0.f, -5.f, 1.f, 9.f})
                           .view({1, 1, 2, 5});
  const FeaturePyramid pyramid = vgg->forward(x);
  ASSERT_EQ(pyramid.size(), 2u);
  EXPECT_THAT(pyramid[0], TensorEq(at::tensor({0.f, 3.f, 5.f, 1.f, 10.f,  //
                                               2.f, 1.f, 0.f, 2.f, 10.f})
                                       .view({1, 1, 2, 5})));
  EXPECT_THAT(pyramid[1], TensorEq(at::tensor({5.f, 7.f}).view({1, 1, 1, 2})));
}

TEST(VggTest, WsolFormHasThePublishedLayers) {
  const auto options = VggPreset("vgg16", StridePreset::kWsol28);
  ASSERT_THAT(options, IsOk());
  const auto vgg = Make(*options);
  std::vector<std::string> names;
  int64_t features = 0;
  for (const auto& item : vgg->named_parameters()) {
    names.push_back(item.key());
    if (item.key()[0] == 'f') features += item.value().numel();
  }
  // The groups of learning rates of the published code: 26 tensors and conv6.
  ASSERT_EQ(names.size(), 28u);
  EXPECT_EQ(features, 14714688);
  EXPECT_EQ(names[0], "features.0.weight");
  EXPECT_EQ(names[19], "features.21.bias");  // torchvision's own number
  EXPECT_EQ(names[20], "features.23.weight");
  EXPECT_EQ(names[25], "features.27.bias");
  EXPECT_EQ(names[27], "conv6.bias");
  EXPECT_THAT(vgg->last_stage(), ElementsAre("conv6"));
  EXPECT_THAT(vgg->strides(), ElementsAre(1, 2, 4, 8));
  const double bound = 1 / std::sqrt(512.0 * 9);
  const at::Tensor bias = vgg->named_parameters()["conv6.bias"].detach();
  EXPECT_LE(bias.abs().max().item<double>(), bound);
  EXPECT_GE(bias.abs().max().item<double>(), 0.95 * bound);
}

TEST(VggTest, ImageNetFormEndsWithAPool) {
  const auto options = VggPreset("vgg11_bn", StridePreset::kImageNet);
  ASSERT_THAT(options, IsOk());
  const auto vgg = Make(*options);
  EXPECT_THAT(vgg->strides(), ElementsAre(1, 2, 4, 8, 16, 32));
  EXPECT_THAT(vgg->last_stage(), ElementsAre("features.22", "features.23",
                                             "features.25", "features.26"));
  const at::NoGradGuard no_grad;
  EXPECT_THAT(vgg->forward(at::rand({2, 3, 64, 33})).back(),
              HasShape({2, 512, 2, 1}));
}

TEST(VggPresetTest, NamesTheNearestOfUnknownNames) {
  EXPECT_THAT(VggPreset("vgg16bn", StridePreset::kWsol28),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("unknown VGG \"vgg16bn\""),
                             HasSubstr("did you mean"))));
}

TEST(VggOptionsTest, RejectsBadFieldsByName) {
  const auto expect_error = [](const VggOptions& options,
                               const std::string& message) {
    EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr(message)));
    EXPECT_THAT(MakeVgg(options), StatusIs(absl::StatusCode::kInvalidArgument));
  };
  EXPECT_THAT(VggOptions().Validate(), IsOk());
  VggOptions options;
  options.convolutions = {};
  expect_error(options, "convolutions.size() is 0, expected 1 to 8");
  options = {};
  options.widths = {64};
  expect_error(options,
               "widths is {64}, expected one value for each of the 5 blocks");
  options = {};
  options.strides = {2, 2, 2, 2, 3};
  expect_error(options,
               "strides is {2, 2, 2, 2, 3}, expected values from 1 to 2");
  options = {};
  options.conv6_width = -1;
  expect_error(options, "conv6_width is -1");
  options = {};
  options.in_channels = 0;
  expect_error(options, "in_channels is 0");
  options = {};
  options.dropout = -0.1;
  expect_error(options, "dropout is -0.1");
}

}  // namespace
}  // namespace vision
