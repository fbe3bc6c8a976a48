#include "wsol/training/classifier_trainer.h"

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "torch/nn/module.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/inference/inference_backbone.h"
#include "vision/nn/autocast.h"
#include "wsol/baselines/factory.h"
#include "wsol/baselines/training_method.h"

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
  VISION_RETURN_IF_ERROR(method.Validate());
  return optimizer.Validate();
}

absl::StatusOr<std::vector<EpochRecord>> TrainClassifier(
    Classifier& classifier, Loader& loader,
    const ClassifierTrainingOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  const bool autocast = options.precision == vision::Precision::kBFloat16;
  if (autocast && !vision::HasFastBFloat16(at::kCPU)) {
    return absl::FailedPreconditionError(
        "bfloat16 is slow on this machine (no AVX-512 BF16): train in float32");
  }
  VISION_ASSIGN_OR_RETURN(const std::unique_ptr<TrainingMethod> method,
                          MakeTrainingMethod(options.method, classifier));
  ClassifierParameters parameters = ParameterGroups(classifier);
  // Classifier and branches as one module: one state, one norm of gradients.
  const auto both = std::make_shared<torch::nn::Module>();
  const std::shared_ptr<torch::nn::Module> branches = method->branches();
  if (branches != nullptr) {
    // An alias that owns nothing: the classifier is the caller's.
    both->register_module(
        "classifier", std::shared_ptr<torch::nn::Module>(
                          std::shared_ptr<torch::nn::Module>(), &classifier));
    both->register_module("branches", branches);
    for (const at::Tensor& parameter : branches->parameters()) {
      parameters.high.push_back(parameter);
    }
  }
  VISION_ASSIGN_OR_RETURN(
      const std::unique_ptr<Optimizer> optimizer,
      Optimizer::Create(
          {{parameters.low, options.learning_rate},
           {parameters.high,
            options.learning_rate * options.classifier_learning_rate_ratio}},
          options.optimizer));
  TrainingLoop loop = options.loop;
  loop.step = [&](const Batch& batch,
                  int64_t epoch) -> absl::StatusOr<StepResult> {
    StepContext context;
    context.epoch = epoch;
    context.batch = loader.next_batch();
    context.label_smoothing = options.label_smoothing;
    return vision::CallTorch("classifying", [&] {
      const vision::Autocast scope(autocast);
      return method->Step(batch, context);
    });
  };
  return branches != nullptr ? Train(loop, *both, loader, *optimizer)
                             : Train(loop, classifier, loader, *optimizer);
}

}  // namespace wsol
