// A status that names many problems, for a program that ends with one line.

#ifndef WSOL_CLI_LIST_PROBLEMS_H_
#define WSOL_CLI_LIST_PROBLEMS_H_

#include <ostream>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace wsol {

// A kInvalidArgument status of several lines is a list of problems: they are
// written to `stream`, a line each, and a status of one line comes back, with
// `consequence` in it if it is not empty ("nothing was written"). Other
// statuses come back as they are.
absl::Status ListProblems(const absl::Status& status,
                          absl::string_view consequence, std::ostream& stream);

}  // namespace wsol

#endif  // WSOL_CLI_LIST_PROBLEMS_H_
