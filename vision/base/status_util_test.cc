#include "vision/base/status_util.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace vision {
namespace {

using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

absl::Status FailAfter(absl::Status status, bool* reached) {
  VISION_RETURN_IF_ERROR(status);
  *reached = true;
  return absl::OkStatus();
}

absl::StatusOr<int> Deref(absl::StatusOr<std::unique_ptr<int>> pointer) {
  VISION_ASSIGN_OR_RETURN(const std::unique_ptr<int> value, std::move(pointer));
  return *value;
}

TEST(StatusUtilTest, ReturnIfErrorReturnsTheErrorAndStops) {
  bool reached = false;
  EXPECT_THAT(FailAfter(absl::NotFoundError("gone"), &reached),
              StatusIs(absl::StatusCode::kNotFound, "gone"));
  EXPECT_FALSE(reached);
}

TEST(StatusUtilTest, ReturnIfErrorGoesOnWhenOk) {
  bool reached = false;
  EXPECT_THAT(FailAfter(absl::OkStatus(), &reached), IsOk());
  EXPECT_TRUE(reached);
}

TEST(StatusUtilTest, AssignOrReturnMovesTheValue) {
  EXPECT_THAT(Deref(std::make_unique<int>(7)), IsOkAndHolds(7));
}

TEST(StatusUtilTest, AssignOrReturnPassesTheErrorOn) {
  EXPECT_THAT(Deref(absl::DataLossError("torn")),
              StatusIs(absl::StatusCode::kDataLoss, "torn"));
}

TEST(StatusUtilTest, AnnotateAppendsDetailAndKeepsTheCode) {
  EXPECT_THAT(
      Annotate(absl::NotFoundError("a.png"), "while reading split"),
      StatusIs(absl::StatusCode::kNotFound, "a.png; while reading split"));
  EXPECT_THAT(Annotate(absl::OkStatus(), "unused"), IsOk());
}

}  // namespace
}  // namespace vision
