// The flags of //wsol:make_report as options.

#ifndef WSOL_CLI_REPORT_FLAGS_H_
#define WSOL_CLI_REPORT_FLAGS_H_

#include "absl/status/statusor.h"
#include "wsol/report_run/report_options.h"

namespace wsol {

// Relative paths start where the user typed the command. kInvalidArgument names
// the flag. ReportOptions::Validate is not called.
absl::StatusOr<ReportOptions> ReportOptionsFromFlags();

}  // namespace wsol

#endif  // WSOL_CLI_REPORT_FLAGS_H_
