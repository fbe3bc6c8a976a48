#include "wsol/model_folder/classifier_folder.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"
#include "wsol/classifier/classifier.h"
#include "wsol/model_folder/classifier_info.h"

namespace wsol {
namespace {

using ::nlohmann::ordered_json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorNear;

class ClassifierFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = vision::JoinPath(::testing::TempDir(), "classifier_folder_test");
    std::filesystem::remove_all(dir_);
  }

  // A network of 3 classes whose every option is another than its default.
  static ClassifierFolderInfo SmallInfo() {
    ClassifierFolderInfo info;
    info.classifier.num_classes = 3;
    info.classifier.seed = 5;
    vision::ResNetOptions& net = info.classifier.backbone_options.resnet_small;
    net.stem_kernel = 5;
    net.stem_width = 8;
    net.stem_max_pool = true;
    net.blocks = {1, 1};
    net.widths = {8, 12};
    net.strides = {2, 1};
    info.classifier.backbone_options.dropout = 0.25;
    info.classifier.pooling.name = "WildCatCLHead";
    info.classifier.pooling.support_background = false;
    info.classifier.pooling.wildcat_modalities = 2;
    info.classifier.pooling.wildcat_kmax = {3, true};
    info.classifier.pooling.wildcat_variant = WildcatVariant::kPaper;
    info.preprocessing.resize = 40;
    info.preprocessing.crop = 32;
    info.preprocessing.normalization.mean = {0.5f, 0.25f, 0.125f};
    info.class_names = {"ant", "bee", "cat"};
    info.cam_method = "LayerCAM";
    info.taus = {{"MaxBoxAcc", 0.25}};
    return info;
  }

  std::string dir_;
};

TEST_F(ClassifierFolderTest, GivesBackWhatWasSaved) {
  const ClassifierFolderInfo info = SmallInfo();
  const auto classifier_or = MakeClassifier(info.classifier);
  ASSERT_THAT(classifier_or, IsOk());
  const auto& classifier = *classifier_or;
  classifier->eval();
  ASSERT_THAT(SaveClassifierFolder(dir_, *classifier, info), IsOk());
  const auto loaded_or = LoadClassifierFolder(dir_);
  ASSERT_THAT(loaded_or, IsOk());
  const LoadedClassifier& loaded = *loaded_or;
  EXPECT_FALSE(loaded.classifier->is_training());
  const at::Tensor images = at::rand({2, 3, 32, 32});
  EXPECT_THAT(loaded.classifier->forward(images).logits,
              TensorNear(classifier->forward(images).logits, 0, 0));
  EXPECT_EQ(ClassifierInfoToJson(loaded.info), ClassifierInfoToJson(info));
  EXPECT_EQ(loaded.info.preprocessing.normalization.std,
            info.preprocessing.normalization.std);
  EXPECT_EQ(loaded.info.preprocessing.normalization.mean,
            info.preprocessing.normalization.mean);
}

TEST_F(ClassifierFolderTest, ReplacesAFolder) {
  ClassifierFolderInfo info = SmallInfo();
  const auto classifier_or = MakeClassifier(info.classifier);
  ASSERT_THAT(classifier_or, IsOk());
  const auto& classifier = *classifier_or;
  ASSERT_THAT(SaveClassifierFolder(dir_, *classifier, info), IsOk());
  info.cam_method = "GradCAM";
  ASSERT_THAT(SaveClassifierFolder(dir_, *classifier, info), IsOk());
  const auto loaded_or = LoadClassifierFolder(dir_);
  ASSERT_THAT(loaded_or, IsOk());
  const LoadedClassifier& loaded = *loaded_or;
  EXPECT_EQ(loaded.info.cam_method, "GradCAM");
}

// Both ways through the names of the published code.
TEST_F(ClassifierFolderTest, WritesPublishedNamesOfVgg16) {
  ClassifierFolderInfo info;
  info.classifier.backbone = "vgg16";
  info.classifier.num_classes = 2;
  const auto classifier_or = MakeClassifier(info.classifier);
  ASSERT_THAT(classifier_or, IsOk());
  const auto& classifier = *classifier_or;
  ASSERT_THAT(SaveClassifierFolder(dir_, *classifier, info), IsOk());
  const auto dict_or = vision::ReadStateDict(dir_ + "/encoder.pt");
  ASSERT_THAT(dict_or, IsOk());
  const vision::StateDict& dict = *dict_or;
  EXPECT_EQ(dict.size(), 56u);
  EXPECT_THAT(dict.keys(), Contains("full_features.29.weight"));
  const auto loaded_or = LoadClassifierFolder(dir_);
  ASSERT_THAT(loaded_or, IsOk());
  const LoadedClassifier& loaded = *loaded_or;
  const vision::StateDict before = vision::GetStateDict(*classifier);
  const vision::StateDict after = vision::GetStateDict(*loaded.classifier);
  ASSERT_EQ(before.size(), after.size());
  for (const auto& entry : before) {
    EXPECT_TRUE(at::equal(entry.value(), after[entry.key()])) << entry.key();
  }
}

