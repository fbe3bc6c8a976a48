#include "wsol/report/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "vision/base/status_util.h"
#include "wsol/report/escape.h"
#include "wsol/report/palette.h"
#include "wsol/report/ticks.h"

namespace wsol {
namespace {

constexpr int kMinWidth = 240;
constexpr int kMinHeight = 160;
constexpr double kFontSize = 12;
constexpr double kTitleSize = 14;
constexpr double kLineHeight = 18;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Values beyond this are as good as infinite for a drawing, and would overflow.
constexpr double kLargest = 1e100;
constexpr double kFarOutside = 1e5;  // Pixels.

// A page overrides the colours of the palette by its custom properties.
constexpr int kPaletteSize = static_cast<int>(kSeriesPalette.size());

std::string Color(int index) {
  const int i = index % kPaletteSize;
  return absl::StrCat("var(--series-", i, ",",
                      kSeriesPalette[static_cast<size_t>(i)], ")");
}
constexpr absl::string_view kInk = "var(--ink,#1c2126)";
constexpr absl::string_view kMuted = "var(--muted,#5c6670)";
constexpr absl::string_view kGrid = "var(--grid,#e3e7ea)";
constexpr absl::string_view kPaper = "var(--paper,#fff)";

// A coordinate with at most two decimals and no needless zeros.
std::string Num(double value) {
  std::string text = absl::StrFormat("%.2f", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

// A value for a person to read.
std::string Short(double value) { return absl::StrFormat("%.4g", value); }

// About how wide a sans-serif font sets the text; rather too wide than too
// narrow.
double TextWidth(absl::string_view text, double font_size) {
  double ems = 0;
  for (const char c : text) {
    if ((c & '\xc0') == '\x80') continue;  // Within a UTF-8 sequence.
    if (absl::string_view("ijlI.,:;|!'()[]ft ").find(c) !=
        absl::string_view::npos) {
      ems += 0.34;
    } else if (absl::string_view("mwMW%@").find(c) != absl::string_view::npos) {
      ems += 0.92;
    } else if (c >= 'A' && c <= 'Z') {
      ems += 0.7;
    } else {
      ems += 0.58;
    }
  }
  return ems * font_size;
}

struct TextOptions {
  absl::string_view anchor = "start";
  absl::string_view fill = kMuted;
  double size = kFontSize;
  bool bold = false;
  // Paper-coloured edge, so that a line behind the text does not cross it.
  bool halo = false;
};

std::string Text(double x, double y, absl::string_view text,
                 const TextOptions& options) {
  std::string style = absl::StrCat("fill:", options.fill);
  if (options.halo) {
    absl::StrAppend(&style, ";stroke:", kPaper,
                    ";stroke-width:4;paint-order:stroke;stroke-linejoin:round");
  }
  std::string attributes;
  if (options.size != kFontSize) {
    absl::StrAppend(&attributes, " font-size=\"", Num(options.size), "\"");
  }
  if (options.bold) attributes += " font-weight=\"600\"";
  if (options.anchor != "start") {
    absl::StrAppend(&attributes, " text-anchor=\"", options.anchor, "\"");
  }
  return absl::StrCat("<text x=\"", Num(x), "\" y=\"", Num(y), "\"", attributes,
                      " style=\"", style, "\">", EscapeMarkup(text),
                      "</text>\n");
}

std::string Line(double x1, double y1, double x2, double y2,
                 absl::string_view color, double width,
                 absl::string_view dashes = "") {
  return absl::StrCat(
      "<line x1=\"", Num(x1), "\" y1=\"", Num(y1), "\" x2=\"", Num(x2),
      "\" y2=\"", Num(y2), "\" stroke-width=\"", Num(width), "\"",
      dashes.empty() ? "" : absl::StrCat(" stroke-dasharray=\"", dashes, "\""),
      " style=\"stroke:", color, "\"/>\n");
}

constexpr absl::string_view kSeriesDashes = "7 4";
constexpr absl::string_view kMarkDashes = "2 3";

// Series have markers of different shape: colour is never the only difference.
std::string MarkerPath(int index, double x, double y) {
  const auto point = [](double a, double b) {
    return absl::StrCat(Num(a), " ", Num(b));
  };
  switch (index % 4) {
    case 0:  // A circle, as two arcs.
      return absl::StrCat("M", point(x - 3.5, y), "a3.5 3.5 0 1 0 7 0",
                          "a3.5 3.5 0 1 0 -7 0z");
    case 1:  // A square.
      return absl::StrCat("M", point(x - 3.2, y - 3.2), "h6.4v6.4h-6.4z");
    case 2:  // A triangle.
      return absl::StrCat("M", point(x, y - 4.2), "l4.2 7.4h-8.4z");
    default:  // A diamond.
      return absl::StrCat("M", point(x, y - 4.4),
                          "l4.4 4.4l-4.4 4.4l-4.4 -4.4z");
  }
}

struct Point {
  double x;
  double y;
};

// The data's way to the drawing: maps each axis' range to pixels.
struct Axis {
  double low = 0;
  double high = 1;
  double pixel_low = 0;
  double pixel_high = 1;
  bool log = false;

  double ToPixel(double value) const {
    if (log) {
      if (!(value > 0)) return kInfinity;
      value = std::log10(value);
    }
    const double from = log ? std::log10(low) : low;
    const double to = log ? std::log10(high) : high;
    return pixel_low + (value - from) / (to - from) * (pixel_high - pixel_low);
  }
};

struct Range {
  double low = kInfinity;
  double high = -kInfinity;

  void Add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

bool IsDrawable(double value, bool log) {
  return std::isfinite(value) && std::abs(value) <= kLargest &&
         (!log || value > 1 / kLargest);
}

Range XRange(const LineChart& chart) {
  Range range;
  for (const LineSeries& series : chart.series) {
    for (const double x : series.x) range.Add(x);
  }
  for (const ChartMark& mark : chart.marks) {
    if (mark.axis == ChartMark::Axis::kX) range.Add(mark.at);
  }
  return range;
}

Range YRange(const LineChart& chart) {
  Range range;
  const auto add = [&](double value) {
    if (IsDrawable(value, chart.log_y)) range.Add(value);
  };
  for (const LineSeries& series : chart.series) {
    for (size_t i = 0; i < series.x.size(); ++i) {
      // Data outside the x range do not count.
      if (chart.x_min.has_value() && series.x[i] < *chart.x_min) continue;
      if (chart.x_max.has_value() && series.x[i] > *chart.x_max) continue;
      add(series.y[i]);
      if (!series.y_low.empty()) {
        add(series.y_low[i]);
        add(series.y_high[i]);
      }
    }
  }
  for (const ChartMark& mark : chart.marks) {
    if (mark.axis == ChartMark::Axis::kY) add(mark.at);
  }
  return range;
}

// Takes over the ends that were asked for and makes the range wide enough to
// divide by.
void Finish(const std::optional<double>& low, const std::optional<double>& high,
            bool log, Range* range) {
  if (range->empty()) *range = log ? Range{1, 10} : Range{0, 1};
  if (low.has_value()) range->low = *low;
  if (high.has_value()) range->high = *high;
  const double scale = std::max(std::abs(range->low), std::abs(range->high));
  if (range->high - range->low > 1e-9 * scale && range->high > range->low) {
    return;
  }
  // One value, or an end beyond all data: keep the end that was asked for.
  const double middle = low.has_value() ? *low : high.value_or(range->low);
  const double half = middle == 0 ? 1 : 0.5 * std::abs(middle);
  if (log) {
    *range = {low.value_or(middle / 3), high.value_or(middle * 3)};
  } else {
    *range = {low.value_or(middle - half), high.value_or(middle + half)};
  }
}

// Ticks around the range at 1, 2 and 5 times powers of ten; where those are
// more than `max_count`, only powers of ten, or each n-th of them, have labels.
Ticks LogTicks(double low, double high, int max_count) {
  const int first = static_cast<int>(std::floor(std::log10(low) - 1e-9));
  const int last = static_cast<int>(std::ceil(std::log10(high) + 1e-9));
  std::vector<double> candidates;
  for (int e = first; e <= last; ++e) {
    for (const int m : {1, 2, 5}) candidates.push_back(m * std::pow(10.0, e));
  }
  const double slack = 1 + 1e-9;
  auto begin =
      std::lower_bound(candidates.begin(), candidates.end(), low / slack);
  auto end =
      std::upper_bound(candidates.begin(), candidates.end(), high * slack);
  if (begin != candidates.begin() && *begin > low * slack) --begin;
  if (end != candidates.end() && (end == begin || *(end - 1) < high / slack)) {
    ++end;
  }
  Ticks ticks;
  ticks.values.assign(begin, end);
  const bool thin = static_cast<int>(ticks.values.size()) > max_count;
  const int every = std::max(1, (last - first) / max_count);
  for (const double value : ticks.values) {
    const double exponent = std::log10(value);
    const int rounded = static_cast<int>(std::lround(exponent));
    const bool power = std::abs(exponent - rounded) < 1e-9;
    const bool shown = !thin || (power && (rounded - first) % every == 0);
    ticks.labels.push_back(shown ? absl::StrFormat("%g", value) : "");
  }
  return ticks;
}

bool HasOnlyWholeX(const LineChart& chart) {
  for (const LineSeries& series : chart.series) {
    for (const double x : series.x) {
      if (x != std::floor(x)) return false;
    }
  }
  return true;
}

// Keeps the first, lowest, highest and last point of each pixel column, in
// their order.
std::vector<Point> Thin(const std::vector<Point>& points) {
  std::vector<Point> kept;
  size_t begin = 0;
  while (begin < points.size()) {
    const double column = std::floor(points[begin].x);
    size_t end = begin, lowest = begin, highest = begin;
    while (end < points.size() && std::floor(points[end].x) == column) {
      if (points[end].y < points[lowest].y) lowest = end;
      if (points[end].y > points[highest].y) highest = end;
      ++end;
    }
    size_t indices[] = {begin, lowest, highest, end - 1};
    std::sort(std::begin(indices), std::end(indices));
    const auto* stop = std::unique(std::begin(indices), std::end(indices));
    for (const auto* i = indices; i != stop; ++i) kept.push_back(points[*i]);
    begin = end;
  }
  return kept;
}

std::string PathOf(const std::vector<Point>& points, absl::string_view start) {
  std::string path;
  for (size_t i = 0; i < points.size(); ++i) {
    absl::StrAppend(&path, i == 0 ? start : "L", Num(points[i].x), " ",
                    Num(points[i].y));
  }
  return path;
}

// One chart being drawn.
class Drawing {
 public:
  explicit Drawing(const LineChart& chart) : chart_(chart) {}

  std::string Render() {
    Layout();
    std::string svg = Head();
    svg += Titles();
    svg += Legend();
    if (!HasData()) {
      return absl::StrCat(
          svg,
          Text(chart_.width / 2.0, chart_.height / 2.0, "no data", {"middle"}),
          "</svg>\n");
    }
    svg += Grid();
    // A nested svg cuts off what lies outside, without an id as a clip path
    // would need; a little margin keeps lines at the edge whole.
    constexpr double kMargin = 5;
    absl::StrAppend(&svg, "<svg", Box(kMargin), ">\n");
    // Areas of all series lie below all lines.
    for (size_t i = 0; i < chart_.series.size(); ++i) svg += Areas(i);
    for (size_t i = 0; i < chart_.series.size(); ++i) svg += Lines(i);
    svg += "</svg>\n";
    svg += Marks();
    svg += "</svg>\n";
    return svg;
  }

 private:
  int ColorOf(size_t index) const {
    const int color = chart_.series[index].color;
    return color >= 0 ? color : static_cast<int>(index);
  }

  bool HasData() const {
    for (const LineSeries& series : chart_.series) {
      for (const double y : series.y) {
        if (IsDrawable(y, chart_.log_y)) return true;
      }
    }
    return false;
  }

  // Finds the places of everything, from the outside inwards.
  void Layout() {
    double top = 0;
    if (!chart_.title.empty()) {
      top += 20;
      title_y_ = 14;
    }
    legend_top_ = top;
    top += kLineHeight * LayOutLegend();
    if (!chart_.y_title.empty()) {
      y_title_y_ = top + 16;
      top += 20;
    }
    top += 12;
    const double bottom =
        chart_.height - (chart_.x_title.empty() ? 24.0 : 42.0);

    Range x = XRange(chart_), y = YRange(chart_);
    Finish(chart_.x_min, chart_.x_max, false, &x);
    Finish(chart_.y_min, chart_.y_max, chart_.log_y, &y);
    const auto fit = [](double pixels, double each) {
      return std::max(2, static_cast<int>(pixels / each));
    };
    y_ticks_ = chart_.log_y ? LogTicks(y.low, y.high, fit(bottom - top, 20))
                            : TicksAround(y.low, y.high, fit(bottom - top, 48));
    // The axis grows to round ends where none were asked for.
    if (!chart_.y_min.has_value()) {
      y.low = std::min(y.low, y_ticks_.values.front());
    }
    if (!chart_.y_max.has_value()) {
      y.high = std::max(y.high, y_ticks_.values.back());
    }

    double label_width = 0;
    for (const std::string& label : y_ticks_.labels) {
      label_width = std::max(label_width, TextWidth(label, kFontSize));
    }
    const double left = std::ceil(label_width) + 10;
    const double right = chart_.width - 14;
    x_ = {x.low, x.high, left, right, false};
    y_ = {y.low, y.high, bottom, top, chart_.log_y};
    x_ticks_ = TicksWithin(x.low, x.high, fit(right - left, 80),
                           HasOnlyWholeX(chart_) ? 1 : 0);
  }

  // Places the names of the series in lines; returns the number of lines.
  int LayOutLegend() {
    int lines = 0;
    double x = 0;
    for (const LineSeries& series : chart_.series) {
      legend_.push_back({0, 0});
      if (series.name.empty()) continue;
      const double width = 28 + TextWidth(series.name, kFontSize) + 16;
      if (lines == 0 || (x > 0 && x + width > chart_.width)) {
        ++lines;
        x = 0;
      }
      legend_.back() = {x, legend_top_ + kLineHeight * (lines - 1) + 14};
      x += width;
    }
    return lines;
  }

  std::string Box(double margin) const {
    const double x = x_.pixel_low - margin, y = y_.pixel_high - margin;
    const double width = x_.pixel_high - x_.pixel_low + 2 * margin;
    const double height = y_.pixel_low - y_.pixel_high + 2 * margin;
    return absl::StrCat(" x=\"", Num(x), "\" y=\"", Num(y), "\" width=\"",
                        Num(width), "\" height=\"", Num(height),
                        "\" viewBox=\"", Num(x), " ", Num(y), " ", Num(width),
                        " ", Num(height), "\"");
  }

  std::string Description() const {
    if (!chart_.description.empty()) return chart_.description;
    std::string text = absl::StrCat(
        "Line chart of ", chart_.y_title.empty() ? "values" : chart_.y_title,
        chart_.x_title.empty() ? "" : " against ", chart_.x_title, ".");
    for (const LineSeries& series : chart_.series) {
      Range range;
      double at_highest = 0;
      for (size_t i = 0; i < series.y.size(); ++i) {
        if (!IsDrawable(series.y[i], chart_.log_y)) continue;
        if (range.empty() || series.y[i] > range.high) at_highest = series.x[i];
        range.Add(series.y[i]);
      }
      absl::StrAppend(&text, " ", series.name.empty() ? "Values" : series.name);
      if (range.empty()) {
        text += ": no data.";
      } else {
        absl::StrAppend(&text, ": from ", Short(range.low), " to ",
                        Short(range.high), ", highest at ", Short(at_highest),
                        ".");
      }
    }
    return text;
  }

  std::string Head() const {
    const std::string description = EscapeMarkup(Description());
    const std::string title =
        EscapeMarkup(chart_.title.empty() ? "Chart" : chart_.title);
    return absl::StrCat(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", chart_.width,
        "\" height=\"", chart_.height, "\" viewBox=\"0 0 ", chart_.width, " ",
        chart_.height, "\" role=\"img\" aria-label=\"", title, ". ",
        description, "\" font-family=\"system-ui,sans-serif\" font-size=\"",
        Num(kFontSize), "\">\n<title>", title, "</title>\n<desc>", description,
        "</desc>\n");
  }

  std::string Titles() const {
    std::string svg;
    if (!chart_.title.empty()) {
      svg += Text(0, title_y_, chart_.title,
                  {"start", kInk, kTitleSize, /*bold=*/true});
    }
    if (!HasData()) return svg;
    if (!chart_.y_title.empty()) svg += Text(0, y_title_y_, chart_.y_title, {});
    if (!chart_.x_title.empty()) {
      svg += Text((x_.pixel_low + x_.pixel_high) / 2, chart_.height - 6,
                  chart_.x_title, {"middle"});
    }
    return svg;
  }

  std::string Legend() const {
    std::string svg;
    for (size_t i = 0; i < chart_.series.size(); ++i) {
      const LineSeries& series = chart_.series[i];
      if (series.name.empty()) continue;
      const double x = legend_[i].x, y = legend_[i].y;
      const std::string color = Color(ColorOf(i));
      if (series.filled) {
        absl::StrAppend(&svg, "<rect x=\"", Num(x), "\" y=\"", Num(y - 9),
                        "\" width=\"22\" height=\"10\" fill-opacity=\".18\"",
                        " style=\"fill:", color, "\"/>\n");
      }
      svg += Line(x, y - (series.filled ? 9 : 4), x + 22,
                  y - (series.filled ? 9 : 4), color, 2.5,
                  series.dashed ? kSeriesDashes : "");
      if (series.markers) {
        absl::StrAppend(&svg, "<path d=\"",
                        MarkerPath(ColorOf(i), x + 11, y - 4),
                        "\" style=\"fill:", color, "\"/>\n");
      }
      svg += Text(x + 28, y, series.name, {"start", kInk});
    }
    return svg;
  }

  std::string Grid() const {
    std::string svg;
    for (size_t i = 0; i < y_ticks_.values.size(); ++i) {
      const double y = y_.ToPixel(y_ticks_.values[i]);
      // Half a pixel of tolerance around the ends that were asked for.
      if (y < y_.pixel_high - 0.5 || y > y_.pixel_low + 0.5) continue;
      if (y_ticks_.labels[i].empty()) continue;
      svg += Line(x_.pixel_low, y, x_.pixel_high, y, kGrid, 1);
      svg += Text(x_.pixel_low - 8, y + 4, y_ticks_.labels[i], {"end"});
    }
    for (size_t i = 0; i < x_ticks_.values.size(); ++i) {
      const double x = x_.ToPixel(x_ticks_.values[i]);
      svg += Line(x, y_.pixel_low, x, y_.pixel_low + 5, kMuted, 1);
      svg += Text(x, y_.pixel_low + 18, x_ticks_.labels[i], {"middle"});
    }
    svg += Line(x_.pixel_low, y_.pixel_low, x_.pixel_high, y_.pixel_low, kMuted,
                1);
    return svg;
  }

  // The drawable points of values over the series' positions, as runs without
  // a gap.
  std::vector<std::vector<Point>> Runs(
      const LineSeries& series, const std::vector<double>& values) const {
    std::vector<std::vector<Point>> runs(1);
    for (size_t i = 0; i < values.size(); ++i) {
      if (!IsDrawable(values[i], chart_.log_y)) {
        if (!runs.back().empty()) runs.emplace_back();
        continue;
      }
      // Far outside it does not matter where, but renderers overflow.
      const Point point = {
          std::clamp(x_.ToPixel(series.x[i]), -kFarOutside, kFarOutside),
          std::clamp(y_.ToPixel(values[i]), -kFarOutside, kFarOutside)};
      if (series.steps && !runs.back().empty()) {
        runs.back().push_back({point.x, runs.back().back().y});
      }
      runs.back().push_back(point);
    }
    if (runs.back().empty()) runs.pop_back();
    for (std::vector<Point>& run : runs) {
      if (run.size() > 4 * (x_.pixel_high - x_.pixel_low)) run = Thin(run);
    }
    return runs;
  }

  std::string Areas(size_t index) const {
    const LineSeries& series = chart_.series[index];
    std::string path;
    if (series.filled) {
      for (const std::vector<Point>& run : Runs(series, series.y)) {
        absl::StrAppend(&path, PathOf(run, "M"), "L", Num(run.back().x), " ",
                        Num(y_.pixel_low), "L", Num(run.front().x), " ",
                        Num(y_.pixel_low), "z");
      }
    }
    if (!series.y_low.empty()) {
      // A gap in one end of the band is one in the other.
      std::vector<double> low = series.y_low, high = series.y_high;
      for (size_t i = 0; i < low.size(); ++i) {
        if (IsDrawable(low[i], chart_.log_y) &&
            IsDrawable(high[i], chart_.log_y)) {
          continue;
        }
        low[i] = high[i] = std::numeric_limits<double>::quiet_NaN();
      }
      std::vector<std::vector<Point>> lows = Runs(series, low);
      const std::vector<std::vector<Point>> highs = Runs(series, high);
      for (size_t i = 0; i < lows.size(); ++i) {
        std::reverse(lows[i].begin(), lows[i].end());
        absl::StrAppend(&path, PathOf(highs[i], "M"), PathOf(lows[i], "L"),
                        "z");
      }
    }
    if (path.empty()) return "";
    return absl::StrCat("<path d=\"", path,
                        "\" fill-opacity=\".18\" style=\"fill:",
                        Color(ColorOf(index)), "\"/>\n");
  }

  std::string Lines(size_t index) const {
    const LineSeries& series = chart_.series[index];
    const std::string color = Color(ColorOf(index));
    std::string path;
    for (const std::vector<Point>& run : Runs(series, series.y)) {
      path += PathOf(run, "M");
      // A point alone has no line: a dot of the line's width.
      if (run.size() == 1) path += "h0";
    }
    std::string svg;
    if (!path.empty()) {
      svg = absl::StrCat(
          "<path d=\"", path,
          "\" fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" "
          "stroke-linecap=\"round\"",
          series.dashed
              ? absl::StrCat(" stroke-dasharray=\"", kSeriesDashes, "\"")
              : "",
          " style=\"stroke:", color, "\"/>\n");
    }
    // Markers closer than this run into one another.
    constexpr double kMarkerDistance = 9;
    if (series.markers &&
        static_cast<double>(series.x.size()) * kMarkerDistance <=
            x_.pixel_high - x_.pixel_low) {
      for (size_t i = 0; i < series.x.size(); ++i) {
        if (!IsDrawable(series.y[i], chart_.log_y)) continue;
        absl::StrAppend(&svg, "<path d=\"",
                        MarkerPath(ColorOf(index), x_.ToPixel(series.x[i]),
                                   y_.ToPixel(series.y[i])),
                        "\" style=\"fill:", color, "\"><title>",
                        EscapeMarkup(absl::StrCat(
                            series.name, series.name.empty() ? "" : ": ",
                            Short(series.y[i]), " at ", Short(series.x[i]))),
                        "</title></path>\n");
      }
    }
    return svg;
  }

  std::string Marks() const {
    std::string lines, labels;
    // Labels at the top that are placed, so that none covers another.
    struct Placed {
      double begin, end;
      int line;
    };
    std::vector<Placed> placed;
    for (const ChartMark& mark : chart_.marks) {
      const double width = TextWidth(mark.label, kFontSize);
      if (mark.axis == ChartMark::Axis::kY) {
        const double y = y_.ToPixel(mark.at);
        if (!(y >= y_.pixel_high - 0.5 && y <= y_.pixel_low + 0.5)) continue;
        lines +=
            Line(x_.pixel_low, y, x_.pixel_high, y, kMuted, 1.5, kMarkDashes);
        const bool below = y - kFontSize < y_.pixel_high;
        labels += Text(x_.pixel_high, below ? y + 14 : y - 5, mark.label,
                       {"end", kMuted, kFontSize, false, /*halo=*/true});
        continue;
      }
      const double x = x_.ToPixel(mark.at);
      if (x < x_.pixel_low - 0.5 || x > x_.pixel_high + 0.5) continue;
      lines +=
          Line(x, y_.pixel_high, x, y_.pixel_low, kMuted, 1.5, kMarkDashes);
      const bool flip = x + 6 + width > chart_.width;
      const double begin = flip ? x - 6 - width : x + 6;
      int line = 0;
      const auto covers = [&](const Placed& other) {
        return other.line == line && begin < other.end &&
               other.begin < begin + width;
      };
      while (std::any_of(placed.begin(), placed.end(), covers)) ++line;
      placed.push_back({begin, begin + width, line});
      labels +=
          Text(flip ? x - 6 : x + 6, y_.pixel_high + 10 + 15 * line, mark.label,
               {flip ? "end" : "start", kMuted, kFontSize, false,
                /*halo=*/true});
    }
    return lines + labels;
  }

  const LineChart& chart_;
  Axis x_, y_;
  Ticks x_ticks_, y_ticks_;
  double title_y_ = 0, legend_top_ = 0, y_title_y_ = 0;
  std::vector<Point> legend_;  // Start and baseline of each series' name.
};

absl::Status ValidateSeries(const LineSeries& series, const std::string& name) {
  const auto error = [&name](const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", what));
  };
  if (series.y.size() != series.x.size()) {
    return error(absl::StrCat("has ", series.y.size(), " values, expected ",
                              series.x.size(), ", one for each position"));
  }
  if (series.y_low.size() != series.y_high.size() ||
      (!series.y_low.empty() && series.y_low.size() != series.x.size())) {
    return error(absl::StrCat("band has ", series.y_low.size(), " low and ",
                              series.y_high.size(), " high ends, expected ",
                              series.x.size(), " of both or none"));
  }
  for (size_t i = 0; i < series.x.size(); ++i) {
    if (!IsDrawable(series.x[i], false)) {
      return error(absl::StrCat("position ", i, " is ", series.x[i],
                                ", expected a finite number"));
    }
    if (i > 0 && series.x[i] < series.x[i - 1]) {
      return error(absl::StrCat("position ", i, " is ", series.x[i],
                                ", less than the one before it, ",
                                series.x[i - 1]));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status LineChart::Validate() const {
  const std::string name =
      title.empty() ? "chart" : absl::StrCat("chart '", title, "'");
  const auto error = [&name](const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", what));
  };
  if (width < kMinWidth || height < kMinHeight) {
    return error(absl::StrCat("size is ", width, " x ", height,
                              ", expected at least ", kMinWidth, " x ",
                              kMinHeight));
  }
  for (size_t i = 0; i < series.size(); ++i) {
    VISION_RETURN_IF_ERROR(ValidateSeries(
        series[i], absl::StrCat(name, ", series '", series[i].name, "'")));
    if (series[i].color < -1 || series[i].color >= kPaletteSize) {
      return error(absl::StrCat("series '", series[i].name, "': color is ",
                                series[i].color, ", expected -1 to ",
                                kPaletteSize - 1));
    }
  }
  for (const ChartMark& mark : marks) {
    if (!IsDrawable(mark.at, log_y && mark.axis == ChartMark::Axis::kY)) {
      return error(absl::StrCat("mark '", mark.label, "' is at ", mark.at,
                                ", expected a finite number",
                                log_y ? " above 0" : ""));
    }
  }
  for (const auto& [limit, axis] :
       {std::pair(x_min, "x"), std::pair(x_max, "x"), std::pair(y_min, "y"),
        std::pair(y_max, "y")}) {
    if (limit.has_value() && !IsDrawable(*limit, log_y && axis[0] == 'y')) {
      return error(absl::StrCat("an end of the ", axis, " axis is ", *limit,
                                ", expected a finite number",
                                log_y ? " above 0" : ""));
    }
  }
  if (x_min.has_value() && x_max.has_value() && !(*x_min < *x_max)) {
    return error(absl::StrCat("x axis from ", *x_min, " to ", *x_max,
                              ", expected ascending ends"));
  }
  if (y_min.has_value() && y_max.has_value() && !(*y_min < *y_max)) {
    return error(absl::StrCat("y axis from ", *y_min, " to ", *y_max,
                              ", expected ascending ends"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> RenderLineChart(const LineChart& chart) {
  VISION_RETURN_IF_ERROR(chart.Validate());
  return Drawing(chart).Render();
}

}  // namespace wsol
