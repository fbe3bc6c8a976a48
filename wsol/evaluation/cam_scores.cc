#include "wsol/evaluation/cam_scores.h"

#include <cstdint>

#include "vision/base/status_util.h"
#include "wsol/cam/normalize_cam.h"

namespace wsol {

absl::StatusOr<BatchScores> CamScores(const CamMethod& method,
                                      CamNetwork& network, const Batch& batch) {
  CamInput input;
  input.images = batch.images;
  input.classes = batch.labels;
  for (const int64_t index : batch.indices) {
    input.keys.push_back(static_cast<uint64_t>(index));
  }
  VISION_ASSIGN_OR_RETURN(const CamOutput output,
                          method.Compute(network, input));
  return BatchScores{NormalizeMaps(output.maps).maps, output.logits};
}

}  // namespace wsol
