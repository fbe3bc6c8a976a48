#include "wsol/baselines/adversarial_complementary.h"

#include <memory>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wsol/baselines/classification_loss.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/pooling/acol.h"
#include "wsol/training/engine.h"

namespace wsol {
namespace {

class AdversarialComplementary : public TrainingMethod {
 public:
  AdversarialComplementary(Classifier& classifier, AcolHead& head)
      : classifier_(classifier), head_(head) {}

  StepResult Step(const Batch& batch, const StepContext& context) override {
    const at::Tensor features =
        classifier_.encoder().forward(batch.images).back();
    const AcolHead::BranchLogits logits =
        head_.ForwardBranches(features, batch.labels);
    const at::Tensor loss_a =
        CrossEntropy(logits.a, batch.labels, context.label_smoothing);
    const at::Tensor loss_b =
        CrossEntropy(logits.b, batch.labels, context.label_smoothing);
    return {loss_a + loss_b,
            {{kTrainAccuracy, Accuracy(logits.a, batch.labels)},
             {"loss_a", loss_a.item<double>()},
             {"loss_b", loss_b.item<double>()}}};
  }

 private:
  Classifier& classifier_;
  AcolHead& head_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TrainingMethod>> MakeAdversarialComplementary(
    const TrainingMethodOptions& /*options*/, Classifier& classifier) {
  auto* head = dynamic_cast<AcolHead*>(&classifier.head());
  if (head == nullptr) {
    return absl::InvalidArgumentError(
        "training method ACoL needs the pooling head \"ACoL\", which has its "
        "two branches");
  }
  return std::make_unique<AdversarialComplementary>(classifier, *head);
}

}  // namespace wsol
