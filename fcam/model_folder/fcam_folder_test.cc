#include "fcam/model_folder/fcam_folder.h"

#include <filesystem>
#include <memory>
#include <string>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "fcam/decoder/fcam_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/base/file_io.h"
#include "wsol/classifier/classifier.h"
#include "wsol/model_folder/classifier_folder.h"
#include "wsol/model_folder/classifier_info.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;
using ::testing::TensorNear;

class FcamFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = vision::JoinPath(::testing::TempDir(), "fcam_folder_test");
    std::filesystem::remove_all(dir_);
    wsol::ClassifierOptions& classifier = info_.classifier.classifier;
    classifier.num_classes = 3;
    vision::ResNetOptions& net = classifier.backbone_options.resnet_small;
    net.stem_width = 4;
    net.blocks = {1, 1};
    net.widths = {4, 6};
    net.strides = {2, 1};
    info_.fcam.decoder.channels = {6, 4, 4};
    info_.fcam.decoder.center = true;
    info_.fcam.seed = 3;
    const auto classifier_or = wsol::MakeClassifier(classifier);
    ASSERT_THAT(classifier_or, IsOk());
    classifier_ = *classifier_or;
    const auto model_or = MakeFcamModel(classifier_, info_.fcam);
    ASSERT_THAT(model_or, IsOk());
    model_ = *model_or;
    model_->eval();
  }

  std::string dir_;
  FcamFolderInfo info_;
  std::shared_ptr<wsol::Classifier> classifier_;
  std::shared_ptr<FcamModel> model_;
};

TEST_F(FcamFolderTest, GivesBackWhatWasSaved) {
  ASSERT_THAT(SaveFcamFolder(dir_, *model_, info_), IsOk());
  EXPECT_THAT(IsFcamFolder(dir_), IsOkAndHolds(true));
  const auto loaded_or = LoadFcamFolder(dir_);
  ASSERT_THAT(loaded_or, IsOk());
  const LoadedFcam& loaded = *loaded_or;
  EXPECT_FALSE(loaded.model->is_training());
  EXPECT_TRUE(loaded.model->classifier_is_frozen());
  EXPECT_EQ(loaded.info.fcam.decoder.channels, info_.fcam.decoder.channels);
  EXPECT_TRUE(loaded.info.fcam.decoder.center);
  const at::Tensor images = at::rand({2, 3, 32, 32});
  const FcamOutput expected = model_->forward(images);
  const FcamOutput output = loaded.model->forward(images);
  EXPECT_THAT(output.logits, TensorNear(expected.logits, 0, 0));
  EXPECT_THAT(output.fcams, TensorNear(expected.fcams, 0, 0));
}

TEST_F(FcamFolderTest, HoldsItsClassifier) {
  ASSERT_THAT(SaveFcamFolder(dir_, *model_, info_), IsOk());
  const auto loaded_or = wsol::LoadClassifierFolder(dir_);
  ASSERT_THAT(loaded_or, IsOk());
  const wsol::LoadedClassifier& loaded = *loaded_or;
  const at::Tensor images = at::rand({1, 3, 32, 32});
  EXPECT_THAT(loaded.classifier->forward(images).logits,
              TensorNear(model_->forward(images).logits, 0, 0));
}

TEST_F(FcamFolderTest, RefusesTheFolderOfAClassifierAlone) {
  ASSERT_THAT(wsol::SaveClassifierFolder(dir_, *classifier_, info_.classifier),
              IsOk());
  EXPECT_THAT(IsFcamFolder(dir_), IsOkAndHolds(false));
  EXPECT_THAT(LoadFcamFolder(dir_).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a classifier alone")));
}

TEST_F(FcamFolderTest, NamesAMissingFile) {
  ASSERT_THAT(SaveFcamFolder(dir_, *model_, info_), IsOk());
  std::filesystem::remove(dir_ + "/decoder.pt");
  EXPECT_THAT(LoadFcamFolder(dir_).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("decoder.pt")));
}

}  // namespace
}  // namespace fcam
