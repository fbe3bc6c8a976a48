#include "wsol/training/classifier_trainer.h"

#include <memory>

#include "ATen/ATen.h"
#include "absl/strings/str_cat.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"

namespace wsol {

absl::Status ClassifierTrainingOptions::Validate() const {
  VISION_RETURN_IF_ERROR(loop.Validate());
  if (!(learning_rate > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("learning_rate must be positive, got ", learning_rate));
  }
  if (!(classifier_learning_rate_ratio > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("classifier_learning_rate_ratio must be positive, got ",
                     classifier_learning_rate_ratio));
  }
  if (!(label_smoothing >= 0 && label_smoothing < 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "label_smoothing must be in [0, 1), got ", label_smoothing));
  }
  return optimizer.Validate();
}

absl::StatusOr<std::vector<EpochRecord>> TrainClassifier(
    Classifier& classifier, Loader& loader,
    const ClassifierTrainingOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  const ClassifierParameters parameters = ParameterGroups(classifier);
  VISION_ASSIGN_OR_RETURN(
      const std::unique_ptr<Optimizer> optimizer,
      Optimizer::Create(
          {{parameters.low, options.learning_rate},
           {parameters.high,
            options.learning_rate * options.classifier_learning_rate_ratio}},
          options.optimizer));
  TrainingLoop loop = options.loop;
  loop.step = [&](const Batch& batch, int64_t) -> absl::StatusOr<StepResult> {
    return vision::CallTorch("classifying", [&]() -> StepResult {
      const at::Tensor logits = classifier.forward(batch.images).logits;
      const double accuracy = logits.argmax(1)
                                  .eq(batch.labels)
                                  .to(at::kDouble)
                                  .mean()
                                  .item<double>();
      return {at::cross_entropy_loss(logits, batch.labels, /*weight=*/{},
                                     at::Reduction::Mean, /*ignore_index=*/-100,
                                     options.label_smoothing),
              {{kTrainAccuracy, accuracy}}};
    });
  };
  return Train(loop, classifier, loader, *optimizer);
}

}  // namespace wsol
