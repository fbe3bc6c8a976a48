#include "wsol/cli/run_outcome.h"

#include <sstream>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "wsol/training_run/classifier_run.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

TEST(ShowRunOutcomeTest, ShowsTheTablesAndTheFolder) {
  RunResult result;
  result.text = "tables";
  std::ostringstream stream;
  EXPECT_THAT(ShowRunOutcome(result, "cub", stream), IsOk());
  EXPECT_EQ(stream.str(), "tables\nModels and results: cub\n");
}

TEST(ShowRunOutcomeTest, AnExperimentThatIsDoneIsNoError) {
  std::ostringstream stream;
  EXPECT_THAT(ShowRunOutcome(absl::AlreadyExistsError("done"), "cub", stream),
              IsOk());
  EXPECT_EQ(stream.str(), "done\n");
}

TEST(ShowRunOutcomeTest, TellsHowToGoOn) {
  std::ostringstream stream;
  EXPECT_THAT(ShowRunOutcome(absl::CancelledError("stopped"), "cub", stream),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("--resume")));
  EXPECT_EQ(stream.str(), "");
}

TEST(ShowRunOutcomeTest, ReturnsOtherErrors) {
  std::ostringstream stream;
  EXPECT_THAT(ShowRunOutcome(absl::InternalError("bad"), "cub", stream),
              StatusIs(absl::StatusCode::kInternal, "bad"));
}

}  // namespace
}  // namespace wsol
