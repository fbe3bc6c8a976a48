// An output folder that is known to work before hours of computing start.

#ifndef WSOL_CLI_OUTPUT_DIR_H_
#define WSOL_CLI_OUTPUT_DIR_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace wsol {

// Creates the folder and its parents, writes and removes a file in it, and
// checks that at least `required_bytes` are free there. Messages name the
// folder and the reason. kNotFound or kInvalidArgument if a file stands in the
// way, kPermissionDenied, kResourceExhausted with the space that is needed and
// free.
absl::Status PrepareOutputDir(const std::string& path,
                              int64_t required_bytes = 0);

}  // namespace wsol

#endif  // WSOL_CLI_OUTPUT_DIR_H_
