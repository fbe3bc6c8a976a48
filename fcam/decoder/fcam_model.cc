#include "fcam/decoder/fcam_model.h"

#include <optional>
#include <utility>

#include "ATen/ATen.h"
#include "ATen/core/grad_mode.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "glog/logging.h"
#include "vision/base/rng.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/nn/freeze.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/normalize_cam.h"

namespace fcam {

absl::Status FcamModelOptions::Validate() const { return decoder.Validate(); }

FcamModel::FcamModel(std::shared_ptr<wsol::Classifier> classifier,
                     const FcamModelOptions& options)
    : classifier_(std::move(classifier)),
      freeze_classifier_(options.freeze_classifier) {
  for (const auto& child : classifier_->named_children()) {
    register_module(child.key(), child.value());
  }
  // Two seeds, so that no two weights are the same draws.
  vision::Rng seeds(options.seed);
  UnetDecoderOptions decoder_options = options.decoder;
  decoder_options.seed = seeds.Next();
  decoder_ = register_module(
      "decoder", std::make_shared<UnetDecoder>(
                     classifier_->encoder().channels(), decoder_options));
  segmentation_head_ = register_module(
      "segmentation_head", std::make_shared<SegmentationHead>(
                               decoder_->out_channels(), seeds.Next()));
  if (options.reconstruction.has_value()) {
    reconstruction_head_ = register_module(
        "reconstruction_head",
        std::make_shared<ReconstructionHead>(
            decoder_->out_channels(), *options.reconstruction, seeds.Next()));
  }
  if (freeze_classifier_) vision::Freeze(*classifier_);
}

vision::Backbone& FcamModel::running_encoder() const {
  return fast_encoder_ ? *fast_encoder_ : classifier_->encoder();
}

absl::Status FcamModel::UseFastEncoder(
    std::shared_ptr<vision::Backbone> encoder) {
  if (encoder != nullptr) {
    if (!freeze_classifier_) {
      return absl::FailedPreconditionError(
          "a fast encoder cannot run in place of one that is trained: expected "
          "a frozen classifier");
    }
    const std::vector<int64_t> expected = classifier_->encoder().channels();
    if (encoder->channels() != expected) {
      return absl::InvalidArgumentError(
          absl::StrCat("the fast encoder has channels ",
                       absl::StrJoin(encoder->channels(), ", "),
                       ", expected those of the classifier's, ",
                       absl::StrJoin(expected, ", ")));
    }
  }
  fast_encoder_ = std::move(encoder);
  return absl::OkStatus();
}

wsol::ClassifierOutput FcamModel::Classify(const at::Tensor& images) {
  std::optional<at::NoGradGuard> no_grad;
  if (freeze_classifier_) no_grad.emplace();
  if (fast_encoder_ == nullptr) return classifier_->forward(images);
  wsol::ClassifierOutput output;
  output.features = fast_encoder_->forward(images);
  output.logits = classifier_->head().forward(output.features.back());
  return output;
}

FcamOutput FcamModel::forward(const at::Tensor& images) {
  FcamOutput output;
  {
    wsol::ClassifierOutput classified = Classify(images);
    output.logits = std::move(classified.logits);
    output.features = std::move(classified.features);
  }
  const at::Tensor decoded = decoder_->forward(output.features);
  const at::IntArrayRef size = images.sizes().slice(2);
  const auto resize = [&](const at::Tensor& map) {
    if (map.sizes().slice(2) == size) return map;
    return at::upsample_bilinear2d(map, size, /*align_corners=*/true);
  };
  output.fcams = resize(segmentation_head_->forward(decoded));
  if (reconstruction_head_ != nullptr) {
    output.reconstruction = resize(reconstruction_head_->forward(decoded));
  }
  return output;
}

void FcamModel::train(bool on) {
  torch::nn::Module::train(on);
  if (freeze_classifier_) vision::SetNormAndDropoutToEval(*classifier_);
}

absl::StatusOr<at::Tensor> FcamModel::TrainingCams(const FcamOutput& output,
                                                   const at::Tensor& labels) {
  return vision::CallTorch(
      "class activation maps for seeds", [&]() -> absl::StatusOr<at::Tensor> {
        const at::NoGradGuard no_grad;
        VISION_ASSIGN_OR_RETURN(const at::Tensor maps,
                                wsol::HeadMaps(classifier_->head(),
                                               output.features.back(), labels));
        return wsol::UpsampleMaps(wsol::NormalizeMaps(maps).maps,
                                  output.fcams.size(2), output.fcams.size(3));
      });
}

std::vector<at::Tensor> FcamModel::TrainableParameters() const {
  std::vector<at::Tensor> trainable;
  for (const at::Tensor& parameter : parameters()) {
    if (parameter.requires_grad()) trainable.push_back(parameter);
  }
  return trainable;
}

absl::StatusOr<std::shared_ptr<FcamModel>> MakeFcamModel(
    std::shared_ptr<wsol::Classifier> classifier,
    const FcamModelOptions& options) {
  CHECK(classifier != nullptr);
  VISION_RETURN_IF_ERROR(options.Validate());
  const std::vector<int64_t> channels = classifier->encoder().channels();
  if (channels.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("the classifier's pyramid has ", channels.size(),
                     " levels, expected at least 2"));
  }
  return std::make_shared<FcamModel>(std::move(classifier), options);
}

at::Tensor ForegroundMap(const at::Tensor& fcams) {
  TORCH_CHECK(fcams.dim() == 4 && fcams.size(1) == 2, "fcams have shape ",
              fcams.sizes(), ", expected [N, 2, H, W]");
  // The softmax of two numbers is the sigmoid of their difference.
  return (fcams.select(1, kForegroundChannel) -
          fcams.select(1, kBackgroundChannel))
      .sigmoid();
}

}  // namespace fcam
