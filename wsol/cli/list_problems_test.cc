#include "wsol/cli/list_problems.h"

#include <sstream>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::IsOk;
using ::testing::StatusIs;

TEST(ListProblemsTest, SeveralLinesAreListed) {
  std::ostringstream stream;
  EXPECT_THAT(ListProblems(absl::InvalidArgumentError("x:1: bad\nx:2: worse"),
                           "nothing was written", stream),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "the input has problems, see above; nothing was "
                       "written"));
  EXPECT_EQ(stream.str(), "  x:1: bad\n  x:2: worse\n");
}

TEST(ListProblemsTest, OthersComeBackAsTheyAre) {
  std::ostringstream stream;
  EXPECT_THAT(ListProblems(absl::OkStatus(), "", stream), IsOk());
  EXPECT_THAT(ListProblems(absl::InvalidArgumentError("one"), "", stream),
              StatusIs(absl::StatusCode::kInvalidArgument, "one"));
  // What is missing and how to get it, not a list.
  EXPECT_THAT(ListProblems(absl::NotFoundError("a\nb"), "", stream),
              StatusIs(absl::StatusCode::kNotFound, "a\nb"));
  EXPECT_EQ(stream.str(), "");
}

}  // namespace
}  // namespace wsol
