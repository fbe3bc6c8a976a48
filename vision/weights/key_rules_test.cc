#include "vision/weights/key_rules.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace vision {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::SizeIs;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

std::vector<std::string> NamesOf(const KeyMap& map) {
  std::vector<std::string> names;
  for (const KeyMap::Entry& entry : map.entries) names.push_back(entry.name);
  return names;
}

// torchvision's VGG: weights and biases of these layers, and the classifier.
std::vector<std::string> Vgg(const std::vector<int>& layers) {
  std::vector<std::string> names;
  for (const int layer : layers) {
    names.push_back(absl::StrCat("features.", layer, ".weight"));
    names.push_back(absl::StrCat("features.", layer, ".bias"));
  }
  names.push_back("classifier.0.weight");
  return names;
}

std::vector<std::string> Vgg16() {
  return Vgg({0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28});
}

TEST(KeyRulesTest, ImageNetVgg16GetsTheWsolNumbers) {
  const std::vector<std::string> names = Vgg16();
  const auto map = ApplyKeyRule("vgg_imagenet", names);
  ASSERT_THAT(map, IsOk());
  EXPECT_THAT(map->dropped, ElementsAre("classifier.0.weight"));
  std::vector<std::string> expected =
      Vgg({0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 23, 25, 27});
  expected.pop_back();
  EXPECT_EQ(NamesOf(*map), expected);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(map->entries[i].source, i);
  }
}

TEST(KeyRulesTest, ImageNetVggsOfOtherDepthsMoveTheLastBlock) {
  // VGG-11, and with batch norm.
  const auto eleven =
      ApplyKeyRule("vgg_imagenet", Vgg({0, 3, 6, 8, 11, 13, 16, 18}));
  ASSERT_THAT(eleven, IsOk());
  std::vector<std::string> expected = Vgg({0, 3, 6, 8, 11, 13, 15, 17});
  expected.pop_back();
  EXPECT_EQ(NamesOf(*eleven), expected);
  const auto norms = ApplyKeyRule(
      "vgg_imagenet",
      Vgg({0, 1, 4, 5, 8, 9, 11, 12, 15, 16, 18, 19, 22, 23, 25, 26}));
  ASSERT_THAT(norms, IsOk());
  expected = Vgg({0, 1, 4, 5, 8, 9, 11, 12, 15, 16, 18, 19, 21, 22, 24, 25});
  expected.pop_back();
  EXPECT_EQ(NamesOf(*norms), expected);
}

TEST(KeyRulesTest, TheWsolFormOfVggIsNotRenumberedAgain) {
  EXPECT_THAT(
      ApplyKeyRule("vgg_imagenet",
                   Vgg({0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 23, 25, 27})),
      StatusIs(kInvalid, HasSubstr("features in 4 blocks, expected the 5")));
  const std::vector<std::string> none = {"conv1.weight"};
  EXPECT_THAT(ApplyKeyRule("vgg_imagenet", none),
              StatusIs(kInvalid, HasSubstr("features in 1 blocks")));
}

TEST(KeyRulesTest, InceptionDropsWhatTheWsolFormLacks) {
  const std::vector<std::string> names = {
      "Conv2d_1a_3x3.conv.weight", "AuxLogits.fc.weight",
      "Mixed_6e.branch1x1.bn.bias", "Mixed_7a.branch3x3_1.conv.weight",
      "fc.weight"};
  const auto map = ApplyKeyRule("inception_v3_imagenet", names);
  ASSERT_THAT(map, IsOk());
  EXPECT_THAT(NamesOf(*map), ElementsAre("Conv2d_1a_3x3.conv.weight",
                                         "Mixed_6e.branch1x1.bn.bias"));
  EXPECT_THAT(map->dropped, SizeIs(3));
}

TEST(KeyRulesTest, DropHeadKnowsTheNamesOfClassifiers) {
  const std::vector<std::string> names = {"conv1.weight",
                                          "fc.weight",
                                          "head.bias",
                                          "head_dist.bias",
                                          "classifier.1.bias",
                                          "fc1.weight",
                                          "AuxLogits.conv0.conv.weight",
                                          "blocks.0.mlp.fc1.weight"};
  const auto map = ApplyKeyRule("drop_head", names);
  ASSERT_THAT(map, IsOk());
  EXPECT_THAT(NamesOf(*map), ElementsAre("conv1.weight", "fc1.weight",
                                         "blocks.0.mlp.fc1.weight"));
}

// The WSOL form of VGG-16: 28 names.
std::vector<std::string> WsolVgg16() {
  std::vector<std::string> names =
      Vgg({0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 23, 25, 27});
  names.pop_back();
  names.push_back("conv6.weight");
  names.push_back("conv6.bias");
  return names;
}

TEST(KeyRulesTest, PublishedVgg16HasEachTensorTwice) {
  const std::vector<std::string> names = WsolVgg16();
  const auto published = ApplyKeyRule("to_published_vgg16", names);
  ASSERT_THAT(published, IsOk());
  const std::vector<std::string> twice = NamesOf(*published);
  EXPECT_THAT(twice, SizeIs(56));
  EXPECT_EQ(twice[28], "full_features.0.weight");
  EXPECT_EQ(twice[54], "full_features.29.weight");
  EXPECT_EQ(published->entries[54].source, 26u);

  const auto read = ApplyKeyRule("published_vgg16", twice);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(NamesOf(*read), names);
  EXPECT_THAT(read->duplicates, SizeIs(28));
  EXPECT_EQ(read->duplicates[27].first, 27u);
  EXPECT_EQ(read->duplicates[27].second, 55u);
}

