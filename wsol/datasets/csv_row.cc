#include "wsol/datasets/csv_row.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"

namespace wsol {

absl::StatusOr<std::vector<std::string>> SplitCsvRow(absl::string_view row) {
  std::vector<std::string> fields;
  while (true) {
    std::string& field = fields.emplace_back();
    if (row.empty() || row[0] != '"') {
      const size_t comma = std::min(row.find(','), row.size());
      field.assign(row.data(), comma);
      row.remove_prefix(comma);
    } else {
      size_t i = 1;
      for (;; ++i) {
        if (i == row.size()) {
          return absl::InvalidArgumentError("a quote has no end");
        }
        if (row[i] == '"') {
          if (i + 1 == row.size() || row[i + 1] != '"') break;
          ++i;
        }
        field += row[i];
      }
      row.remove_prefix(i + 1);
      if (!row.empty() && row[0] != ',') {
        return absl::InvalidArgumentError("there is text behind a quote");
      }
    }
    if (row.empty()) return fields;
    row.remove_prefix(1);
  }
}

}  // namespace wsol
