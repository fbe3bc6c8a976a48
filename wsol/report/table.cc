#include "wsol/report/table.h"

#include <cmath>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

std::string CellText(const TableCell& cell, const TableColumn& column) {
  if (!cell.value().has_value()) return cell.text();
  std::string text = FormatNumber(*cell.value(), column.decimals);
  if (cell.spread().has_value()) {
    absl::StrAppend(&text, " ± ",
                    FormatNumber(*cell.spread(), column.decimals));
  }
  return text;
}

// The value as a reader of the formatted table sees it; none if the cell holds
// no number.
std::optional<double> ShownValue(const TableCell& cell,
                                 const TableColumn& column) {
  if (!cell.value().has_value() || !std::isfinite(*cell.value())) {
    return std::nullopt;
  }
  return std::strtod(FormatNumber(*cell.value(), column.decimals).c_str(),
                     nullptr);
}

// The shown value that is the best of the column; none if there is nothing to
// choose from.
std::optional<double> BestValue(const Table& table, size_t index) {
  const TableColumn& column = table.columns[index];
  if (column.best == Best::kNone) return std::nullopt;
  std::optional<double> best, worst;
  for (const TableRow& row : table.rows) {
    const std::optional<double> value = ShownValue(row.cells[index], column);
    if (!value.has_value()) continue;
    const double sign = column.best == Best::kHighest ? 1 : -1;
    if (!best.has_value() || sign * *value > sign * *best) best = value;
    if (!worst.has_value() || sign * *value < sign * *worst) worst = value;
  }
  return best == worst ? std::nullopt : best;
}

bool IsRightAligned(const Table& table, size_t index) {
  if (table.columns[index].align != Align::kAuto) {
    return table.columns[index].align == Align::kRight;
  }
  for (const TableRow& row : table.rows) {
    if (row.cells[index].value().has_value()) return true;
  }
  return false;
}

}  // namespace

absl::Status Table::Validate() const {
  const std::string name =
      caption.empty() ? "table" : absl::StrCat("table '", caption, "'");
  if (columns.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(name, " has no columns"));
  }
  for (const TableColumn& column : columns) {
    if (column.decimals < 0 || column.decimals > 17) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ", column '", column.title, "': decimals are ",
                       column.decimals, ", expected 0 to 17"));
    }
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].cells.size() != columns.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, ", row ", i, ": has ", rows[i].cells.size(),
          " cells, expected ", columns.size(), ", one for each column"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<FormattedTable> FormatTable(const Table& table) {
  VISION_RETURN_IF_ERROR(table.Validate());
  FormattedTable formatted;
  formatted.rows.resize(table.rows.size());
  for (size_t j = 0; j < table.columns.size(); ++j) {
    const TableColumn& column = table.columns[j];
    formatted.right_aligned.push_back(IsRightAligned(table, j));
    const std::optional<double> best = BestValue(table, j);
    for (size_t i = 0; i < table.rows.size(); ++i) {
      const TableCell& cell = table.rows[i].cells[j];
      formatted.rows[i].push_back(
          {CellText(cell, column),
           best.has_value() && ShownValue(cell, column) == best});
    }
  }
  return formatted;
}

std::string FormatNumber(double value, int decimals) {
  if (!std::isfinite(value)) return "n/a";
  std::string text = absl::StrFormat("%.*f", decimals, value);
  if (text[0] == '-' && text.find_first_not_of("-0.") == std::string::npos) {
    text.erase(0, 1);
  }
  return text;
}

}  // namespace wsol