TEST(KeyRulesTest, PublishedVgg16RejectsOtherNames) {
  EXPECT_THAT(ApplyKeyRule("published_vgg16", WsolVgg16()),
              StatusIs(kInvalid, HasSubstr("has no full_features")));
  std::vector<std::string> names = WsolVgg16();
  names.push_back("full_features.28.weight");
  EXPECT_THAT(ApplyKeyRule("published_vgg16", names),
              StatusIs(kInvalid, HasSubstr("full_features.28.weight has no "
                                           "other name")));
  EXPECT_THAT(
      ApplyKeyRule("to_published_vgg16", Vgg16()),
      StatusIs(kInvalid, HasSubstr("classifier.0.weight is no weight")));
}

// Some weights of each layer of the WSOL form of Inception v3.
std::vector<std::string> WsolInception() {
  std::vector<std::string> names;
  for (const char* layer : {"Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3",
                            "Conv2d_3b_1x1", "Conv2d_4a_3x3"}) {
    names.push_back(absl::StrCat(layer, ".conv.weight"));
    names.push_back(absl::StrCat(layer, ".bn.weight"));
  }
  for (const char* layer : {"Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a",
                            "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"}) {
    names.push_back(absl::StrCat(layer, ".branch1x1.conv.weight"));
  }
  names.push_back("SPG_A3_1b.1.weight");
  names.push_back("SPG_A3_2b.1.weight");
  return names;
}

TEST(KeyRulesTest, PublishedInceptionHasEachTensorTwice) {
  const std::vector<std::string> names = WsolInception();
  const auto published = ApplyKeyRule("to_published_inception_v3", names);
  ASSERT_THAT(published, IsOk());
  const std::vector<std::string> twice = NamesOf(*published);
  EXPECT_THAT(twice, SizeIs(2 * names.size()));
  EXPECT_EQ(twice[names.size()], "features.0.conv.weight");
  EXPECT_EQ(twice.back(), "features.16.1.weight");
  const auto read = ApplyKeyRule("published_inception_v3", twice);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(NamesOf(*read), names);
  EXPECT_THAT(read->duplicates, SizeIs(names.size()));
}

TEST(KeyRulesTest, PublishedInceptionTakesItsNumbersFromAFile) {
  const std::vector<std::string> names = WsolInception();
  std::vector<std::string> like =
      NamesOf(*ApplyKeyRule("to_published_inception_v3", names));
  for (std::string& name : like) {
    name = absl::StrReplaceAll(name, {{"features.16.", "features.99."}});
  }
  const auto published = ApplyKeyRule("to_published_inception_v3", names, like);
  ASSERT_THAT(published, IsOk());
  EXPECT_EQ(NamesOf(*published), like);
  // Reading needs no numbers, only their order.
  const auto read = ApplyKeyRule("published_inception_v3", like);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(NamesOf(*read), names);
}

TEST(KeyRulesTest, PublishedInceptionRejectsOtherNames) {
  EXPECT_THAT(ApplyKeyRule("published_inception_v3", WsolInception()),
              StatusIs(kInvalid, HasSubstr("has 0 numbered layers")));
  std::vector<std::string> names =
      NamesOf(*ApplyKeyRule("to_published_inception_v3", WsolInception()));
  names.push_back("features.5.extra");
  EXPECT_THAT(ApplyKeyRule("published_inception_v3", names),
              StatusIs(kInvalid, HasSubstr("features.5.extra should also be "
                                           "called Conv2d_4a_3x3.extra")));
  const std::vector<std::string> other = {"Mixed_7a.branch3x3_1.conv.weight"};
  EXPECT_THAT(ApplyKeyRule("to_published_inception_v3", other),
              StatusIs(kInvalid, HasSubstr("is no weight of the WSOL form")));
}

TEST(KeyRulesTest, NamesMustNotMeet) {
  std::vector<std::string> names = Vgg16();
  names.push_back("features.23.weight");
  // Number 23 shortens the gap in front of the last block.
  EXPECT_THAT(ApplyKeyRule("vgg_imagenet", names), StatusIs(kInvalid));
  const std::vector<std::string> twice = {"a", "a"};
  EXPECT_THAT(ApplyKeyRule("drop_head", twice),
              StatusIs(kInvalid, HasSubstr("two entries would be called a")));
}

TEST(KeyRulesTest, UnknownRulesNameTheNearest) {
  EXPECT_THAT(ApplyKeyRule("vgg16_imagenet", {}),
              StatusIs(kInvalid, HasSubstr("did you mean vgg_imagenet")));
  for (const KeyRule& rule : ListKeyRules()) {
    EXPECT_FALSE(rule.description.empty());
  }
  const auto none = ApplyKeyRule("drop_head", {});
  ASSERT_THAT(none, IsOk());
  EXPECT_THAT(none->entries, IsEmpty());
}

}  // namespace
}  // namespace vision
