#include "wsol/classifier/inference_classifier.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/vision_transformer.h"
#include "vision/base/status_util.h"
#include "vision/inference/inference_backbone.h"
#include "wsol/classifier/classifier.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

absl::StatusOr<std::shared_ptr<Classifier>> MakeInferenceClassifier(
    const std::shared_ptr<Classifier>& classifier,
    const vision::InferenceOptions& options) {
  classifier->eval();
  vision::Backbone& encoder = classifier->encoder();
  if (options.precision == vision::Precision::kFloat32 &&
      dynamic_cast<const vision::VisionTransformer*>(&encoder) != nullptr) {
    return classifier;
  }
  // Pointers to the parts keep the whole alive.
  VISION_ASSIGN_OR_RETURN(
      std::shared_ptr<vision::Backbone> backbone,
      vision::MakeInferenceBackbone(
          std::shared_ptr<vision::Backbone>(classifier, &encoder), options));
  auto fast = std::make_shared<Classifier>(
      std::move(backbone),
      std::shared_ptr<PoolingHead>(classifier, &classifier->head()));
  fast->eval();
  return fast;
}

}  // namespace wsol
