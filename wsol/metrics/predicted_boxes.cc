#include "wsol/metrics/predicted_boxes.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "vision/base/status_util.h"
#include "vision/geometry/box_iou.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/level_boxes.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {

absl::StatusOr<std::vector<vision::Box>> PredictBoxes(const cv::Mat& map,
                                                      double tau,
                                                      BoxMode mode) {
  VISION_RETURN_IF_ERROR(CheckScoreMap(map));
  if (!(tau >= 0 && tau <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("tau: got ", tau, ", expected a number in [0, 1]"));
  }
  LevelBoxes boxes;
  boxes.Compute(QuantizeScoreMap(map), EvaluationMode::kProtocol);
  const int level = LevelOfTau(tau, boxes.max_byte());
  if (mode == BoxMode::kAllContours) return boxes.BoxesAt(level);
  return std::vector<vision::Box>{boxes.LargestBox(level)};
}

BoxMatch BestMatch(absl::Span<const vision::Box> predicted,
                   absl::Span<const vision::Box> truth) {
  BoxMatch best;
  for (size_t p = 0; p < predicted.size(); ++p) {
    for (size_t t = 0; t < truth.size(); ++t) {
      const double iou = vision::BoxIou(predicted[p], truth[t]);
      if (iou > best.iou) best = {iou, p, t};
    }
  }
  return best;
}

}  // namespace wsol
