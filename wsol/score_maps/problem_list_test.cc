#include "wsol/score_maps/problem_list.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::EndsWith;
using ::testing::IsOk;
using ::testing::StatusIs;

TEST(ProblemListTest, ListsTwentyAndCountsTheOthers) {
  ProblemList problems;
  EXPECT_THAT(problems.ToStatus(), IsOk());
  problems.Add("a");
  problems.Add("b");
  EXPECT_THAT(problems.ToStatus(),
              StatusIs(absl::StatusCode::kInvalidArgument, "a\nb"));
  EXPECT_FALSE(problems.full());
  for (int i = 0; i < 20; ++i) problems.Add(absl::StrCat("x", i));
  EXPECT_TRUE(problems.full());
  EXPECT_THAT(problems.ToStatus(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       EndsWith("\nx17\n... and 2 more problems")));
}

}  // namespace
}  // namespace wsol
