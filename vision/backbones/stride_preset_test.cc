#include "vision/backbones/stride_preset.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

TEST(StridePresetTest, NamesGoBothWays) {
  EXPECT_THAT(ParseStridePreset("imagenet"),
              IsOkAndHolds(StridePreset::kImageNet));
  EXPECT_THAT(ParseStridePreset("wsol28"), IsOkAndHolds(StridePreset::kWsol28));
  EXPECT_EQ(StridePresetName(StridePreset::kWsol28), "wsol28");
}

TEST(StridePresetTest, NamesTheNearestOfUnknownNames) {
  EXPECT_THAT(ParseStridePreset("wsol"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("did you mean wsol28?")));
}

}  // namespace
}  // namespace vision
