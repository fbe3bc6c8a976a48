#include "wsol/cli/config_file.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gflags/gflags.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"

DEFINE_string(config, "", "YAML file with flags.");
DEFINE_string(backbone, "resnet50", "Name of the backbone.");
DEFINE_string(note, "", "Any text.");
DEFINE_int32(batch_size, 8, "Images in a batch.");
DEFINE_int64(limit, -1, "A large number.");
DEFINE_uint64(image_seed, 1, "A seed.");
DEFINE_double(rate, 0.1, "Learning rate.");
DEFINE_bool(fast, false, "Less of everything.");
DEFINE_int32(percent, 10, "A part in percent, from 0 to 100.");
DEFINE_validator(percent, [](const char*, gflags::int32 value) {
  return value >= 0 && value <= 100;
});

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;

class ConfigFileTest : public ::testing::Test {
 protected:
  absl::Status Apply(absl::string_view text) {
    return ApplyConfigText(text, "x.yml", names_);
  }

  // The whole message, with the name left out of each line.
  void ExpectProblems(absl::string_view text,
                      const std::vector<std::string>& problems) {
    SCOPED_TRACE(text);
    const std::string before = ConfigText(names_);
    std::string expected;
    for (const std::string& problem : problems) {
      absl::StrAppend(&expected, expected.empty() ? "" : "\n",
                      "x.yml:", problem);
    }
    EXPECT_THAT(Apply(text), StatusIs(absl::StatusCode::kInvalidArgument,
                                      testing::StrEq(expected)));
    EXPECT_EQ(ConfigText(names_), before);
  }

  const gflags::FlagSaver saver_;
  const std::vector<std::string> names_ =
      FlagsDefinedIn("wsol/cli/config_file_test");
};

TEST_F(ConfigFileTest, FindsTheFlagsOfAFile) {
  EXPECT_THAT(names_,
              ElementsAre("backbone", "batch_size", "config", "fast",
                          "image_seed", "limit", "note", "percent", "rate"));
  EXPECT_THAT(FlagsDefinedIn("no/such/file"), IsEmpty());
}

TEST_F(ConfigFileTest, SetsFlagsOfEachType) {
  EXPECT_THAT(Apply(R"(# A comment.
backbone: vgg16   # Another.
batch_size: 32
limit: -9223372036854775808
image_seed: 18446744073709551615
rate: 1e-3
fast: yes
percent: "7"
note: "two\nlines, \u6d77"
)"),
              IsOk());
  EXPECT_EQ(FLAGS_backbone, "vgg16");
  EXPECT_EQ(FLAGS_batch_size, 32);
  EXPECT_EQ(FLAGS_limit, INT64_MIN);
  EXPECT_EQ(FLAGS_image_seed, UINT64_MAX);
  EXPECT_EQ(FLAGS_rate, 1e-3);
  EXPECT_TRUE(FLAGS_fast);
  EXPECT_EQ(FLAGS_percent, 7);
  EXPECT_EQ(FLAGS_note, "two\nlines, \xe6\xb5\xb7");
}

TEST_F(ConfigFileTest, GroupsOnlyGroup) {
  EXPECT_THAT(Apply("model:\n"
                    "  backbone: vgg16\n"
                    "  training: {batch-size: 4, deeper: {still: {rate: 2}}}\n"
                    "empty: {}\n"
                    "other:\n"
                    "  training: {fast: true}\n"),
              IsOk());
  EXPECT_EQ(FLAGS_backbone, "vgg16");
  EXPECT_EQ(FLAGS_batch_size, 4);
  EXPECT_EQ(FLAGS_rate, 2);
  EXPECT_TRUE(FLAGS_fast);
}

TEST_F(ConfigFileTest, SequencesAreJoinedByCommas) {
  EXPECT_THAT(Apply("note: [a, 10, 0.5]\nbackbone:\n- x\n"), IsOk());
  EXPECT_EQ(FLAGS_note, "a,10,0.5");
  EXPECT_EQ(FLAGS_backbone, "x");
}

