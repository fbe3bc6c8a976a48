#include "fcam/published/main_wsol.h"

#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "fcam/published/published_flags.h"
#include "fcam/published/published_names.h"
#include "fcam/published/readme_commands.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "wsol/datasets/composer.h"
#include "wsol/datasets/metadata.h"
#include "wsol/datasets/synthetic.h"

namespace fcam {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;

constexpr int kNumClasses = 3;
// What makes the README's commands small: they are read after its own values.
constexpr char kSmall[] =
    "--max_epochs 1 --batch_size 3 --encoder_weights None --crop_size 32 "
    "--resize_size 36 --num_classes 3 --verbose False";
constexpr char kClassifierFolder[] =
    "exps/CUB/resnet50/STD_CL/CAM/id_08_19_2021_14_05_20_620912__6229687-"
    "tsk_STD_CL-ds_CUB-mth_CAM-spooling_WGAP-sd_0-ecd_resnet50-epx_1-bsz_3-"
    "lr_0.0017-box_v2_metric_False";
constexpr char kFcamFolder[] =
    "exps/CUB/resnet50/F_CL/CAM/id_08_19_2021_14_09_48_915565__1492324-"
    "tsk_F_CL-ds_CUB-mth_CAM-spooling_WGAP-sd_0-ecd_resnet50-epx_1-bsz_3-"
    "lr_0.01-box_v2_metric_False-sl_fc_yes-crf_fc_yes-max_sizepos_fc_yes";
constexpr char kBestTag[] = "CUB-resnet50-CAM-WGAP-cp_best-boxv2_False";
constexpr char kLastTag[] = "CUB-resnet50-CAM-WGAP-cp_last-boxv2_False";

class MainWsolTest : public ::testing::Test {
 protected:
  // In the layout of CUB: datasets/CUB has the images, and folds the splits.
  static void SetUpTestSuite() {
    const std::string data_dir =
        vision::JoinPath(::testing::TempDir(), "composed");
    wsol::SyntheticOptions options;
    options.source_dir = ::testing::TestDataPath("wsol/datasets/objects20");
    options.size = 40;
    options.train_per_class = 2;
    options.val_per_class = 1;
    options.test_per_class = 1;
    const auto data = wsol::ComposeDataset(options, data_dir);
    ASSERT_THAT(data, IsOk());
    for (const auto& [name, split] :
         {std::make_pair("train", wsol::Split::kTrain),
          std::make_pair("val", wsol::Split::kVal),
          std::make_pair("test", wsol::Split::kTest)}) {
      const auto all =
          wsol::ReadSplitMetadata(data->MetadataDir("boxes", split));
      ASSERT_THAT(all, IsOk());
      wsol::SplitMetadata few;
      few.num_classes = kNumClasses;
      for (const wsol::ImageRecord& record : all->images) {
        if (record.label < kNumClasses) few.images.push_back(record);
      }
      ASSERT_THAT(
          wsol::WriteSplitMetadata(
              Folds() + "/folds/wsol-done-right-splits/CUB/" + name, few),
          IsOk());
    }
    fs::create_directories(Folds() + "/datasets");
    fs::create_directory_symlink(data->image_root, Folds() + "/datasets/CUB");
  }

  void SetUp() override {
    root_ = vision::JoinPath(::testing::TempDir(), "root");
    fs::remove_all(root_);
    fs::create_directories(root_);
    for (const char* const name : {"folds", "datasets"}) {
      fs::create_directory_symlink(vision::JoinPath(Folds(), name), Path(name));
    }
  }

  // The checkpoints are large.
  void TearDown() override { fs::remove_all(root_); }

  static std::string Folds() {
    return vision::JoinPath(::testing::TempDir(), "miniature_cub");
  }

  std::string Path(const std::string& relative) const {
    return vision::JoinPath(root_, relative);
  }

  bool Has(const std::string& relative) const {
    return vision::FileExists(Path(relative));
  }

  std::string Read(const std::string& relative) const {
    const auto text = vision::ReadFile(Path(relative));
    EXPECT_THAT(text, IsOk());
    return text.value_or("");
  }

  absl::Status Run(const std::string& command, const std::string& more,
                   std::function<bool()> should_stop = nullptr) {
    const auto flags = ParsePublishedFlags(SplitCommand(command, more));
    EXPECT_THAT(flags, IsOk());
    MainWsolEnvironment environment;
    environment.root = root_;
    environment.show_progress = false;
    environment.should_stop = std::move(should_stop);
    std::ostringstream out;
    environment.out = &out;
    const absl::Status status = RunMainWsol(*flags, environment);
    said_ = out.str();
    return status;
  }

