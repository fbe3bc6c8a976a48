#include "vision/weights/pretrained.h"

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/weights/key_rules.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::MatchesRegex;
using ::testing::StatusIs;

TEST(PretrainedTest, TheListIsWellFormed) {
  std::set<std::string> rules;
  for (const KeyRule& rule : ListKeyRules()) rules.insert(rule.name);
  std::string previous;
  std::set<std::string> files;
  for (const PretrainedWeights& weights : ListPretrained()) {
    EXPECT_LT(previous, weights.name);
    previous = weights.name;
    EXPECT_EQ(rules.count(weights.wsol_rule), 1u) << weights.name;
    EXPECT_EQ(rules.count(weights.imagenet_rule), 1u) << weights.name;
    EXPECT_FALSE(weights.origin.empty());
    EXPECT_FALSE(weights.uploads.empty());
    for (const PretrainedUpload& upload : weights.uploads) {
      EXPECT_THAT(upload.file_name,
                  MatchesRegex("[a-z0-9_]+-" + upload.sha256_prefix + ".pth"));
      EXPECT_THAT(upload.sha256_prefix, MatchesRegex("[0-9a-f]+"));
      EXPECT_EQ(upload.sha256_prefix.size(), 8u);
      EXPECT_TRUE(files.insert(upload.file_name).second);
    }
  }
}

TEST(PretrainedTest, HasTheFilesOfThePublishedCode) {
  for (const auto& [name, file] :
       {std::make_pair("resnet50", "resnet50-19c8e357.pth"),
        std::make_pair("vgg16", "vgg16-397923af.pth"),
        std::make_pair("inception_v3", "inception_v3_google-1a9a5a14.pth")}) {
    const auto weights = GetPretrained(name);
    ASSERT_THAT(weights, IsOk());
    EXPECT_EQ(weights->uploads[0].file_name, file);
    EXPECT_EQ(weights->backbone, name);
  }
  const auto second = GetPretrained("resnet50_v2");
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->backbone, "resnet50");
  EXPECT_EQ(second->origin,
            "torchvision.models.ResNet50_Weights.IMAGENET1K_V2");
}

TEST(PretrainedTest, UnknownNamesNameTheNearest) {
  EXPECT_THAT(GetPretrained("resnet51"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("did you mean resnet5")));
}

TEST(PretrainedTest, TheFlagComesBeforeTheEnvironment) {
  ASSERT_EQ(setenv("FCAM_WEIGHTS", "from_environment", 1), 0);
  EXPECT_EQ(PretrainedDir("from_flag"), "from_flag");
  EXPECT_EQ(PretrainedDir(""), "from_environment");
  ASSERT_EQ(unsetenv("FCAM_WEIGHTS"), 0);
  EXPECT_EQ(PretrainedDir(""), "");
}

TEST(PretrainedTest, AbsentFilesTellWhatToDo) {
  const std::string dir = ::testing::TempDir();
  EXPECT_THAT(
      FindPretrained("vgg16", dir),
      StatusIs(absl::StatusCode::kNotFound,
               AllOf(HasSubstr("no vgg16-397923af.pth (527.8 MiB) in '" + dir),
                     HasSubstr("documentation of torchvision's models "
                               "(torchvision.models.VGG16_Weights"))));
  EXPECT_THAT(FindPretrained("deit_small_patch16_224", dir),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("facebookresearch/deit")));
  EXPECT_THAT(
      FindPretrained("resnet50", ""),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("resnet50-19c8e357.pth or "
                               "resnet50-0676ba61.pth (97.8 MiB)"),
                     HasSubstr("--weights_dir"), HasSubstr("FCAM_WEIGHTS"))));
}

TEST(PretrainedTest, OtherContentIsRefused) {
  const std::string dir = ::testing::TempDir();
  ASSERT_THAT(WriteFileAtomically(JoinPath(dir, "resnet18-5c106cde.pth"),
                                  "not the weights"),
              IsOk());
  EXPECT_THAT(FindPretrained("resnet18", dir),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("has SHA-256 "),
                             HasSubstr("starts with 5c106cde"))));
  ASSERT_THAT(
      WriteFileAtomically(JoinPath(dir, "resnet50-0676ba61.pth"), "half"),
      IsOk());
  EXPECT_THAT(FindPretrained("resnet50", dir),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("has 0.000 MiB, expected 97.781; is the "
                                 "download cut short?")));
}

}  // namespace
}  // namespace vision
