#include "vision/backbones/mobile_net.h"

#include <string>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/backbones/stride_preset.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;
using ::testing::TensorEq;

TEST(MobileNetTest, LastStageBeginsAtTheLastStride) {
  const auto options =
      MobileNetPreset("mobilenet_v3_large", StridePreset::kWsol28);
  ASSERT_THAT(options, IsOk());
  const auto mobile = MakeMobileNet(*options);
  ASSERT_THAT(mobile, IsOk());
  EXPECT_THAT(
      (*mobile)->last_stage(),
      ElementsAre("features.13", "features.14", "features.15", "features.16"));
  EXPECT_THAT((*mobile)->strides(), ElementsAre(1, 2, 4, 8, 8, 8));
  const auto efficient =
      MobileNetPreset("efficientnet_b0", StridePreset::kImageNet);
  ASSERT_THAT(efficient, IsOk());
  EXPECT_EQ(efficient->stochastic_depth, 0.2);
  const auto net = MakeMobileNet(*efficient);
  ASSERT_THAT(net, IsOk());
  EXPECT_THAT((*net)->last_stage(),
              ElementsAre("features.6", "features.7", "features.8"));
  EXPECT_THAT((*net)->strides(), ElementsAre(1, 2, 4, 8, 16, 32));
}

TEST(MobileNetTest, StochasticDepthWorksInTrainingModeOnly) {
  MobileNetOptions options;
  options.kind = MobileNetKind::kEfficientNetB0;
  options.stochastic_depth = 0.9;
  const auto net = MakeMobileNet(options).value();
  net->set_freeze_norms(true);
  net->train();
  const at::Tensor images = at::rand({4, 3, 16, 16});
  const at::NoGradGuard no_grad;
  const at::Tensor once = net->forward(images).back();
  EXPECT_THAT(net->forward(images).back(), Not(TensorEq(once)));
  net->eval();
  const at::Tensor eval = net->forward(images).back();
  EXPECT_THAT(net->forward(images).back(), TensorEq(eval));
}

TEST(MobileNetPresetTest, NamesTheNearestOfUnknownNames) {
  EXPECT_THAT(MobileNetPreset("efficientnet_b1", StridePreset::kWsol28),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("unknown light network"),
                             HasSubstr("did you mean efficientnet_b0"))));
}

TEST(MobileNetOptionsTest, RejectsBadFieldsByName) {
  const auto expect_error = [](const MobileNetOptions& options,
                               const std::string& message) {
    EXPECT_THAT(
        MakeMobileNet(options),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  MobileNetOptions options;
  options.strides = {2, 3, 1, 1};
  expect_error(options, "strides is {2, 3, 1, 1}, expected values 1 or 2");
  options = {};
  options.in_channels = 0;
  expect_error(options, "in_channels is 0");
  options = {};
  options.dropout = 1;
  expect_error(options, "dropout is 1");
  options = {};
  options.stochastic_depth = -1;
  expect_error(options, "stochastic_depth is -1");
}

}  // namespace
}  // namespace vision
