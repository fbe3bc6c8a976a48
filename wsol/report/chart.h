// Line charts as SVG, without a library and without scripts.
//
//   LineChart chart;
//   chart.title = "Localization accuracy";
//   chart.x_title = "Threshold";
//   chart.y_title = "Images (%)";
//   chart.series.push_back({"CAM", thresholds, cam_accuracy});
//   chart.series.push_back({"F-CAM", thresholds, fcam_accuracy});
//   absl::StatusOr<std::string> svg = RenderLineChart(chart);

#ifndef WSOL_REPORT_CHART_H_
#define WSOL_REPORT_CHART_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wsol {

// One line of a chart.
struct LineSeries {
  std::string name;
  // Positions, ascending and finite.
  std::vector<double> x;
  // Values, as many as positions. One that is not finite leaves a gap.
  std::vector<double> y;
  // Ends of a shaded band around the line (a spread over seeds), as many as
  // positions, or both empty for no band.
  std::vector<double> y_low = {};
  std::vector<double> y_high = {};
  bool dashed = false;
  // Draws the points, if they are few enough to be told apart.
  bool markers = false;
  // Draws steps, y[i] reaching from x[i] to x[i + 1]: a histogram.
  bool steps = false;
  // Shades the area between the line and the bottom of the chart.
  bool filled = false;
  // Colour of the palette, 0 to 7; -1 takes the series' own place in the chart.
  int color = -1;
};

// A straight line across a chart, at a position or at a value.
struct ChartMark {
  enum class Axis { kX, kY };
  Axis axis = Axis::kX;
  double at = 0;
  std::string label = "";
};

struct LineChart {
  std::string title;
  // One sentence that tells a reader who cannot see the chart what it shows;
  // by default made of title, axes and names of the series.
  std::string description = "";
  std::string x_title;
  std::string y_title;
  std::vector<LineSeries> series;
  std::vector<ChartMark> marks;
  // Ends of the axes; by default those of the data, the y axis' rounded
  // outwards. Data beyond them are cut off.
  std::optional<double> x_min, x_max, y_min, y_max;
  // Puts powers of ten on the y axis; values <= 0 leave gaps.
  bool log_y = false;
  // Size in CSS pixels; text is 12 pixels high at this size. At least 240 x
  // 160.
  int width = 640;
  int height = 360;

  // kInvalidArgument, naming the series, if a size, an order or a range above
  // does not hold.
  absl::Status Validate() const;
};

// Returns an <svg> element that can stand in an HTML page or, as it is, in a
// file. It takes its colours from the page's custom properties (--ink, --muted,
// --grid, --paper, --series-0 ... --series-7) where those are defined and from
// a light palette that colour-blind readers can tell apart where not. A chart
// without data says "no data". Lines of more points than pixels are thinned to
// the first, last, lowest and highest of each pixel column, which looks the
// same. Fails as LineChart::Validate does.
absl::StatusOr<std::string> RenderLineChart(const LineChart& chart);

}  // namespace wsol

#endif  // WSOL_REPORT_CHART_H_
