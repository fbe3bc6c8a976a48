#include "wsol/metrics/box_mode.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

TEST(BoxModeTest, NamesAndModesAreInverse) {
  for (const BoxMode mode : {BoxMode::kLargestContour, BoxMode::kAllContours}) {
    EXPECT_THAT(ParseBoxMode(BoxModeName(mode)), IsOkAndHolds(mode));
  }
}

TEST(BoxModeTest, RejectsOtherNames) {
  EXPECT_THAT(ParseBoxMode("V1"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("got \"V1\", expected v1 or v2")));
}

}  // namespace
}  // namespace wsol
