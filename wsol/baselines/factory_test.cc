#include "wsol/baselines/factory.h"

#include <memory>
#include <string>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "wsol/baselines/classification_loss.h"
#include "wsol/baselines/cut_mix.h"
#include "wsol/baselines/hide_and_seek.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/training/engine.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

std::shared_ptr<Classifier> MakeTiny(const std::string& head,
                                     int64_t stages = 2) {
  ClassifierOptions options;
  options.num_classes = 4;
  options.pooling.name = head;
  options.pooling.acol_width = 8;
  vision::ResNetOptions& net = options.backbone_options.resnet_small;
  net.stem_width = 8;
  net.blocks.assign(static_cast<size_t>(stages), 1);
  net.widths.assign(static_cast<size_t>(stages), 8);
  net.strides.assign(static_cast<size_t>(stages), 2);
  const auto classifier = MakeClassifier(options);
  EXPECT_THAT(classifier, IsOk());
  return *classifier;
}

TrainingMethodOptions Named(const std::string& name) {
  TrainingMethodOptions options;
  options.name = name;
  options.spg_width = 8;
  return options;
}

Batch MakeBatch() {
  Batch batch;
  batch.images = at::rand({3, 3, 16, 16});
  batch.labels = at::tensor({0, 3, 1}, at::kLong);
  batch.indices = {4, 2, 9};
  return batch;
}

TEST(TrainingMethodNamesTest, AreParsedWithoutCase) {
  EXPECT_THAT(TrainingMethodNames(),
              ElementsAre("none", "HaS", "CutMix", "ACoL", "ADL", "SPG"));
  EXPECT_THAT(ParseTrainingMethod("cutmix"),
              IsOkAndHolds(std::string("CutMix")));
  EXPECT_THAT(ParseTrainingMethod(""), IsOkAndHolds(std::string("none")));
  EXPECT_THAT(ParseTrainingMethod("CutMx"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("unknown training method \"CutMx\""),
                             HasSubstr("did you mean CutMix"))));
}

