#include "fcam/published/published_options.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "fcam/losses/composite.h"
#include "fcam/published/published_flags.h"
#include "fcam/published/readme_commands.h"
#include "fcam/seeds/seed_sampler.h"
#include "fcam/training_run/fcam_run.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "wsol/experiment/experiment.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/training/lr_schedule.h"
#include "wsol/training/optimizer.h"
#include "wsol/training_run/classifier_run.h"

namespace fcam {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

class PublishedOptionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    environment_.root =
        vision::JoinPath(::testing::TempDir(), "published_options_test");
    environment_.num_threads = 3;
    fs::remove_all(environment_.root);
    for (const char* const dataset : {"CUB", "OpenImages"}) {
      fs::create_directories(Path("datasets/") + dataset);
      fs::create_directories(Path("folds/wsol-done-right-splits/") + dataset);
    }
  }

  std::string Path(const std::string& relative) const {
    return vision::JoinPath(environment_.root, relative);
  }

  wsol::ClassifierRunOptions Classifier(const std::string& more) {
    const auto flags =
        ParsePublishedFlags(SplitCommand(kReadmeClassifierCommand, more));
    EXPECT_THAT(flags, IsOk());
    const auto options = PublishedClassifierRun(*flags, environment_);
    EXPECT_THAT(options, IsOk());
    EXPECT_THAT(options->Validate(), IsOk());
    return *options;
  }

  FcamRunOptions Fcam(const std::string& more) {
    const auto flags =
        ParsePublishedFlags(SplitCommand(kReadmeFcamCommand, more));
    EXPECT_THAT(flags, IsOk());
    const auto options = PublishedFcamRun(*flags, environment_);
    EXPECT_THAT(options, IsOk());
    EXPECT_THAT(options->Validate(), IsOk());
    return *options;
  }

  MainWsolEnvironment environment_;
};

TEST_F(PublishedOptionsTest, ReadsTheReadmesClassifier) {
  const wsol::ClassifierRunOptions options = Classifier("--MYSEED 5");
  EXPECT_EQ(options.training.loop.epochs, 50);
  EXPECT_EQ(options.training.loop.seed, 5u);
  EXPECT_EQ(options.training.learning_rate, 0.0017);
  EXPECT_EQ(options.training.classifier_learning_rate_ratio, 10);
  const wsol::OptimizerOptions& optimizer = options.training.optimizer;
  EXPECT_EQ(optimizer.kind, wsol::OptimizerKind::kSgd);
  EXPECT_EQ(optimizer.momentum, 0.9);
  EXPECT_TRUE(optimizer.nesterov);
  EXPECT_EQ(optimizer.weight_decay, 1e-4);
  // A tenth after 15 epochs.
  EXPECT_DOUBLE_EQ(LearningRate(optimizer.schedule, 0.0017, 15), 0.0017);
  EXPECT_DOUBLE_EQ(LearningRate(optimizer.schedule, 0.0017, 16), 0.00017);
  EXPECT_EQ(options.classifier.backbone, "resnet50");
  EXPECT_EQ(options.classifier.pooling.name, "WGAP");
  EXPECT_EQ(options.initial_weights.weights, "imagenet");
  EXPECT_EQ(options.initial_weights.weights_dir, Path("pretrained-imgnet"));
  EXPECT_EQ(options.cam.method, "CAM");
  EXPECT_EQ(options.train_loader.batch_size, 32);
  EXPECT_EQ(options.train_loader.resize, 256);
  EXPECT_EQ(options.train_loader.crop, 224);
  EXPECT_EQ(options.train_loader.num_threads, 3);
  EXPECT_EQ(options.train_loader.seed, 5u);

  const wsol::ExperimentOptions& experiment = options.experiment;
  EXPECT_TRUE(experiment.resume);
  EXPECT_EQ(experiment.best_folder,
            "CUB-resnet50-CAM-WGAP-cp_best-boxv2_False");
  EXPECT_EQ(experiment.box_mode, wsol::BoxMode::kLargestContour);
  EXPECT_EQ(experiment.val_tau_interval, 0.004);
  EXPECT_EQ(experiment.test_tau_interval, 0.001);
  EXPECT_EQ(experiment.data.image_root, Path("datasets/CUB"));
  EXPECT_EQ(experiment.data.num_classes, 200);
}

TEST_F(PublishedOptionsTest, ReadsTheReadmesFcam) {
  const FcamRunOptions options = Fcam("");
  EXPECT_TRUE(options.fcam.freeze_classifier);
  EXPECT_EQ(options.training.learning_rate, 0.01);
  const FcamLossOptions& loss = options.training.loss;
  EXPECT_FALSE(loss.classification.enabled);
  EXPECT_TRUE(loss.self_learning.enabled);
  EXPECT_EQ(loss.self_learning.weight, 1);
  EXPECT_TRUE(loss.crf.enabled);
  EXPECT_EQ(loss.crf.weight, 2e-9);
  EXPECT_EQ(loss.crf.end_epoch, -1);
  EXPECT_TRUE(loss.crf_options.published_strength);
  EXPECT_EQ(loss.crf_options.dense.filter.sigma_xy_pixels, 100);
  EXPECT_TRUE(loss.size.enabled);
  EXPECT_EQ(loss.size.weight, 0.1);
  EXPECT_FALSE(loss.entropy.enabled);
  EXPECT_EQ(loss.elb.max_t, 10);
  const SeedOptions& seeds = options.training.seeds;
  EXPECT_EQ(seeds.foreground_pixels, 1);
  EXPECT_EQ(seeds.background_pixels, 1);
  EXPECT_EQ(seeds.dilation, 3);
  EXPECT_EQ(seeds.background_fraction, 0.1);
  EXPECT_EQ(seeds.erosion_kernel, 11);
  EXPECT_EQ(seeds.ignore_index, -255);
  EXPECT_EQ(options.stored_cams_dir, "");
}