TEST_F(ConfigFileTest, NothingIsTheEmptyText) {
  for (const char* nothing : {"backbone:", "backbone: ~", "backbone: null",
                              "backbone: ''", "backbone: []"}) {
    const gflags::FlagSaver saver;
    EXPECT_THAT(Apply(nothing), IsOk());
    EXPECT_EQ(FLAGS_backbone, "") << nothing;
  }
  EXPECT_THAT(Apply("backbone: 'null'"), IsOk());
  EXPECT_EQ(FLAGS_backbone, "null");
}

TEST_F(ConfigFileTest, TextIsTakenAsItIsWritten) {
  EXPECT_THAT(Apply("backbone: 007\nnote: True\n"), IsOk());
  EXPECT_EQ(FLAGS_backbone, "007");
  EXPECT_EQ(FLAGS_note, "True");
}

TEST_F(ConfigFileTest, AnEmptyFileSetsNothing) {
  for (const char* text : {"", "\n\n", "# comment\n", "---\n", "\xef\xbb\xbf",
                           "{}", "---\n...\n", "...\n", " "}) {
    EXPECT_THAT(Apply(text), IsOk());
  }
}

TEST_F(ConfigFileTest, TheCommandLineWins) {
  gflags::SetCommandLineOption("batch_size", "16");
  // Also when it gives the default.
  gflags::SetCommandLineOption("backbone", "resnet50");
  EXPECT_THAT(Apply("batch_size: 32\nbackbone: vgg16\nrate: 2"), IsOk());
  EXPECT_EQ(FLAGS_batch_size, 16);
  EXPECT_EQ(FLAGS_backbone, "resnet50");
  EXPECT_EQ(FLAGS_rate, 2);
}

