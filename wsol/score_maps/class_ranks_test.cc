#include "wsol/score_maps/class_ranks.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// Images a (class 0), b (class 2), c (class 5).
SplitMetadata Split() {
  SplitMetadata split;
  split.num_classes = 6;
  for (const auto& [id, label] :
       std::vector<std::pair<const char*, int>>{{"a", 0}, {"b", 2}, {"c", 5}}) {
    split.images.emplace_back();
    split.images.back().id = id;
    split.images.back().label = label;
  }
  return split;
}

TEST(ClassRanksTest, ReadsRankings) {
  const auto ranks = ParseClassRanks(
      "b,3,2,0,1,4\n"
      "a,0,1,2,3,4,5\n"
      "c,0,1,2,3,4",
      "p.csv", Split(), 6);
  ASSERT_THAT(ranks, IsOk());
  EXPECT_THAT(ranks->of_image, ElementsAre(0, 1, 5));
  EXPECT_TRUE(ranks->top5_known);
}

TEST(ClassRanksTest, ShortRankings) {
  auto ranks = ParseClassRanks("a,0\nb,1\nc,5\n", "p.csv", Split(), 6);
  ASSERT_THAT(ranks, IsOk());
  EXPECT_EQ(ranks->of_image[0], 0);
  EXPECT_GE(ranks->of_image[1], 5);
  EXPECT_FALSE(ranks->top5_known);
  // The true classes are there: their ranks are known.
  ranks = ParseClassRanks("a,0\nb,1,2\nc,5\n", "p.csv", Split(), 6);
  ASSERT_THAT(ranks, IsOk());
  EXPECT_THAT(ranks->of_image, ElementsAre(0, 1, 0));
  EXPECT_TRUE(ranks->top5_known);
}

TEST(ClassRanksTest, ReadsScores) {
  // Equal scores: the smaller class first.
  const auto ranks = ParseClassRanks(
      "id,score0,score1,score2,score3,score4,score5\r\n"
      "a,.5,.5,.1,0,-1e3,inf\r\n"
      "b,1,2,3,3,3,4\r\n"
      "c,1,1,1,1,1,1\r\n",
      "p.csv", Split(), 6);
  ASSERT_THAT(ranks, IsOk());
  EXPECT_THAT(ranks->of_image, ElementsAre(1, 1, 5));
}

TEST(ClassRanksTest, AcceptsHeaderByteOrderMarkAndBlankEnd) {
  const auto ranks =
      ParseClassRanks("\xEF\xBB\xBFid,top1,top2\na,0,1\nb,2,1\nc,5,0\n\n\r\n",
                      "p.csv", Split(), 6);
  ASSERT_THAT(ranks, IsOk());
  EXPECT_THAT(ranks->of_image, ElementsAre(0, 0, 0));
}

// A split may lack classes that the classifier has.
TEST(ClassRanksTest, UnknownNumberOfClasses) {
  EXPECT_THAT(ParseClassRanks("a,9,0\nb,2\nc,5\n", "p.csv", Split(), 0),
              IsOk());
  EXPECT_THAT(ParseClassRanks("a,9,0\nb,2\nc,5\n", "p.csv", Split(), 6),
              StatusIs(kInvalid));
  EXPECT_THAT(ParseClassRanks("id,score0\na,0,0,0,0,0,0,1\nb,0,0,0,0,0,0,1\n"
                              "c,0,0,0,0,0,0\n",
                              "p.csv", Split(), 0),
              StatusIs(kInvalid, HasSubstr("p.csv:4: got 6 scores, expected "
                                           "one for each of 7")));
  EXPECT_THAT(
      ParseClassRanks("id,score0\na,0,1\nb,0,1\nc,0,1\n", "p.csv", Split(), 0),
      StatusIs(kInvalid, HasSubstr("expected one for each of 6")));
}

struct BadCase {
  const char* text;
  const char* message;
};

TEST(ClassRanksTest, NamesFileLineAndProblem) {
  const BadCase cases[] = {
      {"a,0\nb,2\n", "p.csv: no row for image 'c'"},
      {"a,0\nb,2\nc,5\nd,1", "p.csv:4: the split has no image 'd'"},
      {"a,0\nb,2\nc,5\na,1", "p.csv:4: image 'a' comes again"},
      {"a,0\nb,6\nc,5",
       "p.csv:2: got '6' as the class ranked number 1, expected 0 to 5"},
      {"a,0\nb,-1\nc,5", "p.csv:2: got '-1'"},
      {"a,0\nb,1.5\nc,5", "p.csv:2: got '1.5'"},
      {"a,0\nb,\nc,5", "p.csv:2: got ''"},
      {"a,0\nb\nc,5", "p.csv:2: no classes"},
      {"a,0\nb,1,1\nc,5", "p.csv:2: class 1 is ranked twice"},
      {"a,0\n\nb,1\nc,5", "p.csv:2: the line is empty"},
      {"id,what\na,0\nb,1\nc,5", "p.csv:1: a header must be"},
      {"name,top1\na,0\nb,1\nc,5", "(a header begins with \"id\")"},
      {"id,score0\na,0,0,0,0,0,x\nb,0,0,0,0,0,0\nc,0,0,0,0,0,0",
       "p.csv:2: got 'x' as the score of class 5"},
      {"id,score0\na,0,0,0,0,0,nan\nb,0,0,0,0,0,0\nc,0,0,0,0,0,0",
       "p.csv:2: got 'nan' as the score of class 5"},
      {"", "the line is empty"},
  };
  for (const BadCase& bad : cases) {
    EXPECT_THAT(ParseClassRanks(bad.text, "p.csv", Split(), 6),
                StatusIs(kInvalid, HasSubstr(bad.message)));
  }
}

TEST(ClassRanksTest, ListsTwentyProblemsAndCountsTheOthers) {
  std::string text;
  for (int i = 0; i < 30; ++i) absl::StrAppend(&text, "x", i, ",0\n");
  EXPECT_THAT(ParseClassRanks(text, "p.csv", Split(), 6),
              StatusIs(kInvalid, AllOf(HasSubstr("p.csv:20: "),
                                       HasSubstr("... and 10 more problems"))));
}

TEST(ClassRanksTest, ReadsAFile) {
  const std::string path =
      vision::JoinPath(::testing::TempDir(), "predictions.csv");
  ASSERT_THAT(vision::WriteFileAtomically(path, "a,0\nb,2\nc,5\n"), IsOk());
  EXPECT_THAT(ReadClassRanks(path, Split(), 6), IsOk());
  EXPECT_THAT(ReadClassRanks(path + ".no", Split(), 6),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(ClassRanksTest, SurvivesDamagedFiles) {
  const std::string sound =
      "id,top1,top2\na,0,1,2,3,4\nb,2,1,0,4,5\nc,5,0,1,2,3\n";
  const std::string tokens[] = {",", "\n", "\r", "\xff", "id", "-", "9e9", ""};
  for (uint64_t i = 0; i < 5000; ++i) {
    vision::Rng rng(5, {i});
    std::string text = sound;
    for (uint64_t edit = rng.UniformInt(3) + 1; edit > 0; --edit) {
      const size_t at = rng.UniformInt(text.size() + 1);
      text = absl::StrCat(
          text.substr(0, at), tokens[rng.UniformInt(8)],
          text.substr(std::min(text.size(), at + rng.UniformInt(3))));
    }
    const auto ranks = ParseClassRanks(text, "p", Split(), 6);
    if (ranks.ok()) {
      EXPECT_EQ(ranks->of_image.size(), 3u);
    }
  }
}

}  // namespace
}  // namespace wsol
