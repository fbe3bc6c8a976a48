#include "vision/backbones/input_channels.h"

#include <cstdint>
#include <memory>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/backbones/factory.h"
#include "vision/nn/state_dict.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

std::shared_ptr<Backbone> Make(int64_t in_channels, uint64_t seed) {
  BackboneOptions options;
  options.in_channels = in_channels;
  options.seed = seed;
  return MakeBackbone("resnet_small", options).value();
}

TEST(AdaptInputChannelsTest, GreyImagesGiveWhatTheyGaveAsRgb) {
  const auto rgb = Make(3, 1);
  const auto grey = Make(1, 2);
  StateDict dict = GetStateDict(*rgb);
  ASSERT_THAT(AdaptInputChannels(*grey, dict), IsOk());
  ASSERT_THAT(LoadStateDict(dict, *grey), IsOk());
  rgb->eval();
  grey->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::rand({1, 1, 16, 16});
  const at::Tensor expected =
      rgb->forward(x.expand({1, 3, 16, 16}).contiguous()).back();
  EXPECT_THAT(grey->forward(x).back(),
              TensorNear(expected, 1e-5 * expected.max().item<float>()));
  // The original is as it was.
  EXPECT_EQ(GetStateDict(*rgb)["conv1.weight"].size(1), 3);
}

TEST(AdaptInputChannelsTest, FollowsTheRuleOfEachNumber) {
  const auto rgb = Make(3, 1);
  const at::Tensor weight = GetStateDict(*rgb)["conv1.weight"];
  StateDict dict = GetStateDict(*rgb);
  ASSERT_THAT(AdaptInputChannels(*rgb, dict), IsOk());
  EXPECT_THAT(dict["conv1.weight"], TensorEq(weight));
  ASSERT_THAT(AdaptInputChannels(*Make(2, 2), dict), IsOk());
  EXPECT_THAT(dict["conv1.weight"], TensorEq(weight.slice(1, 0, 2) * 1.5));
  dict = GetStateDict(*rgb);
  const auto five = Make(5, 2);
  ASSERT_THAT(AdaptInputChannels(*five, dict), IsOk());
  EXPECT_THAT(dict["conv1.weight"],
              TensorEq(GetStateDict(*five)["conv1.weight"]));
}

TEST(AdaptInputChannelsTest, RejectsOtherEntries) {
  StateDict dict;
  EXPECT_THAT(AdaptInputChannels(*Make(1, 0), dict),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the state dict has no conv1.weight")));
  dict.insert("conv1.weight", at::zeros({32, 4, 3, 3}));
  EXPECT_THAT(AdaptInputChannels(*Make(1, 0), dict),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("shape [32, 4, 3, 3]"),
                             HasSubstr("expected [32, 3, 3, 3] or 1 chan"))));
}

}  // namespace
}  // namespace vision
