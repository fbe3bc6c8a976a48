#include "wsol/cli/parse_flags.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gflags/gflags.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

DEFINE_string(output_dir, "out", "Folder for results.");
DEFINE_int32(batch_size, 8, "Images in a batch.");
DEFINE_uint64(image_seed, 1, "Seed of the images.");
DEFINE_double(rate, 0.5, "Learning rate.");
DEFINE_bool(fast, false, "Less of everything.");
DEFINE_bool(normalize, true, "Scales maps to [0, 1].");
DEFINE_int32(percent, 10,
             "A part in percent, from 0 to 100. This description is long, so "
             "that it has to be broken into lines.");
DEFINE_validator(percent, [](const char*, gflags::int32 value) {
  return value >= 0 && value <= 100;
});

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StatusIs;
using ::testing::StrEq;

class ParseFlagsTest : public ::testing::Test {
 protected:
  absl::StatusOr<bool> Parse(std::vector<std::string> arguments,
                             bool allow_arguments = false) {
    arguments.insert(arguments.begin(), "program");
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    int argc = static_cast<int>(arguments.size());
    char** argv = pointers.data();
    const absl::StatusOr<bool> help = ParseFlags(&argc, &argv, allow_arguments);
    rest_.assign(argv + 1, argv + argc);
    return help;
  }

  void ExpectError(const std::vector<std::string>& arguments,
                   const std::string& message) {
    EXPECT_THAT(Parse(arguments),
                StatusIs(absl::StatusCode::kInvalidArgument, StrEq(message)));
  }

  std::string WriteFlagFile(const std::string& name, const std::string& text) {
    const std::string path = vision::JoinPath(::testing::TempDir(), name);
    EXPECT_THAT(vision::WriteFileAtomically(path, text), IsOk());
    return path;
  }

  const gflags::FlagSaver saver_;
  std::vector<std::string> rest_;
};

TEST_F(ParseFlagsTest, AcceptsAllWaysToGiveAFlag) {
  EXPECT_THAT(Parse({"--output_dir=a=b", "-batch_size", "-3", "--rate", ".25",
                     "--fast", "--nonormalize", "--image-seed=9"}),
              IsOkAndHolds(false));
  EXPECT_EQ(FLAGS_output_dir, "a=b");
  EXPECT_EQ(FLAGS_batch_size, -3);
  EXPECT_EQ(FLAGS_rate, 0.25);
  EXPECT_TRUE(FLAGS_fast);
  EXPECT_FALSE(FLAGS_normalize);
  EXPECT_EQ(FLAGS_image_seed, 9u);
  EXPECT_THAT(rest_, IsEmpty());
}

TEST_F(ParseFlagsTest, LastOneWinsAndEmptyTextIsText) {
  EXPECT_THAT(Parse({"--fast", "--fast=false", "--output_dir="}), IsOk());
  EXPECT_FALSE(FLAGS_fast);
  EXPECT_EQ(FLAGS_output_dir, "");
}

TEST_F(ParseFlagsTest, NoArgumentsAreFine) {
  EXPECT_THAT(Parse({}), IsOkAndHolds(false));
  EXPECT_EQ(FLAGS_batch_size, 8);
}

TEST_F(ParseFlagsTest, LeavesPositionalArguments) {
  EXPECT_THAT(Parse({"a.png", "--fast", "-", "--", "--b.png"},
                    /*allow_arguments=*/true),
              IsOkAndHolds(false));
  EXPECT_THAT(rest_, ElementsAre("a.png", "-", "--b.png"));
  EXPECT_TRUE(FLAGS_fast);
}

TEST_F(ParseFlagsTest, GuessesWhatWasMeant) {
  ExpectError({"--ouput_dir=x"},
              "unknown flag '--ouput_dir'; did you mean '--output_dir'?");
  ExpectError({"--output=x"},
              "unknown flag '--output'; did you mean '--output_dir'?");
  ExpectError({"--batchsize=2"},
              "unknown flag '--batchsize'; did you mean '--batch_size'?");
  ExpectError({"--Fast"}, "unknown flag '--Fast'; did you mean '--fast'?");
  ExpectError({"--nofats"},
              "unknown flag '--nofats'; did you mean '--nofast'?");
}

