// Which contours of a thresholded score map give the predicted boxes.
//
//   wsol::BoxModeName(wsol::BoxMode::kAllContours);  // "v2"

#ifndef WSOL_METRICS_BOX_MODE_H_
#define WSOL_METRICS_BOX_MODE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace wsol {

enum class BoxMode {
  kLargestContour,  // One box: MaxBoxAcc, "v1".
  kAllContours,     // All, those of holes too: MaxBoxAccV2, "v2".
};

// "v1" or "v2".
absl::string_view BoxModeName(BoxMode mode);

// The mode of that name; kInvalidArgument for any other.
absl::StatusOr<BoxMode> ParseBoxMode(absl::string_view name);

}  // namespace wsol

#endif  // WSOL_METRICS_BOX_MODE_H_
