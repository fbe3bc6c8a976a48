// A fast copy of a frozen classifier's encoder, for FcamModel::UseFastEncoder.
//
//   VISION_ASSIGN_OR_RETURN(
//       auto fast, MakeFastEncoder(classifier_options, *classifier, {}));
//   VISION_RETURN_IF_ERROR(model->UseFastEncoder(fast));
//
// The encoder itself stays as it is, for saving; the copy costs its memory once
// more, twice with packed weights, half of that in bfloat16.

#ifndef FCAM_DECODER_FAST_ENCODER_H_
#define FCAM_DECODER_FAST_ENCODER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "vision/backbones/backbone.h"
#include "vision/inference/inference_backbone.h"
#include "wsol/classifier/classifier.h"

namespace fcam {

// Builds the backbone of `options` again, copies the weights and statistics of
// `classifier`'s encoder, which `options` must have made, and makes the copy
// fast (vision/inference/inference_backbone.h; maps are float32 whatever the
// precision, in channels-last format if asked). Errors are those of
// MakeInferenceBackbone, and kInvalidArgument if the weights do not fit.
absl::StatusOr<std::shared_ptr<vision::Backbone>> MakeFastEncoder(
    const wsol::ClassifierOptions& options, const wsol::Classifier& classifier,
    const vision::InferenceOptions& inference);

}  // namespace fcam

#endif  // FCAM_DECODER_FAST_ENCODER_H_
