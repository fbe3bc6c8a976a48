#include "fcam/decoder/fast_encoder.h"

#include <memory>
#include <utility>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "fcam/decoder/fcam_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/inference/inference_backbone.h"
#include "vision/nn/state_dict.h"
#include "wsol/classifier/classifier.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

wsol::ClassifierOptions TinyOptions() {
  wsol::ClassifierOptions options;
  options.num_classes = 5;
  auto& net = options.backbone_options.resnet_small;
  net.stem_width = 8;
  net.blocks = {1, 1};
  net.widths = {8, 16};
  net.strides = {2, 2};
  return options;
}

// Statistics that a training would have left.
std::shared_ptr<wsol::Classifier> MakeTrained(
    const wsol::ClassifierOptions& options) {
  const auto classifier = wsol::MakeClassifier(options).value();
  at::manual_seed(1);
  const at::NoGradGuard no_grad;
  for (int i = 0; i < 3; ++i) classifier->forward(at::randn({4, 3, 32, 32}));
  return classifier;
}

std::shared_ptr<FcamModel> MakeModel(std::shared_ptr<wsol::Classifier> of,
                                     bool freeze = true) {
  FcamModelOptions options;
  options.decoder.channels = {16, 8, 8};
  options.freeze_classifier = freeze;
  return MakeFcamModel(std::move(of), options).value();
}

TEST(FastEncoderTest, GivesTheSameMapsAndLeavesTheStateDictAlone) {
  const wsol::ClassifierOptions options = TinyOptions();
  const auto classifier = MakeTrained(options);
  const auto model = MakeModel(classifier);
  vision::StateDict before;
  for (const auto& item : vision::GetStateDict(*model)) {
    before.insert(item.key(), item.value().clone());
  }
  const auto fast = MakeFastEncoder(options, *classifier, {});
  ASSERT_THAT(fast, IsOk());
  const at::Tensor images = at::randn({2, 3, 32, 32});
  model->train();
  const FcamOutput plain = model->forward(images);
  // The decoder's statistics moved.
  ASSERT_THAT(vision::LoadStateDict(before, *model), IsOk());
  ASSERT_THAT(model->UseFastEncoder(*fast), IsOk());
  EXPECT_TRUE(model->has_fast_encoder());
  const FcamOutput output = model->forward(images);
  // float32 with norms folded.
  EXPECT_THAT(output.logits, TensorNear(plain.logits, 1e-5, 1e-5));
  EXPECT_THAT(output.fcams.detach(), TensorNear(plain.fcams.detach(), 1e-4));
  EXPECT_FALSE(output.logits.requires_grad());
  EXPECT_TRUE(output.fcams.requires_grad());

  ASSERT_THAT(vision::LoadStateDict(before, *model), IsOk());
  const vision::StateDict after = vision::GetStateDict(*model);
  ASSERT_EQ(after.keys(), before.keys());
  for (const auto& item : after) {
    EXPECT_THAT(item.value(), TensorEq(before[item.key()])) << item.key();
  }
  ASSERT_THAT(model->UseFastEncoder(nullptr), IsOk());
  EXPECT_THAT(model->forward(images).logits, TensorEq(plain.logits));
}

TEST(FastEncoderTest, Bfloat16GivesFloatMapsCloseToTheEncoders) {
  const wsol::ClassifierOptions options = TinyOptions();
  const auto classifier = MakeTrained(options);
  const auto model = MakeModel(classifier);
  vision::InferenceOptions inference;
  inference.precision = vision::Precision::kBFloat16;
  inference.allow_slow_precision = true;
  const auto fast = MakeFastEncoder(options, *classifier, inference);
  ASSERT_THAT(fast, IsOk());
  model->eval();
  const at::Tensor images = at::randn({2, 3, 32, 32});
  const at::NoGradGuard no_grad;
  const FcamOutput plain = model->forward(images);
  ASSERT_THAT(model->UseFastEncoder(*fast), IsOk());
  const FcamOutput output = model->forward(images);
  for (const at::Tensor& map : output.features) {
    EXPECT_EQ(map.scalar_type(), at::kFloat);
  }
  EXPECT_EQ(output.fcams.scalar_type(), at::kFloat);
  const double cosine =
      at::cosine_similarity(output.features.back().flatten(),
                            plain.features.back().flatten(), 0)
          .item<double>();
  EXPECT_GT(cosine, 0.999);
  EXPECT_EQ(classifier->parameters()[0].scalar_type(), at::kFloat);
}

TEST(FastEncoderTest, RefusesWhatDoesNotFit) {
  const wsol::ClassifierOptions options = TinyOptions();
  const auto classifier = MakeTrained(options);
  wsol::ClassifierOptions wider = options;
  wider.backbone_options.resnet_small.widths = {8, 32};
  EXPECT_THAT(MakeFastEncoder(wider, *classifier, {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  const auto other = MakeFastEncoder(wider, *MakeTrained(wider), {});
  ASSERT_THAT(other, IsOk());
  EXPECT_THAT(MakeModel(classifier)->UseFastEncoder(*other),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("has channels 3, 8, 8, 32, expected")));
  const auto fast = MakeFastEncoder(options, *classifier, {});
  ASSERT_THAT(fast, IsOk());
  EXPECT_THAT(
      MakeModel(MakeTrained(options), /*freeze=*/false)->UseFastEncoder(*fast),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               HasSubstr("expected a frozen classifier")));
}

}  // namespace
}  // namespace fcam