TEST_F(ClassifierFolderTest, WritesTheNamesOfOtherVggsAsTheyAre) {
  ClassifierFolderInfo info;
  info.classifier.backbone = "vgg11";
  info.classifier.num_classes = 2;
  const auto classifier_or = MakeClassifier(info.classifier);
  ASSERT_THAT(classifier_or, IsOk());
  const auto& classifier = *classifier_or;
  ASSERT_THAT(SaveClassifierFolder(dir_, *classifier, info), IsOk());
  EXPECT_THAT(LoadClassifierFolder(dir_).status(), IsOk());
}

TEST_F(ClassifierFolderTest, NamesAFolderThatIsMissingOrNone) {
  EXPECT_THAT(LoadClassifierFolder(dir_).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir_)));
  ASSERT_THAT(vision::CreateDirectories(dir_), IsOk());
  EXPECT_THAT(LoadClassifierFolder(dir_).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("model.json")));
}

TEST_F(ClassifierFolderTest, NamesWeightsOfAnotherNetwork) {
  const ClassifierFolderInfo info = SmallInfo();
  const auto classifier_or = MakeClassifier(info.classifier);
  ASSERT_THAT(classifier_or, IsOk());
  const auto& classifier = *classifier_or;
  ASSERT_THAT(SaveClassifierFolder(dir_, *classifier, info), IsOk());
  ClassifierFolderInfo other = info;
  other.classifier.num_classes = 4;
  other.class_names.clear();
  ASSERT_THAT(
      WriteModelJson(dir_, {{"classifier", ClassifierInfoToJson(other)}}),
      IsOk());
  EXPECT_THAT(LoadClassifierFolder(dir_).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("classification_head.pt")));
}

TEST_F(ClassifierFolderTest, NamesWhatIsWrongInTheDescription) {
  const ClassifierFolderInfo info = SmallInfo();
  const auto classifier_or = MakeClassifier(info.classifier);
  ASSERT_THAT(classifier_or, IsOk());
  const auto& classifier = *classifier_or;
  ASSERT_THAT(SaveClassifierFolder(dir_, *classifier, info), IsOk());
  const auto load_changed = [&](const char* pointer, ordered_json value) {
    ordered_json json = {{"classifier", ClassifierInfoToJson(info)}};
    json[ordered_json::json_pointer(pointer)] = std::move(value);
    EXPECT_THAT(WriteModelJson(dir_, json), IsOk());
    return std::string(LoadClassifierFolder(dir_).status().message());
  };
  EXPECT_THAT(load_changed("/classifier/backbone/name", "resnet51"),
              HasSubstr("did you mean resnet50"));
  EXPECT_THAT(load_changed("/classifier/backbone/strides", 2),
              HasSubstr("backbone: strides: got 2, expected a text"));
  EXPECT_THAT(load_changed("/classifier/backbone/resnet/block", "x"),
              HasSubstr("expected basic or bottleneck"));
  EXPECT_THAT(load_changed("/classifier/pooling/wildcat_variant", "x"),
              HasSubstr("expected published, paper or halved"));
  EXPECT_THAT(load_changed("/classifier/preprocessing/crop", 50),
              HasSubstr("expected 1 <= crop <= resize"));
  EXPECT_THAT(load_changed("/classifier/preprocessing/mean",
                           ordered_json::parse("[1]")),
              HasSubstr("got 1 values, expected 3"));
  EXPECT_THAT(
      load_changed("/classifier/class_names", ordered_json::parse("[\"a\"]")),
      HasSubstr("got 1 for 3 classes"));
  EXPECT_THAT(load_changed("/schema_version", 2),
              HasSubstr("schema_version 2, expected 1"));
}

TEST_F(ClassifierFolderTest, NamesADamagedDescription) {
  const ClassifierFolderInfo info = SmallInfo();
  const auto classifier_or = MakeClassifier(info.classifier);
  ASSERT_THAT(classifier_or, IsOk());
  const auto& classifier = *classifier_or;
  ASSERT_THAT(SaveClassifierFolder(dir_, *classifier, info), IsOk());
  ASSERT_THAT(vision::WriteFileAtomically(dir_ + "/model.json", "{\"a\": "),
              IsOk());
  EXPECT_THAT(LoadClassifierFolder(dir_).status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("model.json")));
}

}  // namespace
}  // namespace wsol
