// The flags of //wsol:evaluate as options.

#ifndef WSOL_CLI_EVALUATE_FLAGS_H_
#define WSOL_CLI_EVALUATE_FLAGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "wsol/evaluation_run/evaluate_options.h"
#include "wsol/results/bootstrap.h"

namespace wsol {

// Relative paths start where the user typed the command. kInvalidArgument names
// the flag. EvaluateOptions::Validate is not called.
absl::StatusOr<EvaluateOptions> EvaluateOptionsFromFlags();

// Those of `compare`: --resamples, --confidence, --seed, --threads.
absl::StatusOr<BootstrapOptions> BootstrapOptionsFromFlags();

// --output, seen from where the user typed the command; may be empty.
std::string OutputFromFlags();

}  // namespace wsol

#endif  // WSOL_CLI_EVALUATE_FLAGS_H_
