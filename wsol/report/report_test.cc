#include "wsol/report/report.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "wsol/report/chart.h"
#include "wsol/report/markup_checker.h"
#include "wsol/report/table.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::Not;
using ::testing::StatusIs;

// The start of a PNG file of 3 x 2 pixels: signature, and first chunk's length,
// name, width and height. That is all that is looked at.
std::string TinyPng() {
  return std::string("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02", 24);
}

// A report with one block of each kind; `text` is all its text.
Report FullReport(const std::string& text) {
  Report report;
  report.title = report.subtitle = report.footer = text;
  for (int i = 0; i < 3; ++i) {
    ReportSection& section = report.sections.emplace_back();
    section.title = text;
    section.collapsed = i == 2;
    Table table;
    table.caption = text;
    table.columns = {{text, text}, {"n", "", Best::kHighest}};
    table.rows = {{{text, 1}, RowStyle::kStrong},
                  {{text, 2}, RowStyle::kMuted},
                  {{text, 1}}};
    LineChart chart;
    chart.title = text;
    chart.series = {{text, {0, 1}, {0, 1}}};
    ImagePanel panel;
    panel.caption = text;
    panel.legend = {{"#00fF00", text, true}, {"#000000", text}};
    panel.items = {
        {text,
         text,
         {{TinyPng(), text, text, ""}, {"\xff\xd8\xff", "", "", text}}}};
    section.blocks = {Paragraph{text},
                      Heading{text},
                      Note{text},
                      Preformatted{text},
                      KeyValues{text, {{text, text}}},
                      Highlights{{{text, text, text}, {text, text, ""}}},
                      table,
                      ChartRow{{chart}},
                      ChartRow{{chart, chart}},
                      panel};
  }
  return report;
}

std::string Render(const Report& report) {
  const absl::StatusOr<std::string> html = RenderReport(report);
  EXPECT_THAT(html, IsOk());
  if (!html.ok()) return "";
  EXPECT_THAT(CheckMarkup(*html), IsOk());
  return *html;
}

TEST(ReportTest, IsAWellFormedPage) {
  const std::string html = Render(FullReport("Text"));
  EXPECT_TRUE(absl::StartsWith(html, "<!DOCTYPE html>\n<html lang=\"en\">\n"));
  EXPECT_TRUE(absl::EndsWith(html, "</html>\n"));
  EXPECT_THAT(
      html, AllOf(HasSubstr("<title>Text</title>"),
                  HasSubstr("<meta charset=\"utf-8\">"),
                  HasSubstr("name=\"viewport\""), HasSubstr("<h1>Text</h1>")));
}

TEST(ReportTest, EscapesAllText) {
  const std::string html = Render(FullReport("</style><script>\"'&{{x}}"));
  EXPECT_THAT(html, AllOf(Not(HasSubstr("<script")),
                          // A template within text is text.
                          HasSubstr("&lt;script&gt;&quot;&#39;&amp;{{x}}")));
}

TEST(ReportTest, NeedsNothingFromOutside) {
  const std::string html = Render(FullReport("Text"));
  // The one address is the name of the SVG language, which nobody fetches.
  std::string rest = html;
  const std::string name = "xmlns=\"http://www.w3.org/2000/svg\"";
  for (size_t at; (at = rest.find(name)) != std::string::npos;) {
    rest.erase(at, name.size());
  }
  EXPECT_THAT(rest, AllOf(Not(HasSubstr("http:")), Not(HasSubstr("https:")),
                          Not(HasSubstr("src=\"//")), Not(HasSubstr("url(")),
                          Not(HasSubstr("@import")), Not(HasSubstr("<script")),
                          Not(HasSubstr("onload"))));
  EXPECT_THAT(html, HasSubstr("Content-Security-Policy"));
}

TEST(ReportTest, IsDeterministic) {
  EXPECT_EQ(Render(FullReport("Text")), Render(FullReport("Text")));
}

TEST(ReportTest, LeavesOutWhatIsEmpty) {
  Report report;
  report.title = "Only a title";
  std::string html = Render(report);
  EXPECT_THAT(html, AllOf(Not(HasSubstr("<nav")), Not(HasSubstr("<footer")),
                          Not(HasSubstr("class=\"subtitle\""))));
  ReportSection& section = report.sections.emplace_back();
  section.title = "Section";
  section.blocks = {Highlights{{{"Label", "Value", ""}}},
                    KeyValues{"", {{"Key", "Value"}}},
                    ImagePanel{"", {}, {{"", "", {{TinyPng(), "", "", ""}}}}}};
  html = Render(report);
  EXPECT_THAT(
      html,
      AllOf(Not(HasSubstr("class=\"detail\"")),
            Not(HasSubstr("class=\"caption\"")), Not(HasSubstr("<figcaption")),
            Not(HasSubstr("class=\"legend\"")), HasSubstr("alt=\"\"")));
}

