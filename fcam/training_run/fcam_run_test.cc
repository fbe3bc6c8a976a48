#include "fcam/training_run/fcam_run.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "fcam/losses/composite.h"
#include "fcam/model_folder/fcam_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/miniature.h"
#include "wsol/model_folder/classifier_folder.h"
#include "wsol/training_run/classifier_run.h"

namespace fcam {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Key;

class FcamRunTest : public ::testing::Test {
 protected:
  FcamRunTest() : data_(wsol::MakeMiniature()) {}

  // A classifier of `num_classes` classes with random weights, as a folder.
  std::string MakeClassifierFolder(int num_classes) const {
    wsol::ClassifierFolderInfo info;
    info.classifier.num_classes = num_classes;
    vision::ResNetOptions& net = info.classifier.backbone_options.resnet_small;
    net.stem_width = 4;
    net.blocks = {1, 1};
    net.widths = {4, 8};
    net.strides = {2, 1};
    info.preprocessing.resize = 36;
    info.preprocessing.crop = wsol::kMiniatureSize;
    const std::string dir = vision::JoinPath(
        ::testing::TempDir(), absl::StrCat("classifier_", num_classes));
    const auto classifier = wsol::MakeClassifier(info.classifier);
    EXPECT_THAT(classifier, IsOk());
    EXPECT_THAT(wsol::SaveClassifierFolder(dir, **classifier, info), IsOk());
    return dir;
  }

  FcamRunOptions SmallOptions(const std::string& name) const {
    FcamRunOptions options;
    options.experiment.output_dir =
        vision::JoinPath(::testing::TempDir(), absl::StrCat("fcam_", name));
    std::filesystem::remove_all(options.experiment.output_dir);
    wsol::ExperimentDataOptions& data = options.experiment.data;
    data.metadata_root = vision::JoinPath(data_.data.dir, "metadata/boxes");
    data.mask_metadata_root =
        vision::JoinPath(data_.data.dir, "metadata/masks");
    data.image_root = data_.data.image_root;
    options.experiment.show_progress = false;
    options.experiment.val_tau_interval = 0.01;
    options.experiment.test_tau_interval = 0.01;
    options.classifier_dir = MakeClassifierFolder(20);
    options.fcam.decoder.channels = {8, 8, 4};
    options.set_decoder = true;
    options.training.loop.epochs = 1;
    options.training.loss = PublishedFcamLossOptions();
    options.train_loader.batch_size = 8;
    return options;
  }

  static vision::StateDict ReadWeights(const std::string& dir,
                                       const char* file) {
    absl::StatusOr<vision::StateDict> dict =
        vision::ReadStateDict(vision::JoinPath(dir, file));
    EXPECT_THAT(dict, IsOk());
    return dict.ok() ? *std::move(dict) : vision::StateDict();
  }

  wsol::Miniature data_;
};

TEST_F(FcamRunTest, LeavesAnFcamWhoseClassifierIsUnchanged) {
  const FcamRunOptions options = SmallOptions("frozen");
  const absl::StatusOr<wsol::RunResult> result = RunFcamTraining(options);
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(result->best_test, Contains(Key("PxAP")));
  const std::string last =
      vision::JoinPath(options.experiment.output_dir, "last");
  const absl::StatusOr<LoadedFcam> loaded = LoadFcamFolder(last);
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(loaded->info.classifier.class_names.size(), 20u);
  EXPECT_THAT(loaded->info.classifier.taus, Contains(Key("MaxBoxAccV2")));
  for (const char* file : {"encoder.pt", "classification_head.pt"}) {
    const vision::StateDict before = ReadWeights(options.classifier_dir, file);
    const vision::StateDict after = ReadWeights(last, file);
    ASSERT_EQ(before.keys(), after.keys());
    for (const auto& entry : before) {
      EXPECT_TRUE(entry.value().equal(after[entry.key()])) << entry.key();
    }
  }
}

TEST_F(FcamRunTest, TrainsTheClassifierTooIfAsked) {
  FcamRunOptions options = SmallOptions("joint");
  options.fcam.freeze_classifier = false;
  options.training.loss.classification.enabled = true;
  ASSERT_THAT(RunFcamTraining(options), IsOk());
  const vision::StateDict before =
      ReadWeights(options.classifier_dir, "encoder.pt");
  const vision::StateDict after = ReadWeights(
      vision::JoinPath(options.experiment.output_dir, "last"), "encoder.pt");
  EXPECT_FALSE(before["conv1.weight"].equal(after["conv1.weight"]));
}

TEST_F(FcamRunTest, RefusesBeforeAnythingIsWritten) {
  const auto expect_refused = [](const FcamRunOptions& options,
                                 const std::string& message) {
    EXPECT_THAT(RunFcamTraining(options).status().message(),
                HasSubstr(message));
    EXPECT_FALSE(vision::FileExists(options.experiment.output_dir));
  };
  FcamRunOptions options = SmallOptions("refused");
  options.classifier_dir.clear();
  expect_refused(options, "--classifier is needed");
  options = SmallOptions("refused");
  options.classifier_dir = "/nowhere";
  expect_refused(options, "'/nowhere'");
  options = SmallOptions("refused");
  options.classifier_dir = MakeClassifierFolder(7);
  expect_refused(options, "7");
  options = SmallOptions("refused");
  options.classifier_dir = MakeClassifierFolder(21);
  options.experiment.data.num_classes = 20;
  expect_refused(options, "the classifier has 21 classes, the data 20");
  options = SmallOptions("refused");
  options.training.loss = FcamLossOptions();
  expect_refused(options, "term");
}

TEST(PublishedDecoderTest, HasTheWidthsOfTheBackbone) {
  EXPECT_THAT(PublishedDecoder("resnet50", 6).channels,
              ElementsAre(256, 128, 64, 32, 16));
  EXPECT_FALSE(PublishedDecoder("resnet50", 6).center);
  EXPECT_THAT(PublishedDecoder("vgg16", 4).channels, ElementsAre(256, 128, 64));
  EXPECT_TRUE(PublishedDecoder("vgg16", 4).center);
  EXPECT_THAT(PublishedDecoder("other", 7).channels,
              ElementsAre(256, 128, 64, 32, 16, 16));
}

}  // namespace
}  // namespace fcam