// sl_min is of the background, sl_max of the foreground.
TEST_F(PublishedOptionsTest, TellsTheSeedsApart) {
  const FcamRunOptions options =
      Fcam("--sl_min 4 --sl_max 2 --freeze_cl False --method GradCAMpp");
  EXPECT_EQ(options.training.seeds.background_pixels, 4);
  EXPECT_EQ(options.training.seeds.foreground_pixels, 2);
  EXPECT_TRUE(options.training.loss.classification.enabled);
  EXPECT_FALSE(options.fcam.freeze_classifier);
  EXPECT_EQ(options.training.cam.method, "GradCAM++");
}

TEST_F(PublishedOptionsTest, ReadsStoredMapsWhereTheyAre) {
  const std::string maps =
      Path("data_cams/CUB-resnet50-CAM-WGAP-cp_best-boxv2_False_cams_train");
  fs::create_directories(maps);
  EXPECT_EQ(Fcam("").stored_cams_dir, maps);
}

TEST_F(PublishedOptionsTest, EachScheduleWorks) {
  const auto rate = [&](const std::string& flags, int64_t epoch) {
    return LearningRate(Classifier(flags).training.optimizer.schedule,
                        /*base=*/1, epoch);
  };
  EXPECT_EQ(rate("--opt__lr_scheduler False", 50), 1);
  // Two reductions to a tenth, and the floor below.
  EXPECT_NEAR(rate("--opt__step_size 10", 21), 0.01, 1e-12);
  EXPECT_NEAR(rate("--opt__step_size 1 --opt__min_lr 0.5", 9), 0.5, 1e-12);
  EXPECT_NEAR(rate("--opt__step_size 1 --opt__min_lr 0.5 "
                   "--opt__name_lr_scheduler step",
                   9),
              1e-8, 1e-14);
  EXPECT_NEAR(
      rate("--opt__step_size 10 --opt__name_lr_scheduler multistep", 21), 0.01,
      1e-12);
  // Half way down after half of t_max, or of the epochs.
  EXPECT_NEAR(rate("--opt__name_lr_scheduler cosine --opt__t_max 40", 21), 0.5,
              1e-6);
  EXPECT_NEAR(rate("--opt__name_lr_scheduler mycosine", 26), 0.5, 1e-6);
}

TEST_F(PublishedOptionsTest, ReadsOptimizerAndHead) {
  const wsol::ClassifierRunOptions options = Classifier(
      "--opt__name_optimizer adam --opt__amsgrad True --opt__beta1 0.8 "
      "--method LogSumExp --spatial_pooling LogSumExpPool --lse_r 5 "
      "--support_background False --encoder_weights None --num_workers 2 "
      "--box_v2_metric True");
  EXPECT_EQ(options.training.optimizer.kind, wsol::OptimizerKind::kAdam);
  EXPECT_TRUE(options.training.optimizer.amsgrad);
  EXPECT_EQ(options.training.optimizer.beta1, 0.8);
  EXPECT_EQ(options.classifier.pooling.lse_sharpness, 5);
  EXPECT_FALSE(options.classifier.pooling.support_background);
  EXPECT_EQ(options.initial_weights.weights, "none");
  EXPECT_EQ(options.train_loader.num_threads, 2);
  EXPECT_EQ(options.experiment.box_mode, wsol::BoxMode::kAllContours);
  // The maps of a head of its own.
  EXPECT_EQ(options.cam.method, "CAM");
  EXPECT_EQ(Classifier("--path_pre_trained x").initial_weights.weights, "x");
}

TEST_F(PublishedOptionsTest, OpenImagesIsValidatedAsItIsTested) {
  const wsol::ClassifierRunOptions options =
      Classifier("--dataset OpenImages --cam_curve_interval 0.01");
  EXPECT_EQ(options.experiment.val_tau_interval, 0.01);
  EXPECT_EQ(options.experiment.test_tau_interval, 0.01);
  EXPECT_EQ(options.experiment.data.num_classes, 100);
}

// Flags that change no number may differ when an experiment goes on.
TEST_F(PublishedOptionsTest, RecordsWhatDecidesTheOutcome) {
  const wsol::ClassifierRunOptions options = Classifier("");
  const std::map<std::string, std::string> config(
      options.experiment.config.begin(), options.experiment.config.end());
  EXPECT_EQ(config.at("opt__lr"), "0.0017");
  EXPECT_EQ(config.at("MYSEED"), "0");
  for (const char* const name :
       {"cudaid", "num_workers", "threads", "data_root", "import_from"}) {
    EXPECT_EQ(config.count(name), 0u) << name;
  }
}

TEST_F(PublishedOptionsTest, NamesFoldersThatAreMissing) {
  const auto flags =
      ParsePublishedFlags(SplitCommand("--dataset ILSVRC --data_root other"));
  ASSERT_THAT(flags, IsOk());
  EXPECT_THAT(
      PublishedClassifierRun(*flags, environment_).status(),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("'other/ILSVRC'")));
  environment_.data_root = "data";
  const auto cub = ParsePublishedFlags(SplitCommand("--dataset CUB"));
  ASSERT_THAT(cub, IsOk());
  EXPECT_THAT(PublishedFcamRun(*cub, environment_).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'data/CUB'")));
}

}  // namespace
}  // namespace fcam
