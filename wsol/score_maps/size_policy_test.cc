#include "wsol/score_maps/size_policy.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(SizePolicyTest, Names) {
  for (const SizePolicy policy :
       {SizePolicy::kFrame, SizePolicy::kImage, SizePolicy::kAny}) {
    EXPECT_THAT(ParseSizePolicy(SizePolicyName(policy)), IsOkAndHolds(policy));
  }
  EXPECT_THAT(ParseSizePolicy("big"), StatusIs(kInvalid, HasSubstr("\"big\"")));
}

TEST(SizePolicyTest, ChecksSizes) {
  EXPECT_THAT(CheckMapSize(SizePolicy::kFrame, 224, 224, 500, 375), IsOk());
  EXPECT_THAT(CheckMapSize(SizePolicy::kFrame, 500, 375, 500, 375),
              StatusIs(kInvalid, HasSubstr("is 500x375 pixels, expected "
                                           "224x224 (size policy \"frame\"")));
  EXPECT_THAT(CheckMapSize(SizePolicy::kImage, 500, 375, 500, 375), IsOk());
  // Width and height are not the same thing.
  EXPECT_THAT(CheckMapSize(SizePolicy::kImage, 375, 500, 500, 375),
              StatusIs(kInvalid, HasSubstr("expected 500x375")));
  EXPECT_THAT(CheckMapSize(SizePolicy::kImage, 224, 224, 0, 0),
              StatusIs(kInvalid, HasSubstr("does not tell")));
  EXPECT_THAT(CheckMapSize(SizePolicy::kAny, 7, 9, 0, 0), IsOk());
}

}  // namespace
}  // namespace wsol