TEST(CheckTrainingMethodTest, KnowsWhichHeadsGoWithWhichMethods) {
  for (const std::string& name : TrainingMethodNames()) {
    const std::string needed = RequiredPoolingHead(name);
    for (const std::string head : {"WGAP", "GAP", "WildCatCLHead", "ACoL"}) {
      const bool fits = needed.empty() ? head != "ACoL" : head == needed;
      EXPECT_EQ(CheckTrainingMethod(Named(name), head).ok(), fits)
          << name << " " << head;
      // The same with the network at hand.
      const std::shared_ptr<Classifier> classifier = MakeTiny(head);
      EXPECT_EQ(MakeTrainingMethod(Named(name), *classifier).ok(), fits)
          << name << " " << head;
    }
  }
  EXPECT_THAT(CheckTrainingMethod(Named("SPG"), "WGAP"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("SPG needs the pooling head \"GAP\", got "
                                 "\"WGAP\"")));
  EXPECT_THAT(CheckTrainingMethod(Named("HaS"), "ACoL"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("leaves its branch B untrained")));
  EXPECT_THAT(CheckTrainingMethod(Named("Has2"), "WGAP"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("did you mean HaS")));
  TrainingMethodOptions bad = Named("HaS");
  bad.has_grid = 0;
  EXPECT_THAT(
      CheckTrainingMethod(bad, "WGAP"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has_grid")));
}

TEST(MakeTrainingMethodTest, SpgNeedsThreeLevels) {
  // The image, the stem and one stage.
  const std::shared_ptr<Classifier> classifier = MakeTiny("GAP", /*stages=*/1);
  EXPECT_THAT(MakeTrainingMethod(Named("SPG"), *classifier).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the encoder has 2")));
}

TEST(MakeTrainingMethodTest, OnlySpgHasBranches) {
  for (const std::string& name : TrainingMethodNames()) {
    const std::string head = RequiredPoolingHead(name);
    const std::shared_ptr<Classifier> classifier =
        MakeTiny(head.empty() ? "WGAP" : head);
    const auto method = MakeTrainingMethod(Named(name), *classifier);
    ASSERT_THAT(method, IsOk());
    EXPECT_EQ((*method)->branches() != nullptr, name == "SPG") << name;
  }
}

TEST(StepTest, NoneIsTheCrossEntropyOfTheImages) {
  const std::shared_ptr<Classifier> classifier = MakeTiny("WGAP");
  classifier->encoder().set_freeze_norms(true);
  const Batch batch = MakeBatch();
  const auto method = MakeTrainingMethod(Named("none"), *classifier);
  ASSERT_THAT(method, IsOk());
  StepContext context;
  context.label_smoothing = 0.1;
  const StepResult result = (*method)->Step(batch, context);
  EXPECT_EQ(
      result.loss.item<double>(),
      CrossEntropy(classifier->forward(batch.images).logits, batch.labels, 0.1)
          .item<double>());
}

TEST(StepTest, HasIsTheCrossEntropyOfHiddenImages) {
  const std::shared_ptr<Classifier> classifier = MakeTiny("WGAP");
  classifier->encoder().set_freeze_norms(true);
  const Batch batch = MakeBatch();
  const auto method = MakeTrainingMethod(Named("HaS"), *classifier);
  ASSERT_THAT(method, IsOk());
  StepContext context;
  context.epoch = 3;
  const at::Tensor hidden =
      HideCells(batch.images, batch.indices, HideCellsOptions(), 3);
  EXPECT_EQ((*method)->Step(batch, context).loss.item<double>(),
            CrossEntropy(classifier->forward(hidden).logits, batch.labels, 0)
                .item<double>());
}

TEST(StepTest, CutMixMixesTheLossesByTheAreas) {
  const std::shared_ptr<Classifier> classifier = MakeTiny("WGAP");
  classifier->encoder().set_freeze_norms(true);
  const Batch batch = MakeBatch();
  const auto method = MakeTrainingMethod(Named("CutMix"), *classifier);
  ASSERT_THAT(method, IsOk());
  for (int64_t number = 0; number < 5; ++number) {
    StepContext context;
    context.batch = number;
    const CutMixDraw draw = DrawCutMix(CutMixOptions(), 1, number, 3, 16, 16);
    const at::Tensor logits =
        classifier->forward(MixImages(batch.images, draw)).logits;
    const at::Tensor log_p = logits.log_softmax(1);
    double expected = 0;
    for (int64_t n = 0; n < 3; ++n) {
      const int64_t own = batch.labels[n].item<int64_t>();
      const int64_t other =
          batch.labels[draw.partners[static_cast<size_t>(n)]].item<int64_t>();
      expected -= draw.lambda * log_p[n][own].item<double>() / 3 +
                  (1 - draw.lambda) * log_p[n][other].item<double>() / 3;
    }
    EXPECT_NEAR((*method)->Step(batch, context).loss.item<double>(), expected,
                1e-5);
  }
}

TEST(StepTest, GradientsReachAllThatTrains) {
  for (const std::string& name : TrainingMethodNames()) {
    const std::string head = RequiredPoolingHead(name);
    const std::shared_ptr<Classifier> classifier =
        MakeTiny(head.empty() ? "WGAP" : head);
    const auto method = MakeTrainingMethod(Named(name), *classifier);
    ASSERT_THAT(method, IsOk());
    const StepResult result = (*method)->Step(MakeBatch(), StepContext());
    ASSERT_FALSE(result.values.empty());
    EXPECT_EQ(result.values.front().first, kTrainAccuracy);
    result.loss.backward();
    for (const auto& parameter : classifier->named_parameters()) {
      // GAP's background map takes part in nothing, but its weights are in the
      // same tensor.
      EXPECT_TRUE(parameter.value().grad().defined())
          << name << " " << parameter.key();
    }
    if ((*method)->branches() == nullptr) continue;
    for (const auto& parameter : (*method)->branches()->named_parameters()) {
      EXPECT_TRUE(parameter.value().grad().defined())
          << name << " " << parameter.key();
    }
  }
}

}  // namespace
}  // namespace wsol
