// The demo's flags as options.

#ifndef FCAM_CLI_DEMO_FLAGS_H_
#define FCAM_CLI_DEMO_FLAGS_H_

#include "absl/status/statusor.h"
#include "fcam/demo/demo_options.h"

namespace fcam {

// Reads --data, --output_dir, --data_dir, --seed, --fast, and --threads of
// wsol/cli. Relative folders start where the user typed the command.
// kInvalidArgument names the flag.
absl::StatusOr<DemoOptions> DemoOptionsFromFlags();

}  // namespace fcam

#endif  // FCAM_CLI_DEMO_FLAGS_H_
