// Every method in a real training: TrainClassifier on the miniature data set.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/backbones/resnet.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"
#include "wsol/baselines/factory.h"
#include "wsol/cam/cam.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/composer.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/datasets/miniature.h"
#include "wsol/training/classifier_trainer.h"
#include "wsol/training/engine.h"
#include "wsol/training/lr_schedule.h"

namespace wsol {
namespace {

using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;

std::shared_ptr<Classifier> TinyClassifier(const std::string& method) {
  ClassifierOptions options;
  options.num_classes = 20;
  const std::string head = RequiredPoolingHead(method);
  if (!head.empty()) options.pooling.name = head;
  options.pooling.acol_width = 16;
  vision::ResNetOptions& net = options.backbone_options.resnet_small;
  net.stem_width = 8;
  net.blocks = {1, 1};
  net.widths = {8, 16};
  net.strides = {2, 2};
  const absl::StatusOr<std::shared_ptr<Classifier>> classifier =
      MakeClassifier(options);
  EXPECT_THAT(classifier, IsOk());
  return *classifier;
}

void ExpectEqualStates(const Classifier& a, const Classifier& b) {
  const auto parameters = b.named_parameters();
  for (const auto& item : a.named_parameters()) {
    EXPECT_THAT(parameters[item.key()].detach(),
                TensorEq(item.value().detach()))
        << item.key();
  }
  const auto buffers = b.named_buffers();
  for (const auto& item : a.named_buffers()) {
    EXPECT_THAT(buffers[item.key()], TensorEq(item.value())) << item.key();
  }
}

class MethodsTrainingTest : public ::testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() { miniature_ = new Miniature(MakeMiniature()); }
  static void TearDownTestSuite() { delete miniature_; }

  MethodsTrainingTest()
      : train_(miniature_->Open("boxes", Split::kTrain)),
        loader_(MakeMiniatureLoader(*train_, /*training=*/true)) {
    options_.method.name = GetParam();
    options_.method.spg_width = 16;
    options_.learning_rate = 0.02;
    options_.optimizer.schedule.kind = LrScheduleKind::kConstant;
  }

  static Miniature* miniature_;
  std::unique_ptr<Dataset> train_;
  std::unique_ptr<Loader> loader_;
  ClassifierTrainingOptions options_;
};

Miniature* MethodsTrainingTest::miniature_ = nullptr;

TEST_P(MethodsTrainingTest, TheLossFallsAndMapsComeOut) {
  options_.loop.epochs = 5;
  const std::shared_ptr<Classifier> classifier = TinyClassifier(GetParam());
  const auto history = TrainClassifier(*classifier, *loader_, options_);
  ASSERT_THAT(history, IsOk());
  EXPECT_LT(history->back().loss, history->front().loss);
  EXPECT_EQ(history->back().values.front().first, kTrainAccuracy);

  EXPECT_FALSE(classifier->is_training());
  loader_->StartEpoch(1);
  const auto batch = loader_->Next();
  ASSERT_THAT(batch, IsOk());
  const ClassifierOutput output = classifier->forward((*batch)->images);
  const auto maps =
      HeadMaps(classifier->head(), output.features.back(), (*batch)->labels);
  ASSERT_THAT(maps, IsOk());
  EXPECT_THAT(*maps, HasShape({8, 4, 4}));
}

TEST_P(MethodsTrainingTest, StoppedAtABatchItEndsBitIdentical) {
  options_.loop.epochs = 2;
  options_.loop.max_gradient_norm = 5;
  options_.loop.average_decay = 0.9;
  const std::shared_ptr<Classifier> whole = TinyClassifier(GetParam());
  const auto expected = TrainClassifier(*whole, *loader_, options_);
  ASSERT_THAT(expected, IsOk());

  options_.loop.checkpoint_path = vision::JoinPath(
      ::testing::TempDir(), absl::StrCat("state_", GetParam()));
  // Epochs have 5 batches: the second epoch's third is not trained.
  int64_t batches = 0;
  options_.loop.callbacks.should_stop = [&] { return batches == 7; };
  options_.loop.callbacks.on_batch = [&](int64_t, double) { ++batches; };
  EXPECT_THAT(TrainClassifier(*TinyClassifier(GetParam()), *loader_, options_),
              StatusIs(absl::StatusCode::kCancelled));
  // Weights that are not those of the start: all must come from the file.
  const std::shared_ptr<Classifier> resumed = TinyClassifier(GetParam());
  for (const at::Tensor& parameter : resumed->parameters()) {
    at::Tensor(parameter.detach()).zero_();
  }
  options_.method.seed = 0;
  options_.loop.callbacks = {};
  const auto history = TrainClassifier(*resumed, *loader_, options_);
  ASSERT_THAT(history, IsOk());
  EXPECT_EQ(history->back().loss, expected->back().loss);
  ExpectEqualStates(*resumed, *whole);
}

TEST_P(MethodsTrainingTest, TheSeedMattersButNotForNone) {
  options_.loop.epochs = 1;
  const std::shared_ptr<Classifier> first = TinyClassifier(GetParam());
  const std::shared_ptr<Classifier> second = TinyClassifier(GetParam());
  const auto a = TrainClassifier(*first, *loader_, options_);
  options_.method.seed = 1;
  const auto b = TrainClassifier(*second, *loader_, options_);
  ASSERT_THAT(a, IsOk());
  ASSERT_THAT(b, IsOk());
  // ACoL draws nothing.
  const std::string name = GetParam();
  if (name == "none" || name == "ACoL") {
    EXPECT_EQ(a->back().loss, b->back().loss);
  } else {
    EXPECT_NE(a->back().loss, b->back().loss);
  }
}

TEST_P(MethodsTrainingTest, TheTrainedClassifierIsSavedAndLoadedLikeAnyOther) {
  options_.loop.epochs = 1;
  const std::shared_ptr<Classifier> trained = TinyClassifier(GetParam());
  const std::vector<std::string> keys = trained->named_parameters().keys();
  ASSERT_THAT(TrainClassifier(*trained, *loader_, options_), IsOk());
  EXPECT_EQ(trained->named_parameters().keys(), keys);
  const std::string path = vision::JoinPath(
      ::testing::TempDir(), absl::StrCat("weights_", GetParam(), ".pt"));
  ASSERT_THAT(vision::SaveStateDict(path, vision::GetStateDict(*trained)),
              IsOk());
  const std::shared_ptr<Classifier> loaded = TinyClassifier(GetParam());
  const auto weights = vision::ReadStateDict(path);
  ASSERT_THAT(weights, IsOk());
  ASSERT_THAT(vision::LoadStateDict(*weights, *loaded), IsOk());
  ExpectEqualStates(*loaded, *trained);
}

INSTANTIATE_TEST_SUITE_P(All, MethodsTrainingTest,
                         ::testing::Values("none", "HaS", "CutMix", "ACoL",
                                           "ADL", "SPG"),
                         [](const auto& param) {
                           return std::string(param.param);
                         });

class MethodErrorsTest : public MethodsTrainingTest {};

TEST_P(MethodErrorsTest, BreakBeforeAnyWork) {
  const std::shared_ptr<Classifier> classifier = TinyClassifier("none");
  EXPECT_THAT(TrainClassifier(*classifier, *loader_, options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr(std::string(GetParam()))));
}

INSTANTIATE_TEST_SUITE_P(All, MethodErrorsTest,
                         ::testing::Values("ACoL", "SPG", "Unknown"));

}  // namespace
}  // namespace wsol
