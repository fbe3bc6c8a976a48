// A table as plain text with aligned columns, for the terminal.
//
//   Method   PxAP (%)
//   ------  ---------
//   CAM          61.2
//   F-CAM       78.9*
//
//   * best of its column

#ifndef WSOL_REPORT_TEXT_TABLE_H_
#define WSOL_REPORT_TEXT_TABLE_H_

#include <string>

#include "absl/status/statusor.h"
#include "wsol/report/table.h"

namespace wsol {

// Returns the table, caption first, each line ended by a newline and free of
// trailing blanks. Text is taken as UTF-8 and every code point as one column
// wide. Fails as Table::Validate does.
absl::StatusOr<std::string> RenderTextTable(const Table& table);

}  // namespace wsol

#endif  // WSOL_REPORT_TEXT_TABLE_H_
