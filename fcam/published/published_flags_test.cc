#include "fcam/published/published_flags.h"

#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/published/readme_commands.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"

namespace fcam {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

absl::StatusOr<PublishedFlags> ParseLine(const std::string& line) {
  return ParsePublishedFlags(SplitCommand(line));
}

TEST(PublishedFlagsTest, Has95Flags) {
  std::set<std::string> names;
  for (const PublishedFlagInfo& info : ListPublishedFlags()) {
    if (info.published) names.insert(info.name);
    EXPECT_FALSE(info.meaning.empty()) << info.name;
  }
  EXPECT_EQ(names.size(), 95u);
}

TEST(PublishedFlagsTest, ReadsTheClassifierCommand) {
  const auto flags = ParseLine(kReadmeClassifierCommand);
  ASSERT_THAT(flags, IsOk());
  EXPECT_EQ(flags->task, "STD_CL");
  EXPECT_EQ(flags->arch, "STDClassifier");
  EXPECT_EQ(flags->batch_size, 32);
  EXPECT_EQ(flags->step_size, 15);
  EXPECT_EQ(flags->lr, 0.0017);
  EXPECT_FALSE(flags->freeze_cl);
  EXPECT_EQ(flags->debug_subfolder, std::nullopt);
  EXPECT_EQ(flags->num_classes, 200);
  EXPECT_EQ(flags->exp_id, "08_19_2021_14_05_20_620912__6229687");
  EXPECT_TRUE(flags->IsGiven("cudaid"));
  EXPECT_FALSE(flags->IsGiven("MYSEED"));
}

TEST(PublishedFlagsTest, ReadsTheFcamCommand) {
  const auto flags = ParseLine(kReadmeFcamCommand);
  ASSERT_THAT(flags, IsOk());
  EXPECT_TRUE(flags->freeze_cl);
  EXPECT_EQ(flags->sl_end_ep, -1);
  EXPECT_EQ(flags->sl_ksz, 3);
  EXPECT_EQ(flags->crf_lambda, 2e-9);
  EXPECT_EQ(flags->max_sizepos_fc_lambda, 0.1);
  EXPECT_TRUE(flags->sl_fc && flags->crf_fc && flags->max_sizepos_fc);
  EXPECT_FALSE(flags->entropy_fc);
}

TEST(PublishedFlagsTest, ReadsBooleanWordsAndEqualsSigns) {
  for (const char* const yes : {"yes", "True", "T", "y", "1"}) {
    const auto flags =
        ParsePublishedFlags({"--dataset=CUB", "--freeze_cl", yes});
    ASSERT_THAT(flags, IsOk());
    EXPECT_TRUE(flags->freeze_cl) << yes;
  }
  for (const char* const no : {"no", "False", "f", "N", "0"}) {
    const auto flags = ParsePublishedFlags(
        {"--dataset=CUB", std::string("--support_background=") + no});
    ASSERT_THAT(flags, IsOk());
    EXPECT_FALSE(flags->support_background) << no;
  }
}

TEST(PublishedFlagsTest, TheLastOfSeveralCounts) {
  const auto flags = ParseLine("--dataset CUB --MYSEED 3 --MYSEED 4");
  ASSERT_THAT(flags, IsOk());
  EXPECT_EQ(flags->seed, 4);
}

TEST(PublishedFlagsTest, ReadsNone) {
  const auto flags = ParseLine("--dataset ILSVRC --encoder_weights None");
  ASSERT_THAT(flags, IsOk());
  EXPECT_EQ(flags->encoder_weights, std::nullopt);
  EXPECT_EQ(flags->num_classes, 1000);
}

TEST(PublishedFlagsTest, NamesWhatIsWrong) {
  EXPECT_THAT(ParseLine("--dataset CUB --batchsize 3").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("unknown flag --batchsize"),
                             HasSubstr("did you mean --batch_size"))));
  EXPECT_THAT(ParseLine("--dataset CUB --batch_size 3.5").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--batch_size: got \"3.5\", expected a whole "
                                 "number")));
  EXPECT_THAT(ParseLine("--dataset CUB --opt__lr nan").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--opt__lr: got \"nan\", expected a number")));
  EXPECT_THAT(ParseLine("--dataset CUB --freeze_cl maybe").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--freeze_cl: got \"maybe\", expected True "
                                 "or False")));
  EXPECT_THAT(ParseLine("--freeze_cl --dataset CUB").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--freeze_cl needs a value")));
  EXPECT_THAT(ParseLine("--dataset CUB --MYSEED").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--MYSEED needs a value")));
  EXPECT_THAT(ParseLine("--dataset CUB stray").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("unexpected argument \"stray\"")));
  EXPECT_THAT(ParseLine("--task STD_CL").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--dataset is needed: CUB, ILSVRC, "
                                 "OpenImages")));
  EXPECT_THAT(ParseLine("--dataset MNIST").status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--dataset: got \"MNIST\", expected CUB")));
}

