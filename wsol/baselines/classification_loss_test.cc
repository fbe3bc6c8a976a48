#include "wsol/baselines/classification_loss.h"

#include <cmath>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "wsol/baselines/training_method.h"
#include "wsol/training/engine.h"

namespace wsol {
namespace {

// Softmax of (log 3, 0) is (3/4, 1/4).
at::Tensor Logits() {
  return at::tensor({std::log(3.0), 0.0, std::log(3.0), 0.0}, at::kDouble)
      .view({2, 2});
}

TEST(CrossEntropyTest, IsTheMeanNegativeLogProbability) {
  const at::Tensor labels = at::tensor({0, 1}, at::kLong);
  // (-log 3/4 - log 1/4) / 2.
  EXPECT_NEAR(CrossEntropy(Logits(), labels, 0).item<double>(),
              -(std::log(0.75) + std::log(0.25)) / 2, 1e-12);
  // With a fifth spread over two classes the targets are 0.9 and 0.1.
  EXPECT_NEAR(
      CrossEntropy(Logits(), at::tensor({0, 0}, at::kLong), 0.2).item<double>(),
      -(0.9 * std::log(0.75) + 0.1 * std::log(0.25)), 1e-12);
}

TEST(AccuracyTest, IsTheShareOfRightImages) {
  EXPECT_EQ(Accuracy(Logits(), at::tensor({0, 1}, at::kLong)), 0.5);
  EXPECT_EQ(Accuracy(Logits(), at::tensor({0, 0}, at::kLong)), 1);
}

TEST(ClassificationStepTest, HasLossAndAccuracy) {
  const at::Tensor labels = at::tensor({0, 1}, at::kLong);
  const StepResult result = ClassificationStep(Logits(), labels, 0.1);
  EXPECT_EQ(result.loss.item<double>(),
            CrossEntropy(Logits(), labels, 0.1).item<double>());
  ASSERT_EQ(result.values.size(), 1u);
  EXPECT_EQ(result.values[0].first, kTrainAccuracy);
  EXPECT_EQ(result.values[0].second, 0.5);
}

}  // namespace
}  // namespace wsol
