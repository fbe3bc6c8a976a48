// The flags of //wsol:cam as options.

#ifndef WSOL_CLI_CAM_FLAGS_H_
#define WSOL_CLI_CAM_FLAGS_H_

#include "absl/status/statusor.h"
#include "wsol/cam_run/cam_run_options.h"

namespace wsol {

// Relative paths start where the user typed the command. kInvalidArgument names
// the flag. CamRunOptions::Validate is not called.
absl::StatusOr<CamRunOptions> CamRunOptionsFromFlags();

}  // namespace wsol

#endif  // WSOL_CLI_CAM_FLAGS_H_
