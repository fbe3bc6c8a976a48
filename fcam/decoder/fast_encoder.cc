#include "fcam/decoder/fast_encoder.h"

#include <utility>

#include "vision/backbones/factory.h"
#include "vision/base/status_util.h"
#include "vision/nn/state_dict.h"

namespace fcam {

absl::StatusOr<std::shared_ptr<vision::Backbone>> MakeFastEncoder(
    const wsol::ClassifierOptions& options, const wsol::Classifier& classifier,
    const vision::InferenceOptions& inference) {
  VISION_ASSIGN_OR_RETURN(
      std::shared_ptr<vision::Backbone> copy,
      vision::MakeBackbone(options.backbone, options.backbone_options));
  VISION_RETURN_IF_ERROR(
      vision::LoadStateDict(vision::GetStateDict(classifier.encoder()), *copy));
  return vision::MakeInferenceBackbone(std::move(copy), inference);
}

}  // namespace fcam