TEST_F(ConfigFileTest, OnlyTheFlagsNamedAreKeys) {
  EXPECT_THAT(ApplyConfigText("rate: 2", "x.yml", {"fast"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr(":1: unknown flag 'rate'")));
}

TEST_F(ConfigFileTest, ListsAllProblemsWithTheirLines) {
  ExpectProblems(
      "batch_size: many\n"
      "bakbone: vgg16\n"
      "model:\n"
      "  fast: perhaps\n"
      "  rate: 0.5\n"
      "rate: 0.25\n"
      "zzzzzz: 1\n"
      "percent: 101\n",
      {"1: bad value 'many' for flag '--batch_size'; expected a whole number "
       "(int32)",
       "2: unknown flag 'bakbone'; did you mean backbone?",
       "4: bad value 'perhaps' for flag '--fast'; expected true or false",
       "6: flag '--rate' is given twice, first in line 5",
       "7: unknown flag 'zzzzzz' (--help lists the flags)",
       "8: bad value '101' for flag '--percent'; expected a whole number "
       "(int32): A part in percent, from 0 to 100."});
}

TEST_F(ConfigFileTest, ReportsWhatIsNoValue) {
  ExpectProblems("image_seed: -1", {"1: bad value '-1' for flag "
                                    "'--image_seed'; expected a whole number, "
                                    "0 or more (uint64)"});
  ExpectProblems("batch_size:", {"1: bad value '' for flag '--batch_size'; "
                                 "expected a whole number (int32)"});
  ExpectProblems("batch_size: 3000000000",
                 {"1: bad value '3000000000' for flag '--batch_size'; expected "
                  "a whole number (int32)"});
  ExpectProblems("batch_size: [1]",
                 {"1: flag '--batch_size' takes a whole number (int32), got a "
                  "sequence"});
  ExpectProblems("rate: |\n  1\n  2\n", {"1: bad value '1\\x0a2\\x0a' for flag "
                                         "'--rate'; expected a number"});
  ExpectProblems("rate: {x: 1}",
                 {"1: 'rate' is a flag, expected a value, got a mapping"});
  ExpectProblems("note:\n- a\n- [b]\n",
                 {"3: flag '--note' takes a sequence of texts without commas, "
                  "got a sequence"});
  ExpectProblems("note: [a, 'b,c']",
                 {"1: flag '--note' takes a sequence of texts without commas, "
                  "got 'b,c'"});
  ExpectProblems("note: [a, ~]", {"1: flag '--note' takes a sequence of texts "
                                  "without commas, got nothing"});
  ExpectProblems("note: \"a\\0b\"",
                 {"1: the value of flag '--note' contains a NUL character"});
}

// A bad value is one too where the command line gives another.
TEST_F(ConfigFileTest, ChecksOverriddenValues) {
  gflags::SetCommandLineOption("batch_size", "16");
  ExpectProblems("rate: 2\nbatch_size: x\n",
                 {"2: bad value 'x' for flag '--batch_size'; expected a whole "
                  "number (int32)"});
}

TEST_F(ConfigFileTest, ReportsWhatIsNoKey) {
  ExpectProblems("config: other.yml",
                 {"1: a file cannot name another one by --config"});
  ExpectProblems("? [a]\n: 1\n",
                 {"1: expected the name of a flag as key, got a sequence"});
  ExpectProblems("~: 1", {"1: expected the name of a flag as key, got "
                          "nothing"});
  ExpectProblems("batch_size: 1\nbatch-size: 1",
                 {"2: flag '--batch_size' is given twice, first in line 1"});
  ExpectProblems("a: {fast: true}\nb: {}\na: {rate: 1}",
                 {"3: the group 'a' is here twice, first in line 1"});
  ExpectProblems("\"x\\ny\": 1",
                 {"1: unknown flag 'x\\x0ay' (--help lists the flags)"});
}

TEST_F(ConfigFileTest, ReportsWhatIsNoMapping) {
  ExpectProblems("- 1\n- 2\n", {"1: expected a mapping of flags to values, as "
                                "in \"seed: 3\", got a sequence"});
  ExpectProblems("\n\nfast\n", {"3: expected a mapping of flags to values, as "
                                "in \"seed: 3\", got a value"});
  ExpectProblems("batch_size: 3\nnote\n",
                 {"2: expected a flag and its value, as in \"seed: 3\", got "
                  "'note'"});
  ExpectProblems("fast: true\n---\nfast: false\n",
                 {"3: expected one YAML document, got a second one"});
}

TEST_F(ConfigFileTest, ReportsGroupsTooDeep) {
  EXPECT_THAT(Apply("a: {b: {c: {d: {fast: true}}}}"), IsOk());
  ExpectProblems("a: {b: {c: {d: {\ne: {fast: true}}}}}",
                 {"2: groups are nested more than 4 deep"});
  const std::string deep(100000, '{');
  EXPECT_THAT(
      Apply("note: " + deep),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not YAML")));
  EXPECT_THAT(
      Apply("note: " + std::string(100000, '[')),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not YAML")));
}

TEST_F(ConfigFileTest, ReportsAnchorsAliasesAndTags) {
  ExpectProblems("note: &a x\nbackbone: *a\n",
                 {"1: anchors and aliases (&x, *x) are not supported",
                  "2: anchors and aliases (&x, *x) are not supported"});
  ExpectProblems("note: !!python/object:x y\n",
                 {"1: tags are not supported, got "
                  "'tag:yaml.org,2002:python/object:x'"});
}

TEST_F(ConfigFileTest, ReportsWhatIsNoYaml) {
  const auto expect = [this](absl::string_view text, absl::string_view line) {
    EXPECT_THAT(Apply(text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("x.yml:"), HasSubstr(line))))
        << text;
  };
  for (const char* end : {"", "\n", " ", "\n  \t", "\r\n", "\nrate: 2\n"}) {
    expect(absl::StrCat("fast: true\nnote: 'open", end),
           ": not YAML: a quote is not closed");
    expect(absl::StrCat("fast: true\nnote: \"open", end),
           ": not YAML: a quote is not closed");
  }
  expect("fast: true\n\tx: 1\n", ":2: not YAML: ");
  expect("note: [a, b\n", ":1: not YAML: ");
  expect("note: a: b\n", ":1: not YAML: ");
  expect("fast: true\nnote: *x\n", ":2: not YAML: ");
  expect("note: \"\\q\"\n", ":1: not YAML: ");
  expect("fast: true\nnote: \xff\n",
         ":2: expected text in UTF-8, got the byte 0xff");
  expect(absl::string_view("fast: true\nnote: a\0", 19),
         ":2: expected text in UTF-8, got the byte 0x00");
}

TEST_F(ConfigFileTest, CountsTheProblemsBeyondTwenty) {
  std::string text;
  for (int i = 0; i < 25; ++i) absl::StrAppend(&text, "unknown", i, ": 1\n");
  EXPECT_THAT(Apply(text),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(":20: unknown flag 'unknown19'"),
                             Not(HasSubstr("unknown20")),
                             HasSubstr("... and 5 more problems"))));
}

