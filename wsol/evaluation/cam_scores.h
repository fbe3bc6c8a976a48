// What a CAM method says about a batch, for EvaluateSplit.

#ifndef WSOL_EVALUATION_CAM_SCORES_H_
#define WSOL_EVALUATION_CAM_SCORES_H_

#include "absl/status/statusor.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/cam_network.h"
#include "wsol/datasets/loader.h"
#include "wsol/evaluation/split_evaluation.h"

namespace wsol {

// The maps of the images' true classes, normalised, and the logits. Noise is
// keyed by the images' positions in the data set. Errors: those of
// CamMethod::Compute.
absl::StatusOr<BatchScores> CamScores(const CamMethod& method,
                                      CamNetwork& network, const Batch& batch);

}  // namespace wsol

#endif  // WSOL_EVALUATION_CAM_SCORES_H_