TEST(PublishedFlagsTest, HelpNeedsNothingElse) {
  const auto flags = ParsePublishedFlags({"--help"});
  ASSERT_THAT(flags, IsOk());
  EXPECT_TRUE(flags->help);
  EXPECT_THAT(PublishedFlagsHelp(),
              AllOf(HasSubstr("--max_sizepos_fc_end_ep"), HasSubstr("(2e-09)"),
                    HasSubstr("--threads")));
}

TEST(PublishedFlagsTest, DescribesChangesAsPublished) {
  const auto flags =
      ParseLine("--dataset CUB --opt__lr 0.01 --batch_size 32 --num_classes 3");
  ASSERT_THAT(flags, IsOk());
  EXPECT_THAT(DescribeChanges(*flags),
              ElementsAre("Changing dataset: CUB -----> CUB",
                          "Changing num_classes: 200 -----> 3",
                          "Changing batch_size: 8 -----> 32",
                          "Changing opt__lr: 0.001 -----> 0.01"));
}

TEST(PublishedFlagsTest, WritesYaml) {
  const auto flags =
      ParseLine("--dataset CUB --debug_subfolder None --exp_id a:b");
  ASSERT_THAT(flags, IsOk());
  const std::string yaml = PublishedFlagsYaml(*flags);
  EXPECT_THAT(yaml, AllOf(HasSubstr("debug_subfolder: null\n"),
                          HasSubstr("exp_id: \"a:b\"\n"),
                          HasSubstr("\nmodel:\n  arch: \"UnetFCAM\"\n"),
                          HasSubstr("\noptimizer:\n  opt__name_optimizer: "),
                          HasSubstr("crf_lambda: 2.0e-09\n"),
                          HasSubstr("verbose: true\n")));
}

TEST(PublishedFlagsTest, DocumentationHasTheTable) {
  const auto text = vision::ReadFile(::testing::TestDataPath("docs/flags.md"));
  ASSERT_THAT(text, IsOk());
  // Not EXPECT_THAT: the whole file would be printed.
  EXPECT_NE(text->find(PublishedFlagsMarkdown()), std::string::npos)
      << "docs/flags.md lacks this table:\n"
      << PublishedFlagsMarkdown();
}

TEST(PythonFloatTest, PrintsAsPython) {
  EXPECT_EQ(PythonFloat(0.0017), "0.0017");
  EXPECT_EQ(PythonFloat(0.01), "0.01");
  EXPECT_EQ(PythonFloat(10), "10.0");
  EXPECT_EQ(PythonFloat(0), "0.0");
  EXPECT_EQ(PythonFloat(-1.5), "-1.5");
  EXPECT_EQ(PythonFloat(2e-9), "2e-09");
  EXPECT_EQ(PythonFloat(1e-4), "0.0001");
  EXPECT_EQ(PythonFloat(1e-5), "1e-05");
  EXPECT_EQ(PythonFloat(1.25e-7), "1.25e-07");
  EXPECT_EQ(PythonFloat(1e15), "1000000000000000.0");
  EXPECT_EQ(PythonFloat(1e16), "1e+16");
  EXPECT_EQ(PythonFloat(1.5e300), "1.5e+300");
}

}  // namespace
}  // namespace fcam