TEST_F(ParseFlagsTest, DoesNotGuessWildly) {
  ExpectError({"--cuda"}, "unknown flag '--cuda' (--help lists the flags)");
  ExpectError({"--x"}, "unknown flag '--x' (--help lists the flags)");
  // No bool, so it has no negative form.
  ExpectError({"--norate"}, "unknown flag '--norate'; did you mean '--rate'?");
  // A flag of gflags' own that would do nothing.
  ExpectError({"--helpxml"},
              "unknown flag '--helpxml' (--help lists the flags)");
}

TEST_F(ParseFlagsTest, RejectsBadValues) {
  ExpectError(
      {"--batch_size=8.5"},
      "bad value '8.5' for flag '--batch_size'; expected a whole number "
      "(int32)");
  ExpectError({"--batch_size=99999999999"},
              "bad value '99999999999' for flag '--batch_size'; expected a "
              "whole number (int32)");
  ExpectError(
      {"--image_seed=-1"},
      "bad value '-1' for flag '--image_seed'; expected a whole number, "
      "0 or more (uint64)");
  ExpectError({"--rate="}, "bad value '' for flag '--rate'; expected a number");
  ExpectError({"--fast=maybe"},
              "bad value 'maybe' for flag '--fast'; expected true or false");
  EXPECT_THAT(Parse({"--percent=101"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'101' for flag '--percent'"),
                             HasSubstr("A part in percent, from 0 to 100."))));
  EXPECT_EQ(FLAGS_percent, 10);
}

TEST_F(ParseFlagsTest, RejectsAMissingValue) {
  ExpectError({"--rate"}, "flag '--rate' needs a value; expected a number");
}

TEST_F(ParseFlagsTest, RejectsStrayArguments) {
  ExpectError({"x"},
              "unexpected argument 'x'; values follow their flags as "
              "--name=value");
  ExpectError({"--fast", "True"},
              "unexpected argument 'True'; did you mean '--fast=true'?");
  ExpectError({"--", "x"},
              "unexpected argument 'x'; values follow their flags as "
              "--name=value");
}

TEST_F(ParseFlagsTest, ReadsFlagFiles) {
  const std::string path =
      WriteFlagFile("flags", "# A comment.\n\n--batch_size=5\n  --fast  \n");
  EXPECT_THAT(Parse({absl::StrCat("--flagfile=", path), "--batch_size=6"}),
              IsOkAndHolds(false));
  EXPECT_EQ(FLAGS_batch_size, 6);
  EXPECT_TRUE(FLAGS_fast);
}

TEST_F(ParseFlagsTest, RejectsBadFlagFiles) {
  EXPECT_THAT(Parse({"--flagfile=none/flags"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none/flags")));
  const std::string unknown = WriteFlagFile("unknown", "--ratte=1\n");
  ExpectError({"--flagfile", unknown},
              absl::StrCat("unknown flag '--ratte'; did you mean '--rate'?; in "
                           "flag file '",
                           unknown, "'"));
  const std::string stray = WriteFlagFile("stray", "rate=1\n");
  EXPECT_THAT(Parse({"--flagfile", stray}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'rate=1' is no flag")));
  const std::string itself = vision::JoinPath(::testing::TempDir(), "itself");
  WriteFlagFile("itself", absl::StrCat("--flagfile=", itself, "\n"));
  EXPECT_THAT(Parse({"--flagfile", itself}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("nested more than 8 deep")));
}

TEST_F(ParseFlagsTest, AsksForHelp) {
  EXPECT_THAT(Parse({"--help"}), IsOkAndHolds(true));
  EXPECT_THAT(Parse({"--rate=1", "-h", "--unknown"}), IsOkAndHolds(true));
  EXPECT_THAT(Parse({"--help=false"}), IsOkAndHolds(false));
}

TEST(FlagsHelpTest, ShowsOurFlagsAlone) {
  const std::string help = FlagsHelp("/path/to/program", "Does things.\n");
  EXPECT_THAT(help, AllOf(HasSubstr("Usage: program [flags]\n\nDoes things.\n"),
                          HasSubstr("  --output_dir=string\n      Folder for "
                                    "results. Default: \"out\"\n"),
                          HasSubstr("  --[no]fast\n      Less of everything. "
                                    "Default: false\n"),
                          Not(HasSubstr("helpxml")),
                          Not(HasSubstr("stderrthreshold"))));
  for (const absl::string_view line : absl::StrSplit(help, '\n')) {
    EXPECT_THAT(line, SizeIs(Le(80)));
  }
}

}  // namespace
}  // namespace wsol
