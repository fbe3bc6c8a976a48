#include "wsol/training/classifier_trainer.h"

#include <cmath>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/backbones/resnet.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/composer.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/datasets/miniature.h"
#include "wsol/training/engine.h"
#include "wsol/training/lr_schedule.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;

std::shared_ptr<Classifier> TinyClassifier() {
  ClassifierOptions options;
  options.num_classes = 20;
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

class ClassifierTrainerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { miniature_ = new Miniature(MakeMiniature()); }
  static void TearDownTestSuite() { delete miniature_; }

  ClassifierTrainerTest()
      : train_(miniature_->Open("boxes", Split::kTrain)),
        loader_(MakeMiniatureLoader(*train_, /*training=*/true)) {
    options_.loop.epochs = 6;
    options_.learning_rate = 0.02;
    options_.optimizer.schedule.kind = LrScheduleKind::kConstant;
  }

  static Miniature* miniature_;
  std::unique_ptr<Dataset> train_;
  std::unique_ptr<Loader> loader_;
  ClassifierTrainingOptions options_;
};

Miniature* ClassifierTrainerTest::miniature_ = nullptr;

TEST_F(ClassifierTrainerTest, LearnsTheTrainingImages) {
  const std::shared_ptr<Classifier> classifier = TinyClassifier();
  const absl::StatusOr<std::vector<EpochRecord>> history =
      TrainClassifier(*classifier, *loader_, options_);
  ASSERT_THAT(history, IsOk());
  ASSERT_EQ(history->size(), 6u);
  EXPECT_LT(history->back().loss, history->front().loss);
  // Chance is 5 %.
  EXPECT_GT(history->back().ValueOr0(kTrainAccuracy), 0.15);
  EXPECT_EQ(history->front().learning_rate, 0.02);
}

TEST_F(ClassifierTrainerTest, TrainsIdenticallyTwice) {
  options_.loop.epochs = 2;
  const std::shared_ptr<Classifier> first = TinyClassifier();
  const std::shared_ptr<Classifier> second = TinyClassifier();
  const auto a = TrainClassifier(*first, *loader_, options_);
  const auto b = TrainClassifier(*second, *loader_, options_);
  ASSERT_THAT(a, IsOk());
  ASSERT_THAT(b, IsOk());
  EXPECT_EQ(a->back().loss, b->back().loss);
  const auto parameters = second->named_parameters();
  for (const auto& item : first->named_parameters()) {
    EXPECT_THAT(parameters[item.key()].detach(),
                TensorEq(item.value().detach()))
        << item.key();
  }
}

TEST_F(ClassifierTrainerTest, SmoothedLabelsBoundTheLossFromBelow) {
  // The entropy of the target: 0.9 + 0.1 / 20 for the class, 0.1 / 20 for each
  // of the 19 others.
  options_.label_smoothing = 0.1;
  const double entropy =
      -(0.905 * std::log(0.905) + 19 * 0.005 * std::log(0.005));
  const std::shared_ptr<Classifier> plain = TinyClassifier();
  const std::shared_ptr<Classifier> smoothed = TinyClassifier();
  const auto with = TrainClassifier(*smoothed, *loader_, options_);
  options_.label_smoothing = 0;
  const auto without = TrainClassifier(*plain, *loader_, options_);
  ASSERT_THAT(with, IsOk());
  ASSERT_THAT(without, IsOk());
  EXPECT_GT(with->back().loss, entropy);
  EXPECT_NE(with->back().loss, without->back().loss);
}

TEST_F(ClassifierTrainerTest, StopsWhenAsked) {
  const std::shared_ptr<Classifier> classifier = TinyClassifier();
  options_.loop.callbacks.should_stop = [] { return true; };
  EXPECT_THAT(
      TrainClassifier(*classifier, *loader_, options_),
      StatusIs(absl::StatusCode::kCancelled, HasSubstr("epoch 1 of 6")));
}

TEST_F(ClassifierTrainerTest, ValidateNamesTheBadField) {
  const auto with = [](auto set) {
    ClassifierTrainingOptions options;
    set(&options);
    return options.Validate();
  };
  const auto invalid = [](const char* text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(ClassifierTrainingOptions().Validate(), IsOk());
  EXPECT_THAT(with([](auto* o) { o->loop.epochs = 0; }), invalid("epochs"));
  EXPECT_THAT(with([](auto* o) { o->label_smoothing = 1; }),
              invalid("label_smoothing"));
  EXPECT_THAT(with([](auto* o) { o->learning_rate = 0; }),
              invalid("learning_rate"));
  EXPECT_THAT(with([](auto* o) { o->classifier_learning_rate_ratio = 0; }),
              invalid("classifier_learning_rate_ratio"));
  EXPECT_THAT(with([](auto* o) { o->optimizer.momentum = 2; }),
              invalid("momentum"));
}

}  // namespace
}  // namespace wsol
