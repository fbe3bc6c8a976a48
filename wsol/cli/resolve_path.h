// Paths that a user typed, seen from the folder the user typed them in.

#ifndef WSOL_CLI_RESOLVE_PATH_H_
#define WSOL_CLI_RESOLVE_PATH_H_

#include <string>

#include "absl/strings/string_view.h"

namespace wsol {

// A relative path is taken from BUILD_WORKING_DIRECTORY where that is set:
// under `bazel run` the process itself works in another folder. A leading "~/",
// which shells leave alone within --flag=~/x, is the home folder. Absolute and
// empty paths are returned as they are.
std::string ResolvePath(absl::string_view path);

}  // namespace wsol

#endif  // WSOL_CLI_RESOLVE_PATH_H_
