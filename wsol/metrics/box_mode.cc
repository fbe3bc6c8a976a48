#include "wsol/metrics/box_mode.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace wsol {

absl::string_view BoxModeName(BoxMode mode) {
  return mode == BoxMode::kLargestContour ? "v1" : "v2";
}

absl::StatusOr<BoxMode> ParseBoxMode(absl::string_view name) {
  for (const BoxMode mode : {BoxMode::kLargestContour, BoxMode::kAllContours}) {
    if (name == BoxModeName(mode)) return mode;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("box mode: got \"", name, "\", expected v1 or v2"));
}

}  // namespace wsol
