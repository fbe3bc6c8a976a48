// The commands of //wsol:dataset.

#ifndef WSOL_CLI_DATASET_COMMANDS_H_
#define WSOL_CLI_DATASET_COMMANDS_H_

#include <ostream>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace wsol {

// What `dataset` prints without a command or with --help.
extern const char kDatasetUsage[];

// Runs the command arguments[0] (validate, stats, import, synth, subset or
// convert) on the folders behind it, with the flags of dataset_flags.h. Writes
// what was found or done to `out` and lists of problems to `err`; the status
// has one line. Nothing is left half-written.
absl::Status RunDatasetCommand(absl::Span<const char* const> arguments,
                               std::ostream& out, std::ostream& err);

}  // namespace wsol

#endif  // WSOL_CLI_DATASET_COMMANDS_H_
