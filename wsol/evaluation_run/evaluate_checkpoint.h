// The class activation maps of a trained classifier, evaluated.
//
//   callbacks.evaluate_checkpoint = [&](const Dataset& split,
//                                       const MapEvaluationOptions& maps) {
//     return wsol::EvaluateCheckpoint(options, split, maps);
//   };

#ifndef WSOL_EVALUATION_RUN_EVALUATE_CHECKPOINT_H_
#define WSOL_EVALUATION_RUN_EVALUATE_CHECKPOINT_H_

#include "absl/status/statusor.h"
#include "wsol/datasets/dataset.h"
#include "wsol/evaluation_run/evaluate_options.h"
#include "wsol/score_maps/evaluate_maps.h"

namespace wsol {

// Reads the model folder options.checkpoint
// (wsol/model_folder/classifier_folder.h), or such weights
// (vision/nn/state_dict.h) into the classifier that options.checkpoint_options
// describes, runs it over the images
// of `split` below image_root and evaluates the normalised maps of the true
// classes. Entries that belong to a decoder, as in the files of F-CAM, are left
// out; the number of classes is that of the head's weights, if it has them.
// Errors: those of ReadStateDict, MakeClassifier, MakeCamMethod, Loader and
// EvaluateSplit; kInvalidArgument for the state of a training, which does not
// describe its network.
absl::StatusOr<MapEvaluation> EvaluateCheckpoint(
    const EvaluateOptions& options, const Dataset& split,
    const MapEvaluationOptions& map_options);

}  // namespace wsol

#endif  // WSOL_EVALUATION_RUN_EVALUATE_CHECKPOINT_H_
