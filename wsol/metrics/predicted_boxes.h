// The boxes that the protocol reads off a score map at one threshold, and the
// one that fits best: for drawing and for inspecting single images.
//
//   VISION_ASSIGN_OR_RETURN(
//       const std::vector<vision::Box> boxes,
//       wsol::PredictBoxes(map, tau, wsol::BoxMode::kAllContours));
//   const wsol::BoxMatch match = wsol::BestMatch(boxes, truth);

#ifndef WSOL_METRICS_PREDICTED_BOXES_H_
#define WSOL_METRICS_PREDICTED_BOXES_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"
#include "wsol/metrics/box_mode.h"

namespace wsol {

// At least one box, half-open, in the map's pixels; BoxFromFrame goes back to
// the image. `map` is CV_64FC1 of any size, in [0, 1]; tau in [0, 1].
// kInvalidArgument otherwise. About 2 ms: sweeps over all levels.
absl::StatusOr<std::vector<vision::Box>> PredictBoxes(const cv::Mat& map,
                                                      double tau, BoxMode mode);

struct BoxMatch {
  double iou = 0;
  size_t predicted = 0;  // Indices of the first pair with this IoU.
  size_t truth = 0;
};

// The largest IoU of a predicted and a true box; 0 if either list is empty.
BoxMatch BestMatch(absl::Span<const vision::Box> predicted,
                   absl::Span<const vision::Box> truth);

}  // namespace wsol

#endif  // WSOL_METRICS_PREDICTED_BOXES_H_
