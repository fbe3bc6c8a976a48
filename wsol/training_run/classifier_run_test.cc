#include "wsol/training_run/classifier_run.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"
#include "wsol/datasets/miniature.h"
#include "wsol/model_folder/classifier_folder.h"

namespace wsol {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Key;
using ::testing::StatusIs;

const Miniature& Data() {
  static const auto* const kData = new Miniature(MakeMiniature());
  return *kData;
}

// Options for a few seconds of training in a folder of the test's own.
ClassifierRunOptions SmallOptions(const std::string& name) {
  ClassifierRunOptions options;
  options.experiment.output_dir =
      vision::JoinPath(::testing::TempDir(), absl::StrCat("run_", name));
  std::filesystem::remove_all(options.experiment.output_dir);
  ExperimentDataOptions& data = options.experiment.data;
  data.metadata_root = vision::JoinPath(Data().data.dir, "metadata/boxes");
  data.mask_metadata_root = vision::JoinPath(Data().data.dir, "metadata/masks");
  data.image_root = Data().data.image_root;
  options.experiment.show_progress = false;
  options.experiment.config = {{"learning_rate", "0.01"}};
  options.experiment.config_yaml = "learning_rate: 0.01\n";
  options.experiment.val_tau_interval = 0.01;
  options.experiment.test_tau_interval = 0.01;
  vision::ResNetOptions& net = options.classifier.backbone_options.resnet_small;
  net.stem_width = 8;
  net.blocks = {1, 1};
  net.widths = {8, 12};
  net.strides = {2, 1};
  options.training.loop.epochs = 2;
  options.training.learning_rate = 0.01;
  options.train_loader.batch_size = 8;
  options.train_loader.resize = 36;
  options.train_loader.crop = 32;
  return options;
}

std::string ReadText(const ClassifierRunOptions& options,
                     const std::string& name) {
  absl::StatusOr<std::string> text =
      vision::ReadFile(vision::JoinPath(options.experiment.output_dir, name));
  EXPECT_THAT(text, IsOk());
  return text.ok() ? *std::move(text) : std::string();
}

// All weights of two model folders are the same, bit for bit.
void ExpectSameModels(const std::string& a, const std::string& b) {
  for (const char* file : {"encoder.pt", "classification_head.pt"}) {
    const absl::StatusOr<vision::StateDict> one =
        vision::ReadStateDict(vision::JoinPath(a, file));
    const absl::StatusOr<vision::StateDict> other =
        vision::ReadStateDict(vision::JoinPath(b, file));
    ASSERT_THAT(one, IsOk());
    ASSERT_THAT(other, IsOk());
    ASSERT_EQ(one->keys(), other->keys());
    for (const auto& entry : *one) {
      EXPECT_TRUE(entry.value().equal((*other)[entry.key()]))
          << file << " " << entry.key();
    }
  }
}

TEST(ClassifierRunTest, LeavesAWholeExperiment) {
  const ClassifierRunOptions options = SmallOptions("whole");
  const absl::StatusOr<RunResult> result = RunClassifierTraining(options);
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(result->text, HasSubstr("Test split, epoch"));
  EXPECT_THAT(result->text, HasSubstr("the last epoch"));
  EXPECT_THAT(result->best_test, Contains(Key("MaxBoxAccV2")));
  EXPECT_THAT(result->best_test, Contains(Key("PxAP")));
  EXPECT_THAT(result->best_test, Contains(Key("Top1Cls")));
  const std::string& dir = options.experiment.output_dir;
  for (const char* name :
       {"config.yaml", "log.jsonl", "log.txt", "state/training.ckpt",
        "history.json", "curves.png", "test_best.json", "test_best.csv",
        "test_last.json", "test_last.csv", "done"}) {
    EXPECT_TRUE(vision::FileExists(vision::JoinPath(dir, name))) << name;
  }
  for (const char* name : {"best", "last"}) {
    const absl::StatusOr<LoadedClassifier> model =
        LoadClassifierFolder(vision::JoinPath(dir, name));
    ASSERT_THAT(model, IsOk());
    EXPECT_EQ(model->info.classifier.num_classes, 20);
    EXPECT_EQ(model->info.class_names.size(), 20u);
    EXPECT_EQ(model->info.preprocessing.crop, 32);
    EXPECT_THAT(model->info.taus, Contains(Key("MaxBoxAcc")));
  }
  const auto history = nlohmann::json::parse(ReadText(options, "history.json"));
  // Epoch 0 is the network before training.
  ASSERT_EQ(history.at("epochs").size(), 3u);
  EXPECT_EQ(history["epochs"][0]["epoch"], 0);
  EXPECT_EQ(history["selected_by"], "MaxBoxAcc");
  const int best = history["best_epoch"];
  for (const auto& epoch : history["epochs"]) {
    EXPECT_LE(epoch["validation"]["MaxBoxAcc"],
              history["epochs"][best]["validation"]["MaxBoxAcc"]);
  }
}

TEST(ClassifierRunTest, ResumesToTheSameModel) {
  const ClassifierRunOptions whole = SmallOptions("uninterrupted");
  ASSERT_THAT(RunClassifierTraining(whole), IsOk());
  ClassifierRunOptions stopped = SmallOptions("stopped");
  int asked = 0;
  // In the middle of the first epoch, of an evaluation, and of the second.
  for (const int limit : {3, 8, 14}) {
    asked = 0;
    stopped.experiment.should_stop = [&] { return ++asked > limit; };
    EXPECT_THAT(RunClassifierTraining(stopped),
                StatusIs(absl::StatusCode::kCancelled));
    stopped.experiment.resume = true;
  }
  stopped.experiment.should_stop = nullptr;
  ASSERT_THAT(RunClassifierTraining(stopped), IsOk());
  for (const char* name : {"best", "last"}) {
    ExpectSameModels(vision::JoinPath(whole.experiment.output_dir, name),
                     vision::JoinPath(stopped.experiment.output_dir, name));
  }
  EXPECT_EQ(ReadText(whole, "test_best.json"),
            ReadText(stopped, "test_best.json"));
}

TEST(ClassifierRunTest, KeepsWhatIsThere) {
  ClassifierRunOptions options = SmallOptions("kept");
  options.training.loop.epochs = 1;
  int asked = 0;
  options.experiment.should_stop = [&] { return ++asked > 6; };
  ASSERT_THAT(RunClassifierTraining(options),
              StatusIs(absl::StatusCode::kCancelled));
  options.experiment.should_stop = nullptr;
  EXPECT_THAT(RunClassifierTraining(options),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("--resume goes on")));
  options.experiment.resume = true;
  options.experiment.config = {{"learning_rate", "0.02"}};
  EXPECT_THAT(RunClassifierTraining(options),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("learning_rate was 0.01, is 0.02")));
  options.experiment.config = {{"learning_rate", "0.01"}};
  ASSERT_THAT(RunClassifierTraining(options), IsOk());
  EXPECT_THAT(RunClassifierTraining(options),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("is done")));
}

