// One row of a comma-separated file (RFC 4180, without line ends in fields).

#ifndef WSOL_DATASETS_CSV_ROW_H_
#define WSOL_DATASETS_CSV_ROW_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace wsol {

// The fields of `row`: what stands between commas, blanks included; a field in
// double quotes may hold commas, and quotes written twice. kInvalidArgument for
// a quote without its end or with more text behind it.
absl::StatusOr<std::vector<std::string>> SplitCsvRow(absl::string_view row);

}  // namespace wsol

#endif  // WSOL_DATASETS_CSV_ROW_H_
