#include "vision/cli/weights_command.h"

#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::Not;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

std::string TempPath(const std::string& name) {
  return JoinPath(::testing::TempDir(), name);
}

std::string Save(const std::string& name, const StateDict& dict) {
  const std::string path = TempPath(name);
  EXPECT_THAT(SaveStateDict(path, dict), IsOk());
  return path;
}

StateDict Dict() {
  StateDict dict;
  dict.insert("module.fc.weight", at::ones({2, 3}));
  dict.insert("module.conv.weight", at::full({4}, 0.5f));
  dict.insert("module.count", at::full({}, 3, at::kLong));
  return dict;
}

struct Result {
  absl::StatusOr<bool> status;
  std::string output;
};

Result Weights(const std::vector<std::string>& args) {
  std::ostringstream out;
  absl::StatusOr<bool> status = RunWeightsCommand(args, out);
  return {std::move(status), out.str()};
}

TEST(WeightsCommandTest, InspectListsTensors) {
  StateDict dict = Dict();
  dict.insert("\x1b[31m", at::ones({1}));
  const Result result = Weights({"inspect", Save("inspect.pt", dict)});
  ASSERT_THAT(result.status, IsOkAndHolds(true));
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("format    torch zip\n"),
                    HasSubstr("tensors   4, 12 elements, 0.0 MB\n"),
                    HasSubstr("types     float32 x 3, int64 x 1\n"),
                    HasSubstr("wrapped   no\n"),
                    HasSubstr("module.fc.weight    float32   [2, 3]\n"),
                    HasSubstr("module.count        int64     []\n")));
  // Nothing that a terminal would act on.
  EXPECT_THAT(result.output, Not(HasSubstr("\x1b")));
}

TEST(WeightsCommandTest, DiffOfEqualFilesIsEmpty) {
  StateDict dict = Dict();
  dict.insert("nan", at::full({2}, NAN));
  const std::string a = Save("a.pt", dict);
  const std::string b = TempPath("b.safetensors");
  ASSERT_THAT(Weights({"convert", a, b}).status, IsOkAndHolds(true));
  const Result result = Weights({"diff", a, b});
  EXPECT_THAT(result.status, IsOkAndHolds(true));
  EXPECT_EQ(result.output, "4 entries are equal, 0 differ\n");
}

TEST(WeightsCommandTest, DiffNamesWhatDiffers) {
  StateDict other = Dict();
  other["module.conv.weight"] = at::tensor({0.5f, 0.75f, 0.5f, 0.5f});
  other["module.fc.weight"] = at::ones({3, 2});
  other["module.count"] = at::full({}, 3, at::kInt);
  other.insert("new", at::ones({1}));
  StateDict first = Dict();
  first.insert("old", at::ones({1}));
  const Result result =
      Weights({"diff", Save("c.pt", first), Save("d.pt", other)});
  EXPECT_THAT(result.status, IsOkAndHolds(false));
  EXPECT_EQ(result.output,
            "shapes     module.fc.weight Float [2, 3], Float [3, 2]\n"
            "values     module.conv.weight max abs difference 0.25\n"
            "shapes     module.count Long [], Int []\n"
            "only in A  old Float [1]\n"
            "only in B  new Float [1]\n"
            "0 entries are equal, 5 differ; largest difference 0.25, of "
            "module.conv.weight\n");
}

TEST(WeightsCommandTest, ConvertRenames) {
  const std::string out = TempPath("renamed.pth");
  const Result result =
      Weights({"convert", Save("e.pt", Dict()), out, "--strip_prefix=module.",
               "--rules=drop_head"});
  ASSERT_THAT(result.status, IsOkAndHolds(true));
  EXPECT_THAT(result.output, HasSubstr("read 3 tensors, wrote 2"));
  const auto read = ReadStateDict(out);
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(read->keys(), ElementsAre("conv.weight", "count"));
}

TEST(WeightsCommandTest, ConvertNeedsAFormat) {
  const std::string in = Save("f.pt", Dict());
  EXPECT_THAT(Weights({"convert", in, TempPath("out")}).status,
              StatusIs(kInvalid, HasSubstr("tells no format")));
  EXPECT_THAT(
      Weights({"convert", in, TempPath("out"), "--format=safetensors"}).status,
      IsOkAndHolds(true));
  EXPECT_THAT(Weights({"convert", in, TempPath("out"), "--format=zip"}).status,
              StatusIs(kInvalid, HasSubstr("unknown format \"zip\"")));
}

TEST(WeightsCommandTest, ListTellsWhatIsThere) {
  ASSERT_THAT(WriteFileAtomically(TempPath("vgg16-397923af.pth"), "x"), IsOk());
  const Result result =
      Weights({"list", absl::StrCat("--weights_dir=", ::testing::TempDir())});
  ASSERT_THAT(result.status, IsOkAndHolds(true));
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("vgg16                   there  vgg16-397923af"),
                    HasSubstr("vgg19                   -      vgg19-dcbb9e9d"),
                    HasSubstr("ResNet50_Weights.IMAGENET1K_V2")));
}

TEST(WeightsCommandTest, HelpAndRules) {
  EXPECT_EQ(Weights({"help"}).output, kWeightsUsage);
  EXPECT_EQ(Weights({"--help"}).output, kWeightsUsage);
  EXPECT_THAT(Weights({"rules"}).output, HasSubstr("vgg_imagenet "));
}

TEST(WeightsCommandTest, RejectsBadArguments) {
  EXPECT_THAT(Weights({}).status, StatusIs(kInvalid, HasSubstr("no command")));
  EXPECT_THAT(Weights({"inspekt"}).status,
              StatusIs(kInvalid, HasSubstr("did you mean inspect")));
  EXPECT_THAT(Weights({"inspect"}).status,
              StatusIs(kInvalid, HasSubstr("inspect takes 1 file, got 0")));
  EXPECT_THAT(Weights({"diff", "a"}).status,
              StatusIs(kInvalid, HasSubstr("diff takes 2 files, got 1")));
  EXPECT_THAT(Weights({"inspect", "a", "--rules=x"}).status,
              StatusIs(kInvalid, HasSubstr("unknown flag of inspect")));
  EXPECT_THAT(Weights({"inspect", "a", "--entry"}).status,
              StatusIs(kInvalid, HasSubstr("--entry needs a value")));
  EXPECT_THAT(Weights({"inspect", "a", "--nochecksums=1"}).status,
              StatusIs(kInvalid, HasSubstr("--nochecksums takes no value")));
  EXPECT_THAT(Weights({"inspect", TempPath("none")}).status,
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(WeightsCommandTest, DamagedFilesAreNamed) {
  const std::string path = TempPath("damaged.pt");
  ASSERT_THAT(WriteFileAtomically(path, "PK\x03\x04"), IsOk());
  EXPECT_THAT(Weights({"inspect", path}).status,
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(path + ": damaged zip archive")));
}

}  // namespace
}  // namespace vision