TEST(ClassifierRunTest, RefusesBeforeAnythingIsWritten) {
  const auto expect_refused = [](ClassifierRunOptions options,
                                 const std::string& message) {
    EXPECT_THAT(RunClassifierTraining(options).status().message(),
                HasSubstr(message));
    EXPECT_FALSE(vision::FileExists(options.experiment.output_dir));
  };
  ClassifierRunOptions options = SmallOptions("refused");
  options.classifier.backbone = "resnet51";
  expect_refused(options, "did you mean resnet50");
  options = SmallOptions("refused");
  options.cam.method = "GradCAN";
  expect_refused(options, "GradCAM");
  options = SmallOptions("refused");
  options.experiment.data.metadata_root = "/nowhere";
  expect_refused(options, "/nowhere/train");
  options = SmallOptions("refused");
  options.experiment.select_by = "PxAp";
  expect_refused(options, "--select_by");
  options = SmallOptions("refused");
  options.experiment.data.image_root.clear();
  expect_refused(options, "--image_root");
  options = SmallOptions("refused");
  options.initial_weights.weights = "/nowhere/resnet.pth";
  expect_refused(options, "--weights=/nowhere/resnet.pth");
  options = SmallOptions("refused");
  options.training.learning_rate = -1;
  expect_refused(options, "learning_rate");
  options = SmallOptions("refused");
  options.training.method.name = "SPG";
  expect_refused(options, "GAP");
}

TEST(ClassifierRunTest, TrainsWithoutValidationAndTest) {
  ClassifierRunOptions options = SmallOptions("alone");
  options.experiment.data.validate = false;
  options.experiment.data.test = false;
  options.training.loop.epochs = 1;
  const absl::StatusOr<RunResult> result = RunClassifierTraining(options);
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(vision::FileExists(
      vision::JoinPath(options.experiment.output_dir, "last/encoder.pt")));
  EXPECT_FALSE(vision::FileExists(
      vision::JoinPath(options.experiment.output_dir, "best")));
}

TEST(ClassifierRunTest, BeginsWithTheWeightsOfAModelFolder) {
  ClassifierRunOptions first = SmallOptions("first");
  first.training.loop.epochs = 1;
  ASSERT_THAT(RunClassifierTraining(first), IsOk());
  ClassifierRunOptions second = SmallOptions("second");
  second.initial_weights.weights =
      vision::JoinPath(first.experiment.output_dir, "last");
  second.training.loop.epochs = 1;
  second.training.learning_rate = 1e-30;
  second.training.optimizer.schedule.min_lr = 0;
  second.training.optimizer.weight_decay = 0;
  second.classifier.backbone_options.freeze_norms = true;
  ASSERT_THAT(RunClassifierTraining(second), IsOk());
  ExpectSameModels(second.initial_weights.weights,
                   vision::JoinPath(second.experiment.output_dir, "last"));
}

}  // namespace
}  // namespace wsol
