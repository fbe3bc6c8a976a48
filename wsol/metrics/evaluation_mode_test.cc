#include "wsol/metrics/evaluation_mode.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

TEST(EvaluationModeTest, NamesParseBack) {
  for (const EvaluationMode mode :
       {EvaluationMode::kProtocol, EvaluationMode::kNative}) {
    EXPECT_THAT(ParseEvaluationMode(EvaluationModeName(mode)),
                IsOkAndHolds(mode));
  }
  EXPECT_EQ(EvaluationModeName(EvaluationMode::kProtocol), "protocol");
}

TEST(EvaluationModeTest, RejectsOtherNames) {
  EXPECT_THAT(ParseEvaluationMode("Native"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("got \"Native\", expected protocol or")));
}

}  // namespace
}  // namespace wsol
