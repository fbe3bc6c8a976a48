// Tables as files that papers and spreadsheets take.
//
//   VISION_ASSIGN_OR_RETURN(const std::string text,
//   wsol::MarkdownTable(table));

#ifndef WSOL_REPORT_RUN_TABLE_FILES_H_
#define WSOL_REPORT_RUN_TABLE_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "opencv2/core/mat.hpp"
#include "wsol/report/table.h"

namespace wsol {

// A table of GitHub's Markdown, best values bold; "|" and line ends in cells
// are escaped. The caption is left out. Errors: those of FormatTable, here and
// below.
absl::StatusOr<std::string> MarkdownTable(const Table& table);

// RFC 4180 with a header; numbers with the digits they are shown with, empty
// where there is none, units behind the titles.
absl::StatusOr<std::string> CsvTable(const Table& table);

// A picture of the table with its caption, CV_8UC3 in RGB order: best values on
// a tint, the strong row bold, characters beyond ASCII as "?".
absl::StatusOr<cv::Mat> DrawTable(const Table& table);

}  // namespace wsol

#endif  // WSOL_REPORT_RUN_TABLE_FILES_H_
