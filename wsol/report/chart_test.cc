#include "wsol/report/chart.h"

#include <cmath>
#include <limits>
#include <regex>  // NOLINT
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "wsol/report/markup_checker.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string Render(const LineChart& chart) {
  const absl::StatusOr<std::string> svg = RenderLineChart(chart);
  EXPECT_THAT(svg, IsOk());
  if (!svg.ok()) return "";
  EXPECT_THAT(CheckMarkup(*svg), IsOk());
  EXPECT_THAT(*svg, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
  return *svg;
}

size_t Count(absl::string_view text, absl::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != absl::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

// The d="..." of the path with this many-th fill="none".
std::string LinePath(const std::string& svg, int index = 0) {
  static const std::regex kPath("<path d=\"([^\"]*)\" fill=\"none\"");
  auto match = std::sregex_iterator(svg.begin(), svg.end(), kPath);
  for (int i = 0; i < index; ++i) ++match;
  return match == std::sregex_iterator() ? "" : (*match)[1].str();
}

LineChart SmallChart() {
  LineChart chart;
  chart.title = "Title";
  chart.x_title = "Position";
  chart.y_title = "Value";
  chart.series.push_back({"first", {0, 1, 2}, {10, 30, 20}});
  chart.width = 400;
  chart.height = 300;
  return chart;
}

TEST(ChartTest, PutsPointsWhereTheyBelong) {
  // Title 20, legend 18, y title 20 and a margin of 12 make the top 70; 42
  // below make the bottom 258. 188 pixels hold 188 / 48 = 3 steps of 10, so the
  // y axis goes from 10 to 30. The x axis ends at 400 - 14 = 386 and starts
  // right of "30" (2 digits of 0.58 * 12, rounded up to 14, and 10): at 24.
  EXPECT_EQ(LinePath(Render(SmallChart())), "M24 258L205 70L386 164");
}

TEST(ChartTest, NamesTitlesSeriesAndTicks) {
  const std::string svg = Render(SmallChart());
  for (const char* text : {">Title<", ">Position<", ">Value<", ">first<",
                           ">10<", ">20<", ">30<", ">0<", ">1<", ">2<"}) {
    EXPECT_THAT(svg, HasSubstr(text));
  }
}

TEST(ChartTest, TellsWhatItShowsToReadersWhoCannotSeeIt) {
  LineChart chart = SmallChart();
  EXPECT_THAT(Render(chart),
              HasSubstr("<desc>Line chart of Value against Position. first: "
                        "from 10 to 30, highest at 1.</desc>"));
  EXPECT_THAT(Render(chart), HasSubstr("role=\"img\" aria-label=\"Title. "));
  chart.description = "It <rises>.";
  EXPECT_THAT(Render(chart), HasSubstr("<desc>It &lt;rises&gt;.</desc>"));
}

TEST(ChartTest, EscapesAllText) {
  LineChart chart = SmallChart();
  chart.title = chart.x_title = chart.y_title = chart.series[0].name =
      "<script>\"&'";
  chart.series[0].markers = true;
  chart.marks = {{ChartMark::Axis::kX, 1, "<script>"},
                 {ChartMark::Axis::kY, 20, "<script>"}};
  EXPECT_THAT(Render(chart), Not(HasSubstr("<script")));
}

TEST(ChartTest, LeavesGapsWhereValuesAreNotFinite) {
  LineChart chart = SmallChart();
  chart.series[0].x = {0, 1, 2, 3, 4};
  chart.series[0].y = {10, 20, kNan, 20, HUGE_VAL};
  const std::string path = LinePath(Render(chart));
  EXPECT_EQ(Count(path, "M"), 2u) << path;
  // The point alone after the gap is a dot.
  EXPECT_TRUE(absl::EndsWith(path, "h0")) << path;
}

TEST(ChartTest, SaysThatThereAreNoData) {
  LineChart chart;
  EXPECT_THAT(Render(chart), HasSubstr(">no data<"));
  chart.series.push_back({"empty", {}, {}});
  chart.series.push_back({"gaps", {0, 1}, {kNan, HUGE_VAL}});
  EXPECT_THAT(Render(chart),
              AllOf(HasSubstr(">no data<"), HasSubstr("gaps: no data.")));
  chart.series.push_back({"not for a log axis", {0, 1}, {0, -1}});
  chart.log_y = true;
  EXPECT_THAT(Render(chart), HasSubstr(">no data<"));
}

TEST(ChartTest, DrawsOnePointAndConstantLines) {
  LineChart chart = SmallChart();
  chart.series = {{"", {3}, {5}}};
  EXPECT_TRUE(absl::EndsWith(LinePath(Render(chart)), "h0"));
  chart.series = {{"", {0, 1}, {0, 0}}};
  EXPECT_NE(LinePath(Render(chart)), "");
  chart.series = {{"", {0, 1}, {1e10, 1e10 + 1e-6}}};
  EXPECT_NE(LinePath(Render(chart)), "");
  chart.log_y = true;
  EXPECT_NE(LinePath(Render(chart)), "");
}

TEST(ChartTest, SurvivesExtremeValues) {
  LineChart chart = SmallChart();
  chart.series[0].y = {1e-300, 1e300, 1e99};
  EXPECT_NE(LinePath(Render(chart)), "");
  chart.log_y = true;
  EXPECT_NE(LinePath(Render(chart)), "");
  chart.series[0].y = {1e-99, 1, 1e99};
  EXPECT_NE(LinePath(Render(chart)), "");
  chart.log_y = false;
  chart.y_min = 0;
  chart.y_max = 1;
  // Far outside the chart, but no number a renderer cannot hold.
  EXPECT_THAT(LinePath(Render(chart)), HasSubstr("-100000"));
}

TEST(ChartTest, ObeysTheEndsOfAxes) {
  LineChart chart = SmallChart();
  chart.y_min = 0;
  chart.y_max = 40;
  chart.x_min = 0;
  chart.x_max = 4;
  // 10 of 0 to 40 over 258 to 70 is 258 - 47; 1 of 0 to 4 is 24 + 90.5.
  EXPECT_EQ(LinePath(Render(chart)), "M24 211L114.5 117L205 164");
  // An end beyond all data.
  chart.y_min = 100;
  chart.y_max.reset();
  EXPECT_NE(LinePath(Render(chart)), "");
}

TEST(ChartTest, LogAxisHasEqualDistancesForEqualRatios) {
  LineChart chart = SmallChart();
  chart.log_y = true;
  chart.series[0].y = {0.1, 1, 10};
  EXPECT_EQ(LinePath(Render(chart)).substr(0, 1), "M");
  const std::string svg = Render(chart);
  for (const char* label : {">0.1<", ">0.2<", ">0.5<", ">1<", ">5<", ">10<"}) {
    EXPECT_THAT(svg, HasSubstr(label));
  }
  EXPECT_THAT(LinePath(svg), HasSubstr(" 164L"));  // Half way from 258 to 70.
  // Too many for their place: powers of ten alone.
  chart.series[0].y = {1e-6, 1, 1e6};
  EXPECT_THAT(Render(chart),
              AllOf(HasSubstr(">1e-06<"), Not(HasSubstr(">0.2<"))));
}

TEST(ChartTest, DrawsBandsStepsFillsMarkersAndDashes) {
  LineChart chart = SmallChart();
  LineSeries& series = chart.series[0];
  EXPECT_THAT(Render(chart), Not(HasSubstr("fill-opacity")));
  series.y_low = {5, 25, 15};
  series.y_high = {15, 35, kNan};
  std::string svg = Render(chart);
  EXPECT_EQ(Count(svg, "fill-opacity"), 1u);
  series.filled = true;
  EXPECT_EQ(Count(Render(chart), "fill-opacity"), 2u);  // And in the legend.
  series.steps = true;
  EXPECT_EQ(Count(LinePath(Render(chart)), "L"), 4u);
  EXPECT_THAT(Render(chart), Not(HasSubstr("dasharray")));
  series.dashed = true;
  EXPECT_EQ(Count(Render(chart), "dasharray"), 2u);
  series.markers = true;
  EXPECT_THAT(Render(chart), HasSubstr("<title>first: 30 at 1</title>"));
}

TEST(ChartTest, LeavesOutMarkersThatWouldRunIntoOneAnother) {
  LineChart chart = SmallChart();
  LineSeries& series = chart.series[0];
  series.markers = true;
  series.x.clear();
  series.y.clear();
  for (int i = 0; i < 100; ++i) {
    series.x.push_back(i);
    series.y.push_back(i);
  }
  EXPECT_EQ(Count(Render(chart), "<title>"), 1u);
}

TEST(ChartTest, ThinsLongLinesAndKeepsTheirExtremes) {
  LineChart chart = SmallChart();
  LineSeries& series = chart.series[0];
  series.x.clear();
  series.y.clear();
  for (int i = 0; i < 100000; ++i) {
    series.x.push_back(i);
    series.y.push_back(i == 77777 ? 100 : i % 7);
  }
  const std::string path = LinePath(Render(chart));
  EXPECT_LE(Count(path, "L"), 4u * 400);
  EXPECT_THAT(path, HasSubstr(" 70L"));  // The peak, at the top.
}

TEST(ChartTest, WholePositionsHaveWholeTicks) {
  LineChart chart = SmallChart();
  chart.series[0].x = {1, 2, 3};
  EXPECT_THAT(Render(chart), Not(HasSubstr(">1.5<")));
  chart.series[0].x = {1, 2.5, 3};
  EXPECT_THAT(Render(chart), HasSubstr(">1.5<"));
}

TEST(ChartTest, PutsMarksIntoTheChartAndTheirLabelsApart) {
  LineChart chart = SmallChart();
  chart.marks = {{ChartMark::Axis::kX, 1.0, "first mark"},
                 {ChartMark::Axis::kX, 1.01, "second mark"},
                 {ChartMark::Axis::kX, 2.0, "at the edge"},
                 {ChartMark::Axis::kY, 50, "above all data"}};
  const std::string svg = Render(chart);
  const std::regex place("y=\"([0-9.]+)\"[^>]*>(first|second) mark<");
  std::vector<std::string> places;
  for (auto m = std::sregex_iterator(svg.begin(), svg.end(), place);
       m != std::sregex_iterator(); ++m) {
    places.push_back((*m)[1]);
  }
  ASSERT_EQ(places.size(), 2u);
  EXPECT_NE(places[0], places[1]);
  EXPECT_THAT(svg, HasSubstr("text-anchor=\"end\""));
  // The y axis grows to hold its mark.
  EXPECT_THAT(svg, AllOf(HasSubstr(">above all data<"), HasSubstr(">60<")));
  // Marks outside of the ends that were asked for are left out.
  chart.x_max = 0.5;
  chart.x_min = 0;
  EXPECT_THAT(Render(chart), Not(HasSubstr("first mark")));
}

TEST(ChartTest, WrapsTheLegend) {
  LineChart chart = SmallChart();
  const size_t short_top = Render(chart).size();
  chart.series.clear();
  for (int i = 0; i < 12; ++i) {
    chart.series.push_back({"a rather long name of a series", {0, 1}, {0, 1}});
  }
  const std::string svg = Render(chart);
  EXPECT_GT(svg.size(), short_top);
  EXPECT_EQ(Count(svg, ">a rather long name of a series<"), 12u);
  // One below another: 14 pixels of text in lines of 18, after the title.
  EXPECT_THAT(svg, HasSubstr("y=\"34\" style"));
  EXPECT_THAT(svg, HasSubstr("y=\"52\" style"));
}

TEST(ChartTest, IsDeterministic) {
  EXPECT_EQ(Render(SmallChart()), Render(SmallChart()));
}

TEST(ChartTest, RejectsBadCharts) {
  const auto expect_error = [](const LineChart& chart,
                               const std::string& message) {
    EXPECT_THAT(
        RenderLineChart(chart),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  LineChart chart = SmallChart();
  chart.width = 100;
  expect_error(chart, "chart 'Title': size is 100 x 300, expected at least");
  chart = SmallChart();
  chart.series[0].y.pop_back();
  expect_error(chart, "series 'first': has 2 values, expected 3");
  chart = SmallChart();
  chart.series[0].x = {0, 2, 1};
  expect_error(chart, "position 2 is 1, less than the one before it, 2");
  chart.series[0].x = {0, kNan, 1};
  expect_error(chart, "position 1 is nan");
  chart = SmallChart();
  chart.series[0].y_low = {1, 2, 3};
  expect_error(chart, "band has 3 low and 0 high ends, expected 3");
  chart = SmallChart();
  chart.series[0].color = 8;
  expect_error(chart, "color is 8, expected -1 to 7");
  chart = SmallChart();
  chart.marks = {{ChartMark::Axis::kX, kNan, "m"}};
  expect_error(chart, "mark 'm' is at nan");
  chart = SmallChart();
  chart.y_min = 1;
  chart.y_max = 1;
  expect_error(chart, "y axis from 1 to 1");
  chart = SmallChart();
  chart.x_min = 2;
  chart.x_max = 1;
  expect_error(chart, "x axis from 2 to 1");
  chart = SmallChart();
  chart.log_y = true;
  chart.y_min = 0;
  expect_error(chart, "an end of the y axis is 0");
}

}  // namespace
}  // namespace wsol
