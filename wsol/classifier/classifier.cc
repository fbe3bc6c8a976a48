#include "wsol/classifier/classifier.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/factory.h"
#include "vision/base/rng.h"
#include "vision/base/status_util.h"
#include "wsol/pooling/factory.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

constexpr char kEncoder[] = "encoder";
constexpr char kHead[] = "classification_head";

}  // namespace

absl::Status ClassifierOptions::Validate() const {
  if (num_classes < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("ClassifierOptions.num_classes is ", num_classes,
                     ", expected at least 1 class"));
  }
  return absl::OkStatus();
}

Classifier::Classifier(std::shared_ptr<vision::Backbone> encoder,
                       std::shared_ptr<PoolingHead> head)
    : encoder_(register_module(kEncoder, std::move(encoder))),
      head_(register_module(kHead, std::move(head))) {}

ClassifierOutput Classifier::forward(const at::Tensor& images) {
  ClassifierOutput output;
  output.features = encoder_->forward(images);
  output.logits = head_->forward(output.features.back());
  return output;
}

absl::StatusOr<std::shared_ptr<Classifier>> MakeClassifier(
    const ClassifierOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  // Check the head's options before the backbone costs time.
  PoolingOptions pooling = options.pooling;
  pooling.num_classes = options.num_classes;
  pooling.in_channels = 1;
  VISION_RETURN_IF_ERROR(MakePoolingHead(pooling).status());

  // Two seeds, or equal shapes would start with equal weights.
  vision::Rng seeds(options.seed);
  vision::BackboneOptions backbone_options = options.backbone_options;
  backbone_options.seed = seeds.Next();
  VISION_ASSIGN_OR_RETURN(
      std::shared_ptr<vision::Backbone> encoder,
      vision::MakeBackbone(options.backbone, backbone_options));
  pooling.seed = seeds.Next();
  pooling.in_channels = encoder->channels().back();
  VISION_ASSIGN_OR_RETURN(std::shared_ptr<PoolingHead> head,
                          MakePoolingHead(pooling));
  return std::make_shared<Classifier>(std::move(encoder), std::move(head));
}

ClassifierParameters ParameterGroups(const Classifier& classifier) {
  const std::vector<std::string> last_stage = classifier.encoder().last_stage();
  const auto is_high = [&](const std::string& name) {
    if (absl::StartsWith(name, absl::StrCat(kHead, "."))) return true;
    return std::any_of(last_stage.begin(), last_stage.end(),
                       [&](const std::string& stage) {
                         return absl::StartsWith(
                             name, absl::StrCat(kEncoder, ".", stage, "."));
                       });
  };
  ClassifierParameters groups;
  for (const auto& parameter : classifier.named_parameters()) {
    const bool high = is_high(parameter.key());
    (high ? groups.high : groups.low).push_back(parameter.value());
    (high ? groups.high_names : groups.low_names).push_back(parameter.key());
  }
  return groups;
}

}  // namespace wsol
