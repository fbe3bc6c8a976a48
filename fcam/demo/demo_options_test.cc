#include "fcam/demo/demo_options.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "wsol/datasets/synthetic.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(DemoOptionsTest, ValidateNamesTheBadField) {
  DemoOptions options;
  options.output_dir = "out";
  options.data_dir = "data";
  EXPECT_THAT(options.Validate(), IsOk());
  options.num_threads = 0;
  EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr("num_threads")));
  options.num_threads = 1;
  options.data_dir = "";
  EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr("data_dir")));
  options.output_dir = "";
  EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr("output_dir")));
}

TEST(DemoOptionsTest, ParsesTheNamesOfTheData) {
  EXPECT_THAT(ParseDemoData("objects"),
              IsOkAndHolds(wsol::SyntheticKind::kObjects20));
  EXPECT_THAT(ParseDemoData("birds"),
              IsOkAndHolds(wsol::SyntheticKind::kBirds16));
  EXPECT_THAT(ParseDemoData("cats"),
              StatusIs(kInvalid, HasSubstr("cats: expected objects or birds")));
}

}  // namespace
}  // namespace fcam
