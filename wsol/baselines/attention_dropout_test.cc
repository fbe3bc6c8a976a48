#include "wsol/baselines/attention_dropout.h"

#include <cmath>
#include <memory>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"

namespace wsol {
namespace {

using ::testing::CheckGradient;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

std::shared_ptr<Classifier> TinyClassifier() {
  ClassifierOptions options;
  options.num_classes = 3;
  vision::ResNetOptions& net = options.backbone_options.resnet_small;
  net.stem_width = 8;
  net.blocks = {1, 1};
  net.widths = {8, 16};
  net.strides = {2, 2};
  const auto classifier = MakeClassifier(options);
  EXPECT_THAT(classifier, IsOk());
  return *classifier;
}

TEST(ApplyDropMaskTest, DropsWhereTheChannelMeanIsNearItsLargest) {
  // Two channels; means 1, 9, 10, 4: the largest is 10, so above 8.5 drops.
  const at::Tensor map =
      at::tensor({0.0, 8.0, 20.0, 4.0, 2.0, 10.0, 0.0, 4.0}, at::kDouble)
          .view({1, 2, 2, 2});
  EXPECT_THAT(
      ApplyDropMask(map, 0.85),
      TensorEq(at::tensor({0.0, 0.0, 0.0, 4.0, 2.0, 0.0, 0.0, 4.0}, at::kDouble)
                   .view({1, 2, 2, 2})));
  // 9 is not above 0.9 x 10.
  EXPECT_EQ(ApplyDropMask(map, 0.9)[0][0][0][1].item<double>(), 8);
  EXPECT_THAT(ApplyDropMask(map, 1), TensorEq(map));
}

TEST(ApplyDropMaskTest, TheLargestIsThatOfEachImage) {
  const at::Tensor map =
      at::tensor({1.0, 2.0, 10.0, 20.0}, at::kDouble).view({2, 1, 1, 2});
  EXPECT_THAT(
      ApplyDropMask(map, 0.9),
      TensorEq(
          at::tensor({1.0, 0.0, 10.0, 0.0}, at::kDouble).view({2, 1, 1, 2})));
}

TEST(ApplyDropMaskTest, KeepsAnEmptyMap) {
  const at::Tensor map = at::zeros({1, 3, 2, 2});
  EXPECT_THAT(ApplyDropMask(map, 0.9), TensorEq(map));
}

TEST(ApplyDropMaskTest, HasItsGradient) {
  EXPECT_THAT(CheckGradient(
                  [](const at::Tensor& x) {
                    return ApplyDropMask(x, 0.7).pow(2).sum();
                  },
                  at::rand({2, 3, 4, 5}, at::kDouble)),
              IsOk());
}

TEST(ApplyImportanceTest, WeighsBySigmoidOfTheChannelMean) {
  // Mean log 3: sigmoid 3/4.
  const double x = std::log(3.0);
  const at::Tensor map =
      at::tensor({x + 1, x - 1}, at::kDouble).view({1, 2, 1, 1});
  EXPECT_THAT(ApplyImportance(map), TensorNear(map * 0.75, /*atol=*/1e-12));
  EXPECT_THAT(
      CheckGradient(
          [](const at::Tensor& y) { return ApplyImportance(y).pow(2).sum(); },
          at::rand({2, 3, 4, 5}, at::kDouble)),
      IsOk());
}

TEST(MakeAttentionDropoutTest, ActsWhileTrainingUntilItsEnd) {
  const std::shared_ptr<Classifier> classifier = TinyClassifier();
  classifier->encoder().set_freeze_norms(true);
  const at::Tensor images = at::rand({2, 3, 16, 16});
  const at::Tensor plain = classifier->forward(images).logits.detach();
  TrainingMethodOptions options;
  auto method = MakeAttentionDropout(options, *classifier);
  ASSERT_THAT(method, IsOk());
  EXPECT_FALSE(classifier->forward(images).logits.equal(plain));
  // No effect in evaluation mode, and none once the method is gone.
  classifier->eval();
  const at::Tensor evaluated = classifier->forward(images).logits;
  EXPECT_THAT(evaluated.detach(), TensorEq(plain));
  method->reset();
  classifier->train();
  EXPECT_THAT(classifier->forward(images).logits.detach(), TensorEq(plain));
}

TEST(MakeAttentionDropoutTest, ChoosesByTheRate) {
  const std::shared_ptr<Classifier> classifier = TinyClassifier();
  classifier->encoder().set_freeze_norms(true);
  Batch batch;
  batch.images = at::rand({2, 3, 16, 16});
  batch.labels = at::tensor({0, 2}, at::kLong);
  TrainingMethodOptions options;
  options.adl_levels = {-1};
  const auto features = [&](double rate) {
    options.adl_drop_rate = rate;
    const auto method = MakeAttentionDropout(options, *classifier);
    EXPECT_THAT(method, IsOk());
    return classifier->encoder().forward(batch.images).back().detach();
  };
  const at::Tensor plain =
      classifier->encoder().forward(batch.images).back().detach();
  EXPECT_THAT(features(1), TensorEq(ApplyDropMask(plain, options.adl_gamma)));
  EXPECT_THAT(features(0), TensorEq(ApplyImportance(plain)));
}

TEST(MakeAttentionDropoutTest, DrawsByEpochAndBatchAlone) {
  const std::shared_ptr<Classifier> classifier = TinyClassifier();
  classifier->encoder().set_freeze_norms(true);
  Batch batch;
  batch.images = at::rand({2, 3, 16, 16});
  batch.labels = at::tensor({0, 2}, at::kLong);
  TrainingMethodOptions options;
  options.adl_drop_rate = 0.5;
  const auto method = MakeAttentionDropout(options, *classifier);
  ASSERT_THAT(method, IsOk());
  const auto loss = [&](int64_t epoch, int64_t number) {
    StepContext context;
    context.epoch = epoch;
    context.batch = number;
    return (*method)->Step(batch, context).loss.item<double>();
  };
  const double first = loss(1, 0);
  int different = 0;
  for (int64_t number = 1; number < 10; ++number) {
    different += loss(1, number) != first ? 1 : 0;
  }
  // Three layers, two choices: 1 of 8 batches is like the first.
  EXPECT_GE(different, 5);
  EXPECT_EQ(loss(1, 0), first);
}

TEST(MakeAttentionDropoutTest, NamesTheBadLevel) {
  const std::shared_ptr<Classifier> classifier = TinyClassifier();
  TrainingMethodOptions options;
  // The image, the stem and two stages: 4 levels.
  for (const int64_t level : {0, 4, -4}) {
    options.adl_levels = {level};
    EXPECT_THAT(
        MakeAttentionDropout(options, *classifier).status(),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr("expected 1 to 3 or -3 to -1 for a network with 4")))
        << level;
  }
}

}  // namespace
}  // namespace wsol
