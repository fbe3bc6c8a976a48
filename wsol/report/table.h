// A table of text and numbers, for the terminal and for the HTML report alike.
//
//   Table table;
//   table.columns = {{"Method"}, {"PxAP", "%", Best::kHighest}};
//   table.rows = {{{"CAM", 61.24}}, {{"F-CAM", 78.9}}};
//   std::cout << *RenderTextTable(table);          // text_table.h
//   section.blocks.push_back(table);               // report.h

#ifndef WSOL_REPORT_TABLE_H_
#define WSOL_REPORT_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wsol {

// Text, or a number that the column formats, or a number with its spread (a
// standard deviation over seeds). Converts from all of them.
class TableCell {
 public:
  TableCell() = default;
  TableCell(const char* text) : text_(text) {}             // NOLINT
  TableCell(std::string text) : text_(std::move(text)) {}  // NOLINT
  TableCell(double value) : value_(value) {}               // NOLINT
  TableCell(int value) : value_(value) {}                  // NOLINT
  TableCell(double value, double spread) : value_(value), spread_(spread) {}

  const std::string& text() const { return text_; }
  const std::optional<double>& value() const { return value_; }
  const std::optional<double>& spread() const { return spread_; }

 private:
  std::string text_;
  std::optional<double> value_;
  std::optional<double> spread_;
};

// Which value of a column is the best one, and is highlighted.
enum class Best { kNone, kHighest, kLowest };

enum class Align {
  kAuto,  // Right if the column holds a number, left if not.
  kLeft,
  kRight,
};

struct TableColumn {
  std::string title;
  // Shown behind the title; empty for none.
  std::string unit = "";
  Best best = Best::kNone;
  // Digits after the decimal point, in [0, 17].
  int decimals = 1;
  Align align = Align::kAuto;
};

enum class RowStyle {
  kNormal,
  kStrong,  // The row the table is about.
  kMuted,   // For comparison: a baseline.
};

struct TableRow {
  std::vector<TableCell> cells;
  RowStyle style = RowStyle::kNormal;
};

struct Table {
  std::string caption;
  std::vector<TableColumn> columns;
  std::vector<TableRow> rows;

  // kInvalidArgument if there is no column, a row has another number of cells
  // than there are columns, or the decimals are out of range.
  absl::Status Validate() const;
};

// A table in which each cell is text, as a renderer needs it.
struct FormattedTable {
  struct Cell {
    std::string text;
    bool best = false;
  };
  std::vector<bool> right_aligned;      // One for each column.
  std::vector<std::vector<Cell>> rows;  // As Table::rows.
};

// Formats the cells. Values are compared as they are shown, so that equal texts
// are highlighted alike; a column whose values are all the same has no best
// one. A value that is not finite is shown as "n/a" and is never the best.
// Fails as Table::Validate does.
absl::StatusOr<FormattedTable> FormatTable(const Table& table);

// "1.20" for FormatNumber(1.2, 2); "n/a" if it is not finite; never "-0.0".
std::string FormatNumber(double value, int decimals);

}  // namespace wsol

#endif  // WSOL_REPORT_TABLE_H_
