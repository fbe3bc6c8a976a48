// Where the program finds what the built-in data sets are composed of.

#ifndef WSOL_CLI_SOURCE_DIR_H_
#define WSOL_CLI_SOURCE_DIR_H_

#include <string>

#include "absl/status/statusor.h"

namespace wsol {

// The folder wsol/datasets/objects20 among the files that Bazel puts beside the
// program, for SyntheticOptions::source_dir. kNotFound if the program stands
// alone.
absl::StatusOr<std::string> SyntheticSourceDir();

}  // namespace wsol

#endif  // WSOL_CLI_SOURCE_DIR_H_
