#include "wsol/datasets/file_problems.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(FileProblemsTest, IsOkWithoutProblems) {
  FileProblems problems("x.csv");
  EXPECT_TRUE(problems.empty());
  EXPECT_THAT(problems.ToStatus(), IsOk());
  EXPECT_EQ(problems.ToString(), "");
}

TEST(FileProblemsTest, NamesFileAndLine) {
  FileProblems problems("x.csv");
  problems.Add(3, "bad");
  problems.Add(0, "too short");
  problems.AddElsewhere("y.csv", 7, "has no row in x.csv");
  EXPECT_THAT(problems.ToStatus(), StatusIs(kInvalid,
                                            "x.csv:3: bad\nx.csv: too short\n"
                                            "y.csv:7: has no row in x.csv"));
  EXPECT_EQ(problems.count(), 3);
}

TEST(FileProblemsTest, ListsTwentyAndCountsTheOthers) {
  FileProblems problems("x.csv");
  for (int i = 1; i <= 23; ++i) problems.Add(i, "bad");
  const std::string text = problems.ToString();
  EXPECT_TRUE(absl::StrContains(text, "x.csv:20: bad\n"));
  EXPECT_FALSE(absl::StrContains(text, "x.csv:21"));
  EXPECT_TRUE(absl::EndsWith(text, "\nx.csv: ... and 3 more problems"));
}

TEST(FileProblemsTest, QuotesWhatWouldGarbleATerminal) {
  EXPECT_EQ(QuoteForMessage("a b"), "'a b'");
  EXPECT_EQ(QuoteForMessage("a\x1b[31m\n"), "'a\\x1b[31m\\x0a'");
  EXPECT_EQ(QuoteForMessage(std::string(81, 'x')),
            absl::StrCat("'", std::string(80, 'x'), "...'"));
}

}  // namespace
}  // namespace wsol
