// That the rules of names lead to the names of this project's networks: the
// catalogue of weights and the list of backbones, which know nothing of each
// other, have to agree.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "ATen/ATen.h"
#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/backbone_list.h"
#include "vision/backbones/factory.h"
#include "vision/backbones/stride_preset.h"
#include "vision/base/file_io.h"
#include "vision/nn/remap_state_dict.h"
#include "vision/nn/state_dict.h"
#include "vision/weights/pretrained.h"

namespace vision {
namespace {

using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::TensorEq;

std::shared_ptr<Backbone> Make(const std::string& name, StridePreset strides,
                               uint64_t seed) {
  BackboneOptions options;
  options.strides = strides;
  options.seed = seed;
  auto backbone = MakeBackbone(name, options);
  EXPECT_THAT(backbone, IsOk());
  return *backbone;
}

TEST(PretrainedListTest, EachFileIsForABackbone) {
  for (const PretrainedWeights& weights : ListPretrained()) {
    EXPECT_THAT(FindBackboneName(weights.backbone),
                IsOkAndHolds(weights.backbone));
  }
}

class PretrainedBackbonesTest : public ::testing::TestWithParam<const char*> {};

// A published file has the names of the ImageNet form, and a classifier.
TEST_P(PretrainedBackbonesTest, WsolFormTakesAllThatTheFileHasForIt) {
  const auto weights = GetPretrained(GetParam());
  ASSERT_THAT(weights, IsOk());
  const auto source = Make(weights->backbone, StridePreset::kImageNet, 1);
  StateDict file = GetStateDict(*source);
  for (const char* name :
       {"fc.weight", "AuxLogits.fc.bias", "classifier.0.bias", "head.weight"}) {
    file.insert(name, at::zeros({1}));
  }
  const auto plain = RemapStateDict(weights->imagenet_rule, file);
  ASSERT_THAT(plain, IsOk());
  EXPECT_THAT(LoadStateDict(*plain, *source), IsOk());

  // Rules for one family drop what it has, so that the rest is a classifier.
  const auto rest = RemapStateDict("drop_head", file);
  ASSERT_THAT(rest, IsOk());
  const auto renamed = RemapStateDict(weights->wsol_rule, *rest);
  ASSERT_THAT(renamed, IsOk());
  const auto target = Make(weights->backbone, StridePreset::kWsol28, 2);
  const auto report = LoadMatchingStateDict(*renamed, *target);
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->unexpected, IsEmpty());
  EXPECT_THAT(report->mismatched, IsEmpty());
  for (const std::string& name : report->missing) {
    EXPECT_TRUE(absl::StartsWith(name, "conv6.") ||
                absl::StartsWith(name, "SPG_A3_"))
        << name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, PretrainedBackbonesTest,
    ::testing::Values("resnet18", "vgg11", "vgg13_bn", "vgg16", "inception_v3",
                      "mobilenet_v3_large", "efficientnet_b0",
                      "deit_small_patch16_224"),
    [](const auto& param) { return std::string(param.param); });

// The last convolution of VGG-16's fifth block: features.28 of torchvision's.
TEST(PretrainedListTest, VggsLastBlockIsRenumbered) {
  const auto source = Make("vgg16", StridePreset::kImageNet, 1);
  const StateDict file = GetStateDict(*source);
  const auto renamed = RemapStateDict("vgg_imagenet", file);
  ASSERT_THAT(renamed, IsOk());
  EXPECT_THAT((*renamed)["features.27.weight"],
              TensorEq(file["features.28.weight"]));
  EXPECT_THAT((*renamed)["features.21.weight"],
              TensorEq(file["features.21.weight"]));
}

struct Published {
  const char* backbone;
  const char* write_rule;
  const char* read_rule;
  size_t num_entries;
};

class PublishedFilesTest : public ::testing::TestWithParam<Published> {};

TEST_P(PublishedFilesTest, GoOutAndComeBackStrictly) {
  const auto source = Make(GetParam().backbone, StridePreset::kWsol28, 1);
  const auto published =
      RemapStateDict(GetParam().write_rule, GetStateDict(*source));
  ASSERT_THAT(published, IsOk());
  EXPECT_EQ(published->size(), GetParam().num_entries);
  const std::string path = JoinPath(::testing::TempDir(), "encoder.pt");
  ASSERT_THAT(SaveStateDict(path, *published), IsOk());

  const auto read = ReadStateDict(path);
  ASSERT_THAT(read, IsOk());
  const auto own = RemapStateDict(GetParam().read_rule, *read);
  ASSERT_THAT(own, IsOk());
  const auto target = Make(GetParam().backbone, StridePreset::kWsol28, 2);
  ASSERT_THAT(LoadStateDict(*own, *target), IsOk());
  const StateDict expected = GetStateDict(*source);
  for (const auto& item : GetStateDict(*target)) {
    EXPECT_THAT(item.value(), TensorEq(expected[item.key()])) << item.key();
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, PublishedFilesTest,
    ::testing::Values(Published{"vgg16", "to_published_vgg16",
                                "published_vgg16", 56},
                      Published{"inception_v3", "to_published_inception_v3",
                                "published_inception_v3", 848}),
    [](const auto& param) { return std::string(param.param.backbone); });

}  // namespace
}  // namespace vision