TEST_F(ConfigFileTest, ReadsFiles) {
  const std::string path = ::testing::TempDir() + "/config_file_test.yml";
  ASSERT_THAT(vision::WriteFileAtomically(path, "batch_size: 3\n"), IsOk());
  EXPECT_THAT(ApplyConfigFile(path, names_), IsOk());
  EXPECT_EQ(FLAGS_batch_size, 3);
  ASSERT_THAT(vision::WriteFileAtomically(path, "\nbatch: 3\n"), IsOk());
  EXPECT_THAT(
      ApplyConfigFile(path, names_),
      StatusIs(absl::StatusCode::kInvalidArgument,
               testing::StrEq(path + ":2: unknown flag 'batch'; did you mean "
                                     "batch_size?")));
  ASSERT_THAT(
      vision::WriteFileAtomically(path, std::string((1 << 20) + 1, '#')),
      IsOk());
  EXPECT_THAT(ApplyConfigFile(path, names_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("got 1048577 bytes, at most 1048576")));
  EXPECT_THAT(
      ApplyConfigFile("/no/such/file.yml", names_),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such/file.yml")));
  EXPECT_FALSE(ApplyConfigFile(::testing::TempDir(), names_).ok());
}

TEST_F(ConfigFileTest, WritesWhatOtherReadersUnderstandAlike) {
  FLAGS_backbone = "resnet50/v1.5";
  FLAGS_note = "true";
  FLAGS_rate = 0.1;
  FLAGS_fast = true;
  EXPECT_EQ(ConfigText(names_), R"(backbone: resnet50/v1.5
batch_size: 8
fast: true
image_seed: 1
limit: -1
note: "true"
percent: 10
rate: 0.1
)");
  FLAGS_note = "";
  EXPECT_EQ(ConfigText({"note"}), "note: \"\"\n");
  FLAGS_note = "a\"\\\n\t\x01\x7f\xc2\x85\xe2\x80\xa8\xef\xbb\xbf\xc3\xa9\xff";
  EXPECT_EQ(ConfigText({"note"}),
            "note: \"a\\\"\\\\\\n\\t\\x01\\x7f\\x85\\u2028\\ufeff\xc3\xa9"
            "\xef\xbf\xbd\"\n");
}

TEST_F(ConfigFileTest, ReadsWhatItWrote) {
  std::vector<std::string> texts = {
      "",      " ",         "a b",        "null",     "~",    "no",
      "1,2,3", "0x10",      "1e5",        "- x",      "a: b", "#x",
      "x #y",  "'q'",       "\"q\"",      "\\n",      "|",    ">",
      "&a",    "*a",        "!t",         "%",        "@",    "`",
      "{}",    "[a, b]",    "---",        "...",      "? x",  "a\n\n b\r\n",
      "\t",    "tail ",     "\xc3\xa9",   "\xc2\xa0", "=",    "<<",
      "Yes",   "C:\\dir\\", "/a/b.c-d_e", ".5",       "+1",   "12:30:45"};
  for (char c = 1; c < 127; ++c) {
    texts.emplace_back(1, c);
    texts.push_back(absl::StrCat("x", std::string(1, c), "y"));
  }
  for (const std::string& text : texts) {
    std::string config;
    {
      const gflags::FlagSaver saver;
      FLAGS_note = text;
      FLAGS_batch_size = -5;
      FLAGS_image_seed = UINT64_MAX;
      FLAGS_limit = INT64_MIN;
      FLAGS_fast = true;
      FLAGS_rate = 1.0 / 3;
      config = ConfigText(names_);
    }
    const gflags::FlagSaver saver;
    EXPECT_THAT(Apply(config), IsOk()) << config;
    EXPECT_EQ(FLAGS_note, text) << config;
    EXPECT_EQ(FLAGS_rate, 1.0 / 3);
    EXPECT_EQ(ConfigText(names_), config);
  }
  for (const double rate : {0.0, -0.0, 1e300, 0.1, 1e22, 123456789.125,
                            2.3e-308, static_cast<double>(INFINITY)}) {
    std::string config;
    {
      const gflags::FlagSaver saver;
      FLAGS_rate = rate;
      config = ConfigText({"rate"});
    }
    const gflags::FlagSaver saver;
    EXPECT_THAT(Apply(config), IsOk()) << config;
    EXPECT_EQ(FLAGS_rate, rate) << config;
  }
}

TEST(ConfigFileFuzzTest, DamagedFilesAreTakenOrRefusedAsPromised) {
  constexpr uint64_t kInputs = 250;
  const std::string seeds[] = {
      "fuzz_name: text\nfuzz_count: 3\nfuzz_rate: 0.5\nfuzz_fast: true\n",
      "group:\n  fuzz_name: [a, 'b', \"c\\x41\\n\"]\n  more: {fuzz_count: 2}\n",
      "# comment\n---\n? fuzz_name\n: |\n  block\n  text\nfuzz_rate: !!float "
      "1\n...\n",
      "a: &x {fuzz_fast: no}\nb: *x\nfuzz_name: >-\n  folded\n\n  text\n"};
  const absl::string_view pieces[] = {": ", "\n", "  ", "- ", "{",  "}",
                                      "[",  "]",  "'",  "\"", "&a", "*a",
                                      "!!", "|",  "\t", "#",  "\\", "---\n",
                                      "? ", ",",  "%",  "~",  "\r", "\xef"};
  for (uint64_t seed = 0; seed < 4; ++seed) {
    for (uint64_t i = 0; i < kInputs; ++i) {
      vision::Rng rng(seed, {i});
      const auto below = [&rng](size_t limit) {
        return static_cast<size_t>(rng.UniformInt(limit));
      };
      std::string text = seeds[seed];
      const size_t mutations = 1 + below(4);
      for (size_t j = 0; j < mutations && !text.empty(); ++j) {
        const size_t at = below(text.size());
        switch (below(5)) {
          case 0:
            text[at] = static_cast<char>(below(256));
            break;
          case 1:
            text.resize(at);
            break;
          case 2:
            text.erase(at, 1 + below(8));
            break;
          case 3:
            text.insert(at, std::string(pieces[below(24)]));
            break;
          default:
            text.insert(at, text.substr(below(text.size()), 1 + below(32)));
        }
      }
      SCOPED_TRACE(text);
      EXPECT_EQ(LLVMFuzzerTestOneInput(
                    reinterpret_cast<const uint8_t*>(text.data()), text.size()),
                0);
    }
  }
}

}  // namespace
}  // namespace wsol
