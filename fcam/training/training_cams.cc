#include "fcam/training/training_cams.h"

#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "torch/nn/module.h"
#include "vision/base/rng.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_network.h"
#include "wsol/cam/classifier_network.h"
#include "wsol/cam/factory.h"
#include "wsol/cam/normalize_cam.h"

namespace fcam {
namespace {

// Puts a module in evaluation mode and each of its parts back again.
class EvaluationMode {
 public:
  explicit EvaluationMode(torch::nn::Module& module) {
    for (const auto& part : module.modules()) {
      modes_.emplace_back(part.get(), part->is_training());
    }
    module.eval();
  }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;
  // Setting a part sets its children too, which come after it.
  ~EvaluationMode() {
    for (const auto& [part, training] : modes_) {
      part->torch::nn::Module::train(training);
    }
  }

 private:
  std::vector<std::pair<torch::nn::Module*, bool>> modes_;
};

// The classifier of a model, run by its fast encoder if there is one.
class ModelNetwork : public wsol::ClassifierNetwork {
 public:
  explicit ModelNetwork(FcamModel& model)
      : ClassifierNetwork(model.classifier()), model_(model) {}

  Output Forward(const at::Tensor& images) override {
    Output output;
    output.features = model_.running_encoder().forward(images);
    output.logits = LogitsOf(output.features.back());
    return output;
  }

 private:
  FcamModel& model_;
};

bool IsPlainCam(const wsol::CamOptions& options) {
  const auto name = wsol::ParseCamMethod(options.method);
  return name.ok() && *name == "CAM" && options.layers == std::vector<int>{-1};
}

}  // namespace

TrainingCams::TrainingCams(FcamModel& model, const wsol::CamOptions& options,
                           std::unique_ptr<wsol::CamMethod> method,
                           std::shared_ptr<wsol::Classifier> classifier)
    : model_(model),
      seed_(options.seed),
      method_(std::move(method)),
      classifier_(std::move(classifier)) {}

absl::StatusOr<std::unique_ptr<TrainingCams>> TrainingCams::Create(
    FcamModel& model, const wsol::CamOptions& options,
    std::shared_ptr<wsol::Classifier> classifier) {
  VISION_ASSIGN_OR_RETURN(std::unique_ptr<wsol::CamMethod> method,
                          wsol::MakeCamMethod(options));
  if (classifier != nullptr) {
    classifier->eval();
  } else if (IsPlainCam(options)) {
    method = nullptr;
  }
  return std::unique_ptr<TrainingCams>(new TrainingCams(
      model, options, std::move(method), std::move(classifier)));
}

absl::StatusOr<at::Tensor> TrainingCams::Maps(const FcamOutput& output,
                                              const wsol::Batch& batch,
                                              int64_t epoch) {
  if (method_ == nullptr) return model_.TrainingCams(output, batch.labels);
  wsol::CamInput input;
  input.images = batch.images;
  input.classes = batch.labels;
  for (const int64_t index : batch.indices) {
    input.keys.push_back(vision::Rng(seed_, {static_cast<uint64_t>(epoch),
                                             static_cast<uint64_t>(index)})
                             .Next());
  }
  absl::StatusOr<wsol::CamOutput> cams = wsol::CamOutput();
  if (classifier_ != nullptr) {
    wsol::ClassifierNetwork network(*classifier_);
    cams = method_->Compute(network, input);
  } else {
    input.output = wsol::CamNetwork::Output{output.features, output.logits};
    ModelNetwork network(model_);
    const EvaluationMode evaluation(model_.classifier());
    cams = method_->Compute(network, input);
  }
  VISION_RETURN_IF_ERROR(cams.status());
  return vision::CallTorch("maps for seeds", [&] {
    return wsol::UpsampleMaps(wsol::NormalizeMaps(cams->maps).maps,
                              output.fcams.size(2), output.fcams.size(3));
  });
}

}  // namespace fcam
