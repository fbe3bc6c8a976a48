// How a training program ends.

#ifndef WSOL_CLI_RUN_OUTCOME_H_
#define WSOL_CLI_RUN_OUTCOME_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wsol/training_run/classifier_run.h"

namespace wsol {

// Writes the tables of a run and where its models are to `stream`. An
// experiment that was done before is said so, and is no error; a stopped one
// (kCancelled) tells how to go on. Other errors come back as they are.
absl::Status ShowRunOutcome(const absl::StatusOr<RunResult>& result,
                            const std::string& output_dir,
                            std::ostream& stream);

}  // namespace wsol

#endif  // WSOL_CLI_RUN_OUTCOME_H_
