// A report as one HTML file that needs no other file, no network and no script:
// text, tables, charts and images in sections. It reads well on a telephone and
// on paper, in light and dark, and with a screen reader.
//
//   Report report;
//   report.title = "F-CAM on Objects20";
//   ReportSection& results = report.sections.emplace_back();
//   results.title = "Results";
//   results.blocks.push_back(Paragraph{"Percent on the test split."});
//   results.blocks.push_back(table);
//   results.blocks.push_back(ChartRow{{tau_chart, pixel_chart}});
//   VISION_RETURN_IF_ERROR(WriteReport(report, "out/report.html"));
//
// All text is plain text and escaped here; there is no markup in it. The same
// report gives the same bytes, whenever and wherever it is written.

#ifndef WSOL_REPORT_REPORT_H_
#define WSOL_REPORT_REPORT_H_

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wsol/report/chart.h"
#include "wsol/report/table.h"

namespace wsol {

struct Paragraph {
  std::string text;
};

// A heading within a section.
struct Heading {
  std::string text;
};

// Text to which a reader should pay attention: a caveat, a surprise.
struct Note {
  std::string text;
};

// A command line or other text that is shown as it is, line by line.
struct Preformatted {
  std::string text;
};

// Settings and facts: "Seed" "0". Several in a row, unless one of them is long.
struct KeyValues {
  std::string caption;
  std::vector<std::pair<std::string, std::string>> items;
};

// A few figures in large type: the answer before the details.
struct Highlights {
  struct Item {
    std::string label;   // "PxAP of F-CAM"
    std::string value;   // "78.9 %"
    std::string detail;  // "CAM: 61.2 %"
  };
  std::vector<Item> items;
};

// Charts side by side, two in a row where there is room; a single one takes the
// whole width. `width` and `height` of the charts are not used.
struct ChartRow {
  std::vector<LineChart> charts;
};

// A key to lines or areas that are drawn into images.
struct PanelLegendItem {
  std::string color;  // "#rrggbb"
  std::string text;
  bool dashed = false;
};

struct PanelImage {
  std::string bytes;  // A PNG or JPEG file.
  std::string label;  // "F-CAM"
  std::string note;   // "IoU 0.82"; empty for none.
  // What a reader who cannot see the image should know; by default made of the
  // item's title, the label and the note.
  std::string alt;
};

// Images that belong together and stand side by side: photo, CAM, F-CAM, ...
struct PanelItem {
  std::string title;
  std::string note;
  std::vector<PanelImage> images;
};

struct ImagePanel {
  std::string caption;
  std::vector<PanelLegendItem> legend;
  std::vector<PanelItem> items;
};

using ReportBlock =
    std::variant<Paragraph, Heading, Note, Preformatted, KeyValues, Highlights,
                 Table, ChartRow, ImagePanel>;

struct ReportSection {
  std::string title;
  std::vector<ReportBlock> blocks;
  // Shows only the title until the reader opens it.
  bool collapsed = false;
};

struct Report {
  std::string title;
  std::string subtitle;
  std::vector<ReportSection> sections;
  // Small print at the end: version, date, command.
  std::string footer;
};

// Returns the page. kInvalidArgument, naming section and block, if the report
// or a section has no title, a table or chart is invalid, bytes are no image or
// a legend's colour is none.
absl::StatusOr<std::string> RenderReport(const Report& report);

// Writes the page; the file is whole or not there
// (vision::WriteFileAtomically).
absl::Status WriteReport(const Report& report, const std::string& path);

}  // namespace wsol

#endif  // WSOL_REPORT_REPORT_H_
