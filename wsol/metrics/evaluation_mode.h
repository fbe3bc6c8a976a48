// Where maps and ground truth meet: in the published protocol's frame, or at
// the image's own resolution.
//
//   wsol::EvaluationModeName(wsol::EvaluationMode::kNative);  // "native"

#ifndef WSOL_METRICS_EVALUATION_MODE_H_
#define WSOL_METRICS_EVALUATION_MODE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace wsol {

enum class EvaluationMode {
  // The published protocol to the last digit, quirks included: a frame of 224 x
  // 224 pixels, scores truncated to bytes, thresholds relative to the map's
  // largest byte, contours (of holes too), boxes one pixel too large. For
  // numbers that go beside published ones.
  kProtocol,

  // What the metrics mean without those quirks, for data of any size: the map
  // goes to the image's size by bilinear interpolation; at threshold tau the
  // predicted pixels are {map > tau}, in double, neither quantised nor relative
  // to the map's maximum; predicted boxes are the tight bounding boxes of
  // their 8-connected components, half-open; holes have none; where no pixel is
  // predicted there is no box and the IoU is 0. "Largest" is the component of
  // most pixels (of equals the one whose first pixel in raster order comes
  // last). True boxes and masks stay as they are.
  kNative,
};

// "protocol" or "native".
absl::string_view EvaluationModeName(EvaluationMode mode);

// The mode of that name; kInvalidArgument for any other.
absl::StatusOr<EvaluationMode> ParseEvaluationMode(absl::string_view name);

}  // namespace wsol

#endif  // WSOL_METRICS_EVALUATION_MODE_H_
