#include "wsol/report_run/table_files.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "vision/base/status_util.h"
#include "wsol/report_run/lettering.h"

namespace wsol {
namespace {

std::string Title(const TableColumn& column) {
  return column.unit.empty()
             ? column.title
             : absl::StrCat(column.title, " (", column.unit, ")");
}

std::string MarkdownText(const std::string& text) {
  return absl::StrReplaceAll(text, {{"|", "\\|"}, {"\n", " "}});
}

std::string CsvText(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

}  // namespace

absl::StatusOr<std::string> MarkdownTable(const Table& table) {
  VISION_ASSIGN_OR_RETURN(const FormattedTable formatted, FormatTable(table));
  std::string text = "|";
  for (const TableColumn& column : table.columns) {
    absl::StrAppend(&text, " ", MarkdownText(Title(column)), " |");
  }
  absl::StrAppend(&text, "\n|");
  for (const bool right : formatted.right_aligned) {
    absl::StrAppend(&text, right ? "---:|" : "---|");
  }
  text.push_back('\n');
  for (const auto& row : formatted.rows) {
    text.push_back('|');
    for (const FormattedTable::Cell& cell : row) {
      const char* const mark = cell.best ? "**" : "";
      absl::StrAppend(&text, " ", mark, MarkdownText(cell.text), mark, " |");
    }
    text.push_back('\n');
  }
  return text;
}

absl::StatusOr<std::string> CsvTable(const Table& table) {
  VISION_ASSIGN_OR_RETURN(const FormattedTable formatted, FormatTable(table));
  std::string text;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    absl::StrAppend(&text, c == 0 ? "" : ",", CsvText(Title(table.columns[c])));
  }
  absl::StrAppend(&text, "\r\n");
  for (const auto& row : formatted.rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      absl::StrAppend(&text, c == 0 ? "" : ",", CsvText(row[c].text));
    }
    absl::StrAppend(&text, "\r\n");
  }
  return text;
}

absl::StatusOr<cv::Mat> DrawTable(const Table& table) {
  constexpr double kSize = 0.46, kTitleSize = 0.52;
  constexpr int kRow = 28, kMargin = 20, kGap = 28;
  constexpr vision::RgbColor kTint{222, 236, 246};
  VISION_ASSIGN_OR_RETURN(const FormattedTable formatted, FormatTable(table));
  const size_t num_columns = table.columns.size();
  std::vector<double> widths;
  double width = 0;
  for (size_t c = 0; c < num_columns; ++c) {
    double widest = Lettering::TextWidth(Title(table.columns[c]), kSize);
    for (const auto& row : formatted.rows) {
      widest = std::max(widest, Lettering::TextWidth(row[c].text, kSize) + 1);
    }
    widths.push_back(widest);
    width += widest + (c == 0 ? 0 : kGap);
  }
  width = std::max(width, Lettering::TextWidth(table.caption, kTitleSize));
  const int top = kMargin + (table.caption.empty() ? 0 : kRow + 4);
  const auto num_rows = static_cast<int>(formatted.rows.size());
  Lettering canvas(static_cast<int>(width) + 2 * kMargin + 1,
                   top + (num_rows + 1) * kRow + kMargin);
  canvas.Text(kMargin, kMargin + 14, table.caption, kTitleSize, kLetteringInk,
              /*bold=*/true);
  const auto text_at = [&](size_t c, double y, const std::string& text,
                           vision::RgbColor color, bool bold, bool best) {
    double x = kMargin;
    for (size_t before = 0; before < c; ++before) x += widths[before] + kGap;
    const double text_width = Lettering::TextWidth(text, kSize);
    if (formatted.right_aligned[c]) x += widths[c] - text_width;
    if (best) canvas.Fill(x - 6, y - 16, text_width + 12, 23, kTint);
    canvas.Text(x, y, text, kSize, color, bold);
  };
  for (size_t c = 0; c < num_columns; ++c) {
    text_at(c, top + 18, Title(table.columns[c]), kLetteringMuted, false,
            false);
  }
  const double line_width = width;
  canvas.Fill(kMargin, top + kRow, line_width, 1.5, kLetteringMuted);
  for (int r = 0; r < num_rows; ++r) {
    const double y = top + kRow * (r + 1) + 19;
    const RowStyle style = table.rows[static_cast<size_t>(r)].style;
    const auto& row = formatted.rows[static_cast<size_t>(r)];
    for (size_t c = 0; c < num_columns; ++c) {
      text_at(c, y, row[c].text,
              style == RowStyle::kMuted ? kLetteringMuted : kLetteringInk,
              style == RowStyle::kStrong, row[c].best);
    }
    canvas.Fill(kMargin, y + 9, line_width, 0.5, kLetteringRule);
  }
  return canvas.Finished();
}

}  // namespace wsol