  std::string root_;
  // What the last run said.
  std::string said_;
};

// The README's two commands, one after the other, and no other step.
TEST_F(MainWsolTest, RunsTheReadmesCommands) {
  ASSERT_THAT(Run(kReadmeClassifierCommand, kSmall), IsOk());
  EXPECT_THAT(said_,
              AllOf(HasSubstr("Changing opt__lr: 0.001 -----> 0.0017\n"),
                    HasSubstr("WARNING: --cudaid 0: no effect"),
                    HasSubstr("WARNING: --crop_size 32"), HasSubstr("MaxBox"),
                    HasSubstr(Path(kClassifierFolder))));
  for (const char* const tag : {kBestTag, kLastTag}) {
    for (const char* const file : {"encoder.pt", "classification_head.pt",
                                   "model.json", "config_model.yaml"}) {
      EXPECT_TRUE(Has(absl::StrCat(kClassifierFolder, "/", tag, "/", file)))
          << tag << " " << file;
    }
  }
  for (const char* const file :
       {"config.yml", "config_obj_final.yaml", "performance_log_best.txt",
        "performance_log_last.json", "best/test/curves.json",
        "last/test/curves_top1_5.png", "CUB-val-boxv2-False.png", "log.txt"}) {
    EXPECT_TRUE(Has(absl::StrCat(kClassifierFolder, "/", file))) << file;
  }
  EXPECT_EQ(Read(absl::StrCat(kClassifierFolder, "/passed.txt")), "Passed.");
  EXPECT_THAT(Read("LOG.txt"), HasSubstr("tsk_STD_CL"));

  // Typed again, it does nothing.
  ASSERT_THAT(Run(kReadmeClassifierCommand, kSmall), IsOk());
  EXPECT_THAT(said_, HasSubstr("This experiment has passed"));

  // Interrupted at the first batch, it goes on when it is typed again.
  EXPECT_THAT(Run(kReadmeFcamCommand, kSmall, [] { return true; }),
              StatusIs(absl::StatusCode::kCancelled,
                       HasSubstr("the same command goes on")));
  EXPECT_FALSE(Has(absl::StrCat(kFcamFolder, "/passed.txt")));
  ASSERT_THAT(Run(kReadmeFcamCommand, kSmall), IsOk());
  EXPECT_THAT(said_, AllOf(HasSubstr("Pretrained classifier: " +
                                     Path(kClassifierFolder) + "/" + kBestTag),
                           HasSubstr("that this experiment began with")));
  for (const char* const tag : {kBestTag, kLastTag}) {
    for (const char* const file :
         {"encoder.pt", "classification_head.pt", "decoder.pt",
          "segmentation_head.pt", "model.json", "config_model.yaml"}) {
      EXPECT_TRUE(Has(absl::StrCat(kFcamFolder, "/", tag, "/", file)))
          << tag << " " << file;
    }
    // The frozen encoder is the classifier's.
    EXPECT_TRUE(
        Read(absl::StrCat(kFcamFolder, "/", tag, "/encoder.pt")) ==
        Read(absl::StrCat(kClassifierFolder, "/", kBestTag, "/encoder.pt")));
  }
  EXPECT_THAT(Read(absl::StrCat(kFcamFolder, "/performance_log_best.txt")),
              AllOf(HasSubstr("split: test/metric localization: "),
                    HasSubstr("split: train/metric self_learning_fcams: ")));

  // A folder as the published program leaves it: weights alone, copied to
  // pretrained, where it comes first.
  const std::string copied = Path(absl::StrCat("pretrained/", kBestTag));
  fs::create_directories(copied);
  for (const char* const file : {"encoder.pt", "classification_head.pt"}) {
    fs::copy_file(
        Path(absl::StrCat(kClassifierFolder, "/", kBestTag, "/", file)),
        vision::JoinPath(copied, file));
  }
  EXPECT_THAT(Run(kReadmeFcamCommand, absl::StrCat(kSmall, " --exp_id other"),
                  [] { return true; }),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("goes on")));
  EXPECT_THAT(said_, HasSubstr("Pretrained classifier: " + copied));
  // Trained itself, the network is another one.
  EXPECT_THAT(Run(kReadmeFcamCommand,
                  absl::StrCat(kSmall, " --exp_id joint --freeze_cl False"),
                  [] { return true; }),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("goes on")));
  // Of another network than the flags'.
  EXPECT_THAT(Run(kReadmeFcamCommand,
                  absl::StrCat(kSmall, " --exp_id more --num_classes 4")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("number of classes of the flags"),
                             HasSubstr("fc.weight"))));
  fs::remove_all(copied);
  EXPECT_THAT(Run(kReadmeFcamCommand,
                  absl::StrCat(kSmall, " --exp_id more --num_classes 4")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("has 3 classes, expected the 4 of "
                                 "--num_classes")));
}

// None of these makes a folder.
TEST_F(MainWsolTest, RefusesBeforeItWrites) {
  EXPECT_THAT(Run(kReadmeClassifierCommand,
                  absl::StrCat(kSmall, " --spatial_pooling GAP")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--method CAM needs --spatial_pooling WGAP")));
  EXPECT_THAT(Run(kReadmeFcamCommand, kSmall),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("no pretrained classifier"),
                             HasSubstr(kBestTag))));
  EXPECT_THAT(
      Run(kReadmeClassifierCommand,
          absl::StrCat(kSmall, " --encoder_weights imagenet")),
      StatusIs(absl::StatusCode::kNotFound,
               AllOf(HasSubstr("resnet50-"), HasSubstr("pretrained-imgnet"))));
  fs::remove(Path("datasets"));
  EXPECT_THAT(Run(kReadmeClassifierCommand, kSmall),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr(Path("datasets/CUB")),
                             HasSubstr("$FCAM_DATA"))));
  EXPECT_THAT(
      Run(kReadmeClassifierCommand,
          absl::StrCat(kSmall, " --data_root ", Folds(),
                       "/datasets --metadata_root ", Path("other"))),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("no folder of folds")));
  EXPECT_FALSE(Has("exps"));
}

}  // namespace
}  // namespace fcam
