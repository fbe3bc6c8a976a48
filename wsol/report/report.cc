#include "wsol/report/report.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "kainjow/mustache.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/report/escape.h"
#include "wsol/report/report_template.h"

namespace wsol {
namespace {

using ::kainjow::mustache::data;

data List() { return data(data::type::list); }

// Empty text is false in a template, so that {{#note}}...{{/note}} leaves out
// its markup too; and it is set, so that no enclosing object's text shows
// through.
data TextOrFalse(const std::string& text) {
  return text.empty() ? data(false) : data(text);
}

// The sizes of charts: alone in a row, one of several, and on a telephone.
constexpr int kFullWidth = 990, kFullHeight = 400;
constexpr int kHalfWidth = 480, kHalfHeight = 320;
constexpr int kNarrowWidth = 340, kNarrowHeight = 280;

// A value of more bytes than this gets a row of its own, and so do the others.
constexpr size_t kLongValue = 48;

absl::StatusOr<std::string> RenderChart(LineChart chart, int width,
                                        int height) {
  chart.width = width;
  chart.height = height;
  return RenderLineChart(chart);
}

bool IsColor(absl::string_view text) {
  return text.size() == 7 && text[0] == '#' &&
         std::all_of(text.begin() + 1, text.end(), absl::ascii_isxdigit);
}

// width="..." height="..." of a PNG file, so that the page does not jump while
// images are decoded; nothing for other types. They stand in the first chunk.
std::string PngSize(absl::string_view bytes) {
  if (!absl::StartsWith(bytes, "\x89PNG") || bytes.size() < 24) return "";
  const auto number = [&bytes](size_t at) {
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; ++i) {
      value = value << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return value;
  };
  return absl::StrCat("width=\"", number(16), "\" height=\"", number(20), "\"");
}

std::string DefaultAlt(const PanelItem& item, const PanelImage& image) {
  std::string alt;
  for (const std::string* part : {&item.title, &image.label, &image.note}) {
    if (part->empty()) continue;
    absl::StrAppend(&alt, alt.empty() ? "" : ", ", *part);
  }
  return alt;
}

// Makes the template's data of a block: an object with one key, its kind.
class BlockBuilder {
 public:
  absl::StatusOr<data> operator()(const Paragraph& block) const {
    return Of("paragraph", TextOrFalse(block.text));
  }
  absl::StatusOr<data> operator()(const Heading& block) const {
    return Of("heading", TextOrFalse(block.text));
  }
  absl::StatusOr<data> operator()(const Note& block) const {
    return Of("note", TextOrFalse(block.text));
  }
  absl::StatusOr<data> operator()(const Preformatted& block) const {
    return Of("preformatted", TextOrFalse(block.text));
  }

  absl::StatusOr<data> operator()(const KeyValues& block) const {
    data items = List();
    bool has_long_value = false;
    for (const auto& [key, value] : block.items) {
      has_long_value |= value.size() > kLongValue;
      data item;
      item["key"] = data(key);
      item["value"] = data(value);
      items.push_back(item);
    }
    data object;
    object["caption"] = TextOrFalse(block.caption);
    object["items"] = std::move(items);
    object["long"] = data(has_long_value);
    return Of("key_values", std::move(object));
  }

  absl::StatusOr<data> operator()(const Highlights& block) const {
    data items = List();
    for (const Highlights::Item& highlight : block.items) {
      data item;
      item["label"] = data(highlight.label);
      item["value"] = data(highlight.value);
      item["detail"] = TextOrFalse(highlight.detail);
      items.push_back(item);
    }
    data object;
    object["items"] = std::move(items);
    return Of("highlights", std::move(object));
  }

  absl::StatusOr<data> operator()(const Table& table) const {
    VISION_ASSIGN_OR_RETURN(const FormattedTable formatted, FormatTable(table));
    data columns = List();
    for (size_t j = 0; j < table.columns.size(); ++j) {
      data column;
      column["column"] = data(table.columns[j].title);
      column["unit"] = TextOrFalse(table.columns[j].unit);
      column["number"] = data(static_cast<bool>(formatted.right_aligned[j]));
      columns.push_back(column);
    }
    data rows = List();
    for (size_t i = 0; i < table.rows.size(); ++i) {
      data cells = List();
      for (size_t j = 0; j < table.columns.size(); ++j) {
        data cell;
        cell["text"] = data(formatted.rows[i][j].text);
        cell["best"] = data(formatted.rows[i][j].best);
        cell["number"] = data(static_cast<bool>(formatted.right_aligned[j]));
        cell["first"] = data(j == 0);
        cells.push_back(cell);
      }
      data row;
      const RowStyle style = table.rows[i].style;
      row["style"] = style == RowStyle::kStrong  ? data("strong")
                     : style == RowStyle::kMuted ? data("muted")
                                                 : data(false);
      row["cells"] = std::move(cells);
      rows.push_back(row);
    }
    data object;
    object["caption"] = TextOrFalse(table.caption);
    object["name"] = data(table.caption.empty() ? "Table" : table.caption);
    object["columns"] = std::move(columns);
    object["rows"] = std::move(rows);
    return Of("table", std::move(object));
  }

