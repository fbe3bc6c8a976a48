#include "fcam/localizer/results_table.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fcam/localizer/map_threshold.h"
#include "vision/base/status_util.h"
#include "vision/geometry/box.h"
#include "wsol/report/table.h"
#include "wsol/report/text_table.h"

namespace fcam {
namespace {

constexpr size_t kMostRows = 20;
constexpr size_t kMostSkipped = 5;

std::string Images(size_t count) {
  return absl::StrCat(count, count == 1 ? " image" : " images");
}

}  // namespace

absl::StatusOr<std::string> ResultsTable(const LocalizeImagesReport& report) {
  wsol::Table table;
  table.columns = {{"Image"},           {"Size"},
                   {"Class"},           {"Probability", "%"},
                   {"Box x0 y0 x1 y1"}, {"tau", "", wsol::Best::kNone, 3}};
  const size_t rows = std::min(kMostRows, report.results.size());
  for (size_t i = 0; i < rows; ++i) {
    const ImageResult& result = report.results[i];
    std::string box = "none";
    if (!result.boxes.empty()) {
      const vision::Box& first = result.boxes.front().box;
      box = absl::StrFormat("%d %d %d %d", first.x0, first.y0, first.x1,
                            first.y1);
      if (result.boxes.size() > 1) {
        absl::StrAppend(&box, " and ", result.boxes.size() - 1, " more");
      }
    }
    table.rows.push_back(
        {{result.image.name, absl::StrCat(result.width, "x", result.height),
          result.classes.front().name, 100 * result.classes.front().probability,
          box, result.tau}});
  }
  VISION_ASSIGN_OR_RETURN(std::string text, wsol::RenderTextTable(table));
  if (report.results.size() > rows) {
    absl::StrAppend(&text, "... and ", report.results.size() - rows, " more\n");
  }
  absl::StrAppend(&text, "\nlocalized ", Images(report.results.size()), " by ",
                  report.method);
  if (!report.skipped.empty()) {
    absl::StrAppend(&text, ", skipped ", report.skipped.size(),
                    " that could not be read");
  }
  if (!report.results_path.empty()) {
    absl::StrAppend(&text, "; results are in ", report.results_path);
  }
  absl::StrAppend(&text, "\n");
  for (size_t i = 0; i < std::min(kMostSkipped, report.skipped.size()); ++i) {
    absl::StrAppend(&text, "  skipped: ", report.skipped[i].reason, "\n");
  }
  if (report.skipped.size() > kMostSkipped) {
    absl::StrAppend(&text, "  ... and ", report.skipped.size() - kMostSkipped,
                    " more\n");
  }
  return text;
}

}  // namespace fcam
