#include "wsol/report/text_table.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

// Code points of a UTF-8 text: all bytes but the continuing ones.
size_t Width(absl::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (c & '\xc0') != '\x80'; }));
}

// A cell must not break its line.
std::string OneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

std::string Line(const std::vector<std::string>& cells,
                 const std::vector<size_t>& widths,
                 const std::vector<bool>& right_aligned) {
  std::string line;
  for (size_t j = 0; j < cells.size(); ++j) {
    const std::string padding(widths[j] - Width(cells[j]), ' ');
    if (j > 0) line += "  ";
    line += right_aligned[j] ? padding + cells[j] : cells[j] + padding;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

absl::StatusOr<std::string> RenderTextTable(const Table& table) {
  VISION_ASSIGN_OR_RETURN(const FormattedTable formatted, FormatTable(table));
  const size_t num_columns = table.columns.size();

  // Columns with a best value keep a place for its star, so that the digits of
  // all rows stand below each other.
  std::vector<bool> starred(num_columns, false);
  for (const auto& row : formatted.rows) {
    for (size_t j = 0; j < num_columns; ++j) {
      if (row[j].best) starred[j] = true;
    }
  }

  std::vector<std::string> header;
  for (const TableColumn& column : table.columns) {
    header.push_back(
        OneLine(column.unit.empty()
                    ? column.title
                    : absl::StrCat(column.title, " (", column.unit, ")")));
  }
  std::vector<std::vector<std::string>> lines;
  for (const auto& row : formatted.rows) {
    std::vector<std::string>& line = lines.emplace_back();
    for (size_t j = 0; j < num_columns; ++j) {
      const char* star = row[j].best ? "*" : starred[j] ? " " : "";
      line.push_back(absl::StrCat(OneLine(row[j].text), star));
    }
  }

  std::vector<size_t> widths;
  std::vector<std::string> rule;
  for (size_t j = 0; j < num_columns; ++j) {
    size_t width = Width(header[j]);
    for (const auto& line : lines) width = std::max(width, Width(line[j]));
    widths.push_back(width);
    rule.emplace_back(width, '-');
  }

  std::string text;
  if (!table.caption.empty()) {
    absl::StrAppend(&text, OneLine(table.caption), "\n\n");
  }
  text += Line(header, widths, formatted.right_aligned);
  text += Line(rule, widths, formatted.right_aligned);
  for (const auto& line : lines) {
    text += Line(line, widths, formatted.right_aligned);
  }
  if (std::find(starred.begin(), starred.end(), true) != starred.end()) {
    text += "\n* best of its column\n";
  }
  return text;
}

}  // namespace wsol
