#include "fcam/published/import_model.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/model_folder/fcam_folder.h"
#include "fcam/published/published_flags.h"
#include "fcam/published/published_options.h"
#include "fcam/training_run/fcam_run.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"
#include "wsol/classifier/classifier.h"
#include "wsol/model_folder/classifier_folder.h"
#include "wsol/model_folder/classifier_info.h"

namespace fcam {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

void ExpectSameWeights(const torch::nn::Module& expected,
                       const torch::nn::Module& actual) {
  const vision::StateDict before = vision::GetStateDict(expected);
  const vision::StateDict after = vision::GetStateDict(actual);
  ASSERT_EQ(before.size(), after.size());
  for (const auto& entry : before) {
    ASSERT_TRUE(at::equal(entry.value(), after[entry.key()])) << entry.key();
  }
}

class ImportModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = vision::JoinPath(::testing::TempDir(), "import_model_test");
    fs::remove_all(root_);
    fs::create_directories(root_ + "/pretrained");
    flags_.dataset = "CUB";
    flags_.method = "GradCAMpp";
    flags_.spatial_pooling = "WGAP";
    flags_.num_classes = 3;
    flags_.seed = 4;
    flags_.import_from = root_ + "/published";
    flags_.import_to = root_ + "/imported";
  }
  void TearDown() override { fs::remove_all(root_); }

  std::shared_ptr<wsol::Classifier> NewClassifier() const {
    const auto classifier = wsol::MakeClassifier(PublishedClassifier(flags_));
    EXPECT_THAT(classifier, IsOk());
    return *classifier;
  }

  size_t CountTensors(const std::string& path) const {
    const auto dict = vision::ReadStateDict(path);
    EXPECT_THAT(dict, IsOk());
    return dict.ok() ? dict->size() : 0;
  }

  std::string root_;
  PublishedFlags flags_;
};

TEST_F(ImportModelTest, ImportsClassifiers) {
  flags_.task = "STD_CL";
  const auto classifier = NewClassifier();
  fs::create_directories(flags_.import_from);
  ASSERT_THAT(wsol::SaveClassifierWeights(flags_.import_from, *classifier),
              IsOk());
  ASSERT_THAT(ImportPublishedModel(flags_, root_), IsOk());
  const auto loaded = wsol::LoadClassifierFolder(flags_.import_to);
  ASSERT_THAT(loaded, IsOk());
  ExpectSameWeights(*classifier, *loaded->classifier);
  EXPECT_EQ(loaded->info.cam_method, "GradCAM++");

  EXPECT_THAT(
      ImportPublishedModel(flags_, root_),
      StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("--import_to")));
  flags_.import_to += "_more";
  flags_.num_classes = 4;
  EXPECT_THAT(ImportPublishedModel(flags_, root_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("number of classes of the flags")));
}

// An encoder of the published program, and how many tensors its files have.
struct Encoder {
  const char* name;
  size_t encoder_tensors;
  size_t decoder_tensors;
};

class ImportFcamTest : public ImportModelTest,
                       public ::testing::WithParamInterface<Encoder> {};

// As the published program leaves an F-CAM: without the classification head.
TEST_P(ImportFcamTest, ReadsThePublishedKeys) {
  flags_.encoder_name = GetParam().name;
  flags_.task = "F_CL";
  flags_.freeze_cl = true;
  const auto classifier = NewClassifier();
  FcamModelOptions options;
  options.seed = 7;
  options.decoder = PublishedDecoder(
      GetParam().name,
      static_cast<int>(classifier->encoder().channels().size()));
  const auto model = MakeFcamModel(classifier, options);
  ASSERT_THAT(model, IsOk());
  const std::string& from = flags_.import_from;
  fs::create_directories(from);
  ASSERT_THAT(wsol::SaveClassifierWeights(from, *classifier), IsOk());
  ASSERT_THAT(wsol::SaveModuleFile(from, kDecoderFile, (*model)->decoder()),
              IsOk());
  ASSERT_THAT(wsol::SaveModuleFile(from, kSegmentationHeadFile,
                                   (*model)->segmentation_head()),
              IsOk());
  EXPECT_EQ(CountTensors(from + "/encoder.pt"), GetParam().encoder_tensors);
  EXPECT_EQ(CountTensors(from + "/decoder.pt"), GetParam().decoder_tensors);
  EXPECT_EQ(CountTensors(from + "/segmentation_head.pt"), 2u);
  const std::string pretrained =
      absl::StrCat(root_, "/pretrained/CUB-", GetParam().name,
                   "-GradCAMpp-WGAP-cp_best-boxv2_False");
  fs::create_directories(pretrained);
  ASSERT_THAT(wsol::SaveClassifierWeights(pretrained, *classifier), IsOk());
  fs::remove(from + "/classification_head.pt");

  ASSERT_THAT(ImportPublishedModel(flags_, root_), IsOk());
  const auto loaded = LoadFcamFolder(flags_.import_to);
  ASSERT_THAT(loaded, IsOk());
  ExpectSameWeights(**model, *loaded->model);
}

TEST_F(ImportModelTest, NamesAFolderThatIsNone) {
  EXPECT_THAT(
      ImportPublishedModel(flags_, root_),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("--import_from")));
}

// Of a decoder block 2 x (1 + 5) tensors, of VGG-16's centre block as many.
INSTANTIATE_TEST_SUITE_P(Encoders, ImportFcamTest,
                         ::testing::Values(Encoder{"resnet50", 318, 60},
                                           Encoder{"vgg16", 56, 48},
                                           Encoder{"inceptionv3", 848, 60}),
                         [](const auto& test) {
                           return std::string(test.param.name);
                         });

}  // namespace
}  // namespace fcam
