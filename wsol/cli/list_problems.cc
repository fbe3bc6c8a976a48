#include "wsol/cli/list_problems.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace wsol {

absl::Status ListProblems(const absl::Status& status,
                          absl::string_view consequence, std::ostream& stream) {
  if (!absl::IsInvalidArgument(status) ||
      status.message().find('\n') == absl::string_view::npos) {
    return status;
  }
  for (const absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    stream << "  " << line << "\n";
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the input has problems, see above",
                   consequence.empty() ? "" : "; ", consequence));
}

}  // namespace wsol
