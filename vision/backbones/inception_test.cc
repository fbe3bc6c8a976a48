#include "vision/backbones/inception.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "c10/util/Exception.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/stride_preset.h"

namespace vision {
namespace {

using ::testing::ElementsAre;
using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

std::shared_ptr<Backbone> Make(const InceptionV3Options& options) {
  const auto inception = MakeInceptionV3(options);
  EXPECT_THAT(inception, IsOk());
  return *inception;
}

// Sizes by hand for 224: (224 + 2 - 3) / 2 + 1 = 112; the pool of 112 takes
// ceil(111 / 2) + 1 = 57, that of 57 28 + 1 = 29; Mixed_6a keeps the size. For
// 299 in torchvision's form: 149, 147 and 147 by the convolutions, 73 by the
// pool, 71, 35, 17 by Mixed_6a and 8 by Mixed_7a, as in the paper.
TEST(InceptionV3Test, DividesSizesAsPublished) {
  const auto wsol = Make(InceptionV3Preset(StridePreset::kWsol28));
  EXPECT_THAT(wsol->FeatureSizes(224), ElementsAre(224, 112, 57, 29, 29, 29));
  EXPECT_THAT(wsol->FeatureSizes(1), ElementsAre(1, 1, 1, 1, 1, 1));
  const auto imagenet = Make(InceptionV3Preset(StridePreset::kImageNet));
  EXPECT_THAT(imagenet->FeatureSizes(299),
              ElementsAre(299, 147, 73, 35, 17, 8));
  EXPECT_THAT(imagenet->FeatureSizes(75), ElementsAre(75, 35, 17, 7, 3, 1));
  EXPECT_EQ(imagenet->FeatureSizes(74).back(), 0);
  const at::NoGradGuard no_grad;
  wsol->eval();
  EXPECT_THAT(wsol->forward(at::rand({1, 3, 1, 9})).back(),
              HasShape({1, 1024, 1, wsol->FeatureSizes(9).back()}));
  EXPECT_THROW(imagenet->forward(at::rand({1, 3, 74, 80})), c10::Error);
}

TEST(InceptionV3Test, WsolFormHasThePublishedGroups) {
  const auto inception = Make(InceptionV3Preset(StridePreset::kWsol28));
  EXPECT_THAT(inception->last_stage(), ElementsAre("SPG_A3_1b", "SPG_A3_2b"));
  std::vector<std::string> low;
  std::vector<std::string> high;
  int64_t low_numbers = 0;
  for (const auto& item : inception->named_parameters()) {
    const bool is_low = item.key()[0] != 'S';
    (is_low ? low : high).push_back(item.key());
    if (is_low) low_numbers += item.value().numel();
  }
  ASSERT_EQ(low.size(), 210u);
  EXPECT_EQ(low_numbers, 8965856);
  EXPECT_EQ(low.front(), "Conv2d_1a_3x3.conv.weight");
  EXPECT_EQ(low.back(), "Mixed_6e.branch_pool.bn.bias");
  EXPECT_THAT(high, ElementsAre("SPG_A3_1b.1.weight", "SPG_A3_1b.1.bias",
                                "SPG_A3_2b.1.weight", "SPG_A3_2b.1.bias"));
}

TEST(InceptionV3OptionsTest, RejectsBadFieldsByName) {
  const auto expect_error = [](const InceptionV3Options& options,
                               const std::string& message) {
    EXPECT_THAT(
        MakeInceptionV3(options),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  InceptionV3Options options;
  options.strides = {2, 2};
  expect_error(options, "strides is {2, 2}, expected 3 values with SPG layers");
  options.strides = {2, 2, 1};
  options.spg = false;
  expect_error(options, "expected 4 values without SPG layers");
  options = {};
  options.strides = {2, 0, 1};
  expect_error(options, "strides is {2, 0, 1}, expected values from 1 to 8");
  options = {};
  options.in_channels = -3;
  expect_error(options, "in_channels is -3");
  options = {};
  options.dropout = 2;
  expect_error(options, "dropout is 2");
}

}  // namespace
}  // namespace vision