TEST(ReportTest, ListsThreeSectionsOrMore) {
  Report report;
  report.title = "Report";
  report.sections = {{"One", {}, false}, {"Two", {}, false}};
  EXPECT_THAT(Render(report), Not(HasSubstr("<nav")));
  report.sections.push_back({"Three", {}, true});
  EXPECT_THAT(Render(report),
              AllOf(HasSubstr("<a href=\"#section-2\">Three</a>"),
                    HasSubstr("<details>\n<summary><h2 id=\"section-2-title\">"
                              "Three</h2></summary>")));
}

TEST(ReportTest, TableMarksTheBestForEyesAndEars) {
  Report report;
  report.title = "Report";
  ReportSection& section = report.sections.emplace_back();
  section.title = "Section";
  Table table;
  table.columns = {{"Method"}, {"PxAP", "%", Best::kHighest}};
  table.rows = {{{"CAM", 61.24}}, {{"F-CAM", 78.9}, RowStyle::kStrong}};
  section.blocks = {table};
  EXPECT_THAT(
      Render(report),
      AllOf(HasSubstr("<th scope=\"col\">Method</th><th scope=\"col\" "
                      "class=\"number\">PxAP <span class=\"unit\">%</span>"),
            HasSubstr("<tr><th scope=\"row\">CAM</th><td class=\"number\">61.2"
                      "</td></tr>"),
            HasSubstr("<tr class=\"strong\"><th scope=\"row\">F-CAM</th>"
                      "<td class=\"number\"><span class=\"best\">78.9<span "
                      "class=\"hidden\"> (best)</span></span></td></tr>")));
}

TEST(ReportTest, PanelHasImagesWithSizesAndTexts) {
  Report report;
  report.title = "Report";
  ReportSection& section = report.sections.emplace_back();
  section.title = "Section";
  ImagePanel panel;
  panel.items = {{"Goldfinch",
                  "right",
                  {{TinyPng(), "F-CAM", "IoU 0.82", ""},
                   {TinyPng(), "Mask", "", "A mask"}}}};
  section.blocks = {panel};
  EXPECT_THAT(
      Render(report),
      AllOf(HasSubstr("style=\"--images:2\""),
            HasSubstr("src=\"data:image/png;base64,iVBORw0KGgo"),
            HasSubstr("alt=\"Goldfinch, F-CAM, IoU 0.82\" width=\"3\" "
                      "height=\"2\""),
            HasSubstr("alt=\"A mask\""),
            HasSubstr("<figcaption>F-CAM <span>IoU 0.82</span></figcaption>"),
            HasSubstr("<b>Goldfinch</b><span>right</span>")));
}

TEST(ReportTest, RejectsBadReports) {
  const auto expect_error = [](const Report& report,
                               const std::string& message) {
    EXPECT_THAT(
        RenderReport(report),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  Report report;
  expect_error(report, "the report has no title");
  report.title = "Report";
  ReportSection& section = report.sections.emplace_back();
  expect_error(report, "section 0 of the report has no title");
  section.title = "S";
  section.blocks = {Paragraph{"fine"}, Table()};
  expect_error(report, "has no columns; in block 1 of section 'S'");
  LineChart chart;
  chart.series = {{"bad", {0}, {}}};
  section.blocks = {ChartRow{{chart}}};
  expect_error(report, "series 'bad': has 0 values, expected 1");
  ImagePanel panel;
  panel.items = {{"Item", "", {{"GIF89a", "CAM", "", ""}}}};
  section.blocks = {panel};
  expect_error(report,
               "got 6 bytes that are no image, expected a PNG or JPEG file; "
               "image 'Item, CAM'; in block 0 of section 'S'");
  panel.items.clear();
  for (const char* color : {"", "red", "#fff", "#12345g", "\"#12345"}) {
    panel.legend = {{color, "CAM"}};
    section.blocks = {panel};
    expect_error(report, "legend 'CAM': color is '");
  }
}

TEST(ReportTest, WritesTheFile) {
  const std::string path =
      vision::JoinPath(::testing::TempDir(), "report.html");
  Report report;
  report.title = "Report";
  ASSERT_THAT(WriteReport(report, path), IsOk());
  EXPECT_THAT(vision::ReadFile(path), IsOkAndHolds(Render(report)));
  EXPECT_THAT(
      WriteReport(report, vision::JoinPath(::testing::TempDir(), "no/x.html")),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("no/x.html")));
  report.title = "";
  EXPECT_THAT(WriteReport(report, path),
              StatusIs(absl::StatusCode::kInvalidArgument));
  // The earlier one is still there.
  EXPECT_THAT(vision::ReadFile(path),
              IsOkAndHolds(HasSubstr("<h1>Report</h1>")));
}

TEST(ReportTest, LongFactsStandInRowsOfTheirOwn) {
  const auto render = [](const std::string& value) {
    Report report;
    report.title = "Title";
    ReportSection& section = report.sections.emplace_back();
    section.title = "Section";
    section.blocks.push_back(KeyValues{"", {{"Key", value}}});
    const absl::StatusOr<std::string> page = RenderReport(report);
    EXPECT_THAT(page, IsOk());
    return *page;
  };
  EXPECT_THAT(render("short"), HasSubstr("class=\"facts\""));
  EXPECT_THAT(render(std::string(60, 'x')), HasSubstr("class=\"facts long\""));
}

}  // namespace
}  // namespace wsol
