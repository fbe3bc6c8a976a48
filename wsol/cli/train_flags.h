// The flags of //wsol:train as options.

#ifndef WSOL_CLI_TRAIN_FLAGS_H_
#define WSOL_CLI_TRAIN_FLAGS_H_

#include "absl/status/statusor.h"
#include "wsol/training_run/classifier_run.h"

namespace wsol {

// Reads the file of --config first. Relative paths start where the user typed
// the command. kInvalidArgument names the flag; Validate is not called.
absl::StatusOr<ClassifierRunOptions> ClassifierRunOptionsFromFlags();

}  // namespace wsol

#endif  // WSOL_CLI_TRAIN_FLAGS_H_