  absl::StatusOr<data> operator()(const ChartRow& row) const {
    data charts = List();
    const bool alone = row.charts.size() == 1;
    for (const LineChart& line_chart : row.charts) {
      VISION_ASSIGN_OR_RETURN(
          const std::string wide,
          RenderChart(line_chart, alone ? kFullWidth : kHalfWidth,
                      alone ? kFullHeight : kHalfHeight));
      VISION_ASSIGN_OR_RETURN(
          const std::string narrow,
          RenderChart(line_chart, kNarrowWidth, kNarrowHeight));
      data chart;
      chart["wide"] = data(wide);
      chart["narrow"] = data(narrow);
      charts.push_back(chart);
    }
    data object;
    object["charts"] = std::move(charts);
    return Of("chart_row", std::move(object));
  }

  absl::StatusOr<data> operator()(const ImagePanel& panel) const {
    data legend = List();
    for (const PanelLegendItem& entry : panel.legend) {
      if (!IsColor(entry.color)) {
        return absl::InvalidArgumentError(
            absl::StrCat("legend '", entry.text, "': color is '", entry.color,
                         "', expected #rrggbb"));
      }
      data item;
      item["color"] = data(entry.color);
      item["text"] = data(entry.text);
      item["dashed"] = data(entry.dashed);
      legend.push_back(item);
    }
    size_t columns = 1;
    data items = List();
    for (const PanelItem& panel_item : panel.items) {
      columns = std::max(columns, panel_item.images.size());
      VISION_ASSIGN_OR_RETURN(const data item, Item(panel_item));
      items.push_back(item);
    }
    data object;
    object["caption"] = TextOrFalse(panel.caption);
    object["has_legend"] = data(!panel.legend.empty());
    object["legend"] = std::move(legend);
    object["columns"] = data(absl::StrCat(columns));
    object["items"] = std::move(items);
    return Of("panel", std::move(object));
  }

 private:
  static data Of(const char* kind, data content) {
    data object;
    object[kind] = std::move(content);
    return object;
  }

  static absl::StatusOr<data> Item(const PanelItem& panel_item) {
    data images = List();
    for (const PanelImage& panel_image : panel_item.images) {
      const std::string alt = panel_image.alt.empty()
                                  ? DefaultAlt(panel_item, panel_image)
                                  : panel_image.alt;
      absl::StatusOr<std::string> url = ImageDataUrl(panel_image.bytes);
      if (!url.ok()) {
        return vision::Annotate(url.status(),
                                absl::StrCat("image '", alt, "'"));
      }
      data image;
      image["url"] = data(*url);
      image["alt"] = data(alt);
      image["size"] = TextOrFalse(PngSize(panel_image.bytes));
      image["label"] = TextOrFalse(panel_image.label);
      image["image_note"] = TextOrFalse(panel_image.note);
      image["has_label"] =
          data(!panel_image.label.empty() || !panel_image.note.empty());
      images.push_back(image);
    }
    data item;
    item["item_title"] = TextOrFalse(panel_item.title);
    item["item_note"] = TextOrFalse(panel_item.note);
    item["has_caption"] =
        data(!panel_item.title.empty() || !panel_item.note.empty());
    item["images"] = std::move(images);
    return item;
  }
};

absl::StatusOr<data> SectionData(const ReportSection& section, size_t index) {
  if (section.title.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("section ", index, " of the report has no title"));
  }
  data blocks = List();
  for (size_t i = 0; i < section.blocks.size(); ++i) {
    absl::StatusOr<data> block = std::visit(BlockBuilder(), section.blocks[i]);
    if (!block.ok()) {
      return vision::Annotate(
          block.status(),
          absl::StrCat("in block ", i, " of section '", section.title, "'"));
    }
    blocks.push_back(*block);
  }
  data object;
  object["id"] = data(absl::StrCat("section-", index));
  object["section_title"] = data(section.title);
  object["collapsed"] = data(section.collapsed);
  object["blocks"] = std::move(blocks);
  return object;
}

}  // namespace

absl::StatusOr<std::string> RenderReport(const Report& report) {
  if (report.title.empty()) {
    return absl::InvalidArgumentError("the report has no title");
  }
  data sections = List();
  for (size_t i = 0; i < report.sections.size(); ++i) {
    VISION_ASSIGN_OR_RETURN(const data section,
                            SectionData(report.sections[i], i));
    sections.push_back(section);
  }
  data page;
  page["title"] = data(report.title);
  page["subtitle"] = TextOrFalse(report.subtitle);
  page["css"] = data(internal::kReportStyle);
  // Fewer sections need no table of contents.
  page["has_contents"] = data(report.sections.size() >= 3);
  page["sections"] = std::move(sections);
  page["footer"] = TextOrFalse(report.footer);

  kainjow::mustache::mustache page_template{
      std::string(internal::kReportTemplate)};
  CHECK(page_template.is_valid()) << page_template.error_message();
  page_template.set_custom_escape(
      [](const std::string& text) { return EscapeMarkup(text); });
  std::string html;
  page_template.render(page,
                       [&html](const std::string& part) { html += part; });
  return html;
}

absl::Status WriteReport(const Report& report, const std::string& path) {
  VISION_ASSIGN_OR_RETURN(const std::string html, RenderReport(report));
  return vision::WriteFileAtomically(path, html);
}

}  // namespace wsol
