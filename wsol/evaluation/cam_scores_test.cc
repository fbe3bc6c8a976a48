#include "wsol/evaluation/cam_scores.h"

#include <memory>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "wsol/cam/classifier_network.h"
#include "wsol/cam/factory.h"
#include "wsol/classifier/classifier.h"

namespace wsol {
namespace {

using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorNear;

class CamScoresTest : public ::testing::Test {
 protected:
  CamScoresTest() {
    ClassifierOptions options;
    options.num_classes = 3;
    classifier_ = MakeClassifier(options).value();
    classifier_->eval();
    batch_.images = at::rand({2, 3, 32, 32});
    batch_.labels = at::arange(2, at::kLong);
    batch_.indices = {5, 7};
    method_ = MakeCamMethod(CamOptions()).value();
  }

  std::shared_ptr<Classifier> classifier_;
  std::unique_ptr<CamMethod> method_;
  Batch batch_;
};

TEST_F(CamScoresTest, GivesNormalisedMapsAndLogits) {
  const at::NoGradGuard no_grad;
  ClassifierNetwork network(*classifier_);
  const auto scores = CamScores(*method_, network, batch_);
  ASSERT_THAT(scores, IsOk());
  EXPECT_THAT(scores->logits,
              TensorNear(classifier_->forward(batch_.images).logits, 0, 0));
  EXPECT_THAT(scores->maps.amin({1, 2}), TensorNear(at::zeros({2}), 0, 0));
  EXPECT_THAT(scores->maps.amax({1, 2}), TensorNear(at::ones({2}), 1e-6, 0));
}

TEST_F(CamScoresTest, ReturnsTheMethodsErrors) {
  ClassifierNetwork network(*classifier_);
  batch_.labels = at::full({2}, 3, at::kLong);
  EXPECT_THAT(CamScores(*method_, network, batch_),
              StatusIs(absl::StatusCode::kOutOfRange));
}

}  // namespace
}  // namespace wsol
