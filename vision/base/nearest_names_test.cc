#include "vision/base/nearest_names.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;

const std::vector<std::string>& Known() {
  static const auto* const known =
      new std::vector<std::string>{"resnet18", "resnet50", "vgg16", "WGAP"};
  return *known;
}

TEST(NearestNamesTest, OrdersByEdits) {
  // resnet51: one edit to resnet50, two to resnet18.
  EXPECT_THAT(NearestNames("resnet51", Known()),
              ElementsAre("resnet50", "resnet18"));
  EXPECT_THAT(NearestNames("vg16", Known()), ElementsAre("vgg16"));
}

TEST(NearestNamesTest, IgnoresCaseAndFindsParts) {
  EXPECT_THAT(NearestNames("wgap", Known()), ElementsAre("WGAP"));
  EXPECT_THAT(NearestNames("resnet", Known()),
              ElementsAre("resnet18", "resnet50"));
  EXPECT_THAT(NearestNames("vgg16_batch_norm", Known()), ElementsAre("vgg16"));
}

TEST(NearestNamesTest, FindsNothingFarAway) {
  EXPECT_THAT(NearestNames("transformer", Known()), IsEmpty());
  EXPECT_THAT(NearestNames("", Known()), IsEmpty());
  EXPECT_THAT(NearestNames("vgg16", {}), IsEmpty());
}

TEST(CheckNameTest, AcceptsKnownNamesOnly) {
  EXPECT_THAT(CheckName("backbone", "vgg16", Known()), IsOk());
  EXPECT_THAT(
      CheckName("backbone", "vgg6", Known()),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "unknown backbone \"vgg6\"; did you mean vgg16? known are: "
               "resnet18, resnet50, vgg16, WGAP"));
  EXPECT_THAT(
      CheckName("backbone", "transformer", Known()),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("known are: "), Not(HasSubstr("mean")))));
}

}  // namespace
}  // namespace vision
