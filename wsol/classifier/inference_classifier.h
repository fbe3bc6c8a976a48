// A classifier made fast for inference (vision/inference/inference_backbone.h).
//
//   VISION_ASSIGN_OR_RETURN(
//       const std::shared_ptr<wsol::Classifier> fast,
//       wsol::MakeInferenceClassifier(classifier, {}));

#ifndef WSOL_CLASSIFIER_INFERENCE_CLASSIFIER_H_
#define WSOL_CLASSIFIER_INFERENCE_CLASSIFIER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "vision/inference/inference_backbone.h"
#include "wsol/classifier/classifier.h"

namespace wsol {

// Takes `classifier` over: its backbone goes through MakeInferenceBackbone,
// whose errors these are and which changes its weights in place; the head stays
// as it is. The result is in evaluation mode. Vision transformers have no norms
// to fold and would no longer show their attention: in float32 they are
// returned as they are.
absl::StatusOr<std::shared_ptr<Classifier>> MakeInferenceClassifier(
    const std::shared_ptr<Classifier>& classifier,
    const vision::InferenceOptions& options);

}  // namespace wsol

#endif  // WSOL_CLASSIFIER_INFERENCE_CLASSIFIER_H_
