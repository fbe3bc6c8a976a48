// The flags of //fcam:train as options.

#ifndef FCAM_CLI_TRAIN_FLAGS_H_
#define FCAM_CLI_TRAIN_FLAGS_H_

#include "absl/status/statusor.h"
#include "fcam/training_run/fcam_run.h"

namespace fcam {

// Reads the file of --config first. Relative paths start where the user typed
// the command. kInvalidArgument names the flag; Validate is not called.
absl::StatusOr<FcamRunOptions> FcamRunOptionsFromFlags();

}  // namespace fcam

#endif  // FCAM_CLI_TRAIN_FLAGS_H_
