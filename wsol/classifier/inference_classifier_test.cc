#include "wsol/classifier/inference_classifier.h"

#include <memory>
#include <string>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/inference/inference_backbone.h"
#include "wsol/classifier/classifier.h"

namespace wsol {
namespace {

using ::testing::IsOk;
using ::testing::TensorNear;

std::shared_ptr<Classifier> Make(const std::string& backbone) {
  ClassifierOptions options;
  options.backbone = backbone;
  options.num_classes = 5;
  options.seed = 2;
  std::shared_ptr<Classifier> classifier = MakeClassifier(options).value();
  classifier->eval();
  return classifier;
}

TEST(InferenceClassifierTest, GivesTheSameLogitsAndFeatures) {
  const at::NoGradGuard no_grad;
  at::manual_seed(1);
  const at::Tensor images = at::randn({2, 3, 32, 32});
  const ClassifierOutput plain = Make("resnet_small")->forward(images);
  vision::InferenceOptions options;
  const auto fast = MakeInferenceClassifier(Make("resnet_small"), options);
  ASSERT_THAT(fast, IsOk());
  const ClassifierOutput output = (*fast)->forward(images);
  EXPECT_THAT(output.logits, TensorNear(plain.logits, 1e-5));
  ASSERT_EQ(output.features.size(), plain.features.size());
  EXPECT_THAT(output.features.back().contiguous(),
              TensorNear(plain.features.back(), 1e-4));
}

TEST(InferenceClassifierTest, BFloat16IsNear) {
  const at::NoGradGuard no_grad;
  at::manual_seed(1);
  const at::Tensor images = at::randn({2, 3, 32, 32});
  const at::Tensor plain = Make("resnet_small")->forward(images).logits;
  vision::InferenceOptions options;
  options.precision = vision::Precision::kBFloat16;
  options.allow_slow_precision = true;
  const auto fast = MakeInferenceClassifier(Make("resnet_small"), options);
  ASSERT_THAT(fast, IsOk());
  const double scale = plain.abs().max().item<double>();
  EXPECT_THAT((*fast)->forward(images).logits,
              TensorNear(plain, 0.05 * scale + 0.01));
}

}  // namespace
}  // namespace wsol
