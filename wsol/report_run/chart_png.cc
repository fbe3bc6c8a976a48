#include "wsol/report_run/chart_png.h"

#include <cmath>
#include <cstddef>

#include "vision/base/status_util.h"

namespace wsol {

std::vector<MetricCurve> CurvesOfChart(const LineChart& chart) {
  std::vector<MetricCurve> curves;
  for (const LineSeries& series : chart.series) {
    MetricCurve& curve = curves.emplace_back();
    curve.name = series.name;
    curve.color = series.color;
    curve.markers = series.markers;
    const auto add = [&curve](double x, double y) {
      if (!curve.x.empty() && x <= curve.x.back()) return;
      curve.x.push_back(x);
      curve.y.push_back(y);
    };
    for (size_t i = 0; i < series.x.size(); ++i) {
      // The corner just left of this step's.
      if (series.steps && i > 0) {
        add(std::nextafter(series.x[i], series.x[i - 1]), series.y[i - 1]);
      }
      add(series.x[i], series.y[i]);
    }
    for (const ChartMark& mark : chart.marks) {
      if (mark.axis == ChartMark::Axis::kX) curve.best_x = mark.at;
    }
  }
  return curves;
}

MetricCurvesOptions CurvesOptionsOfChart(const LineChart& chart) {
  MetricCurvesOptions options;
  options.title = chart.title;
  options.x_title = chart.x_title;
  options.y_title = chart.y_title;
  options.x_min = chart.x_min;
  options.x_max = chart.x_max;
  options.y_min = chart.y_min;
  options.y_max = chart.y_max;
  options.log_y = chart.log_y;
  return options;
}

absl::Status WriteChartPng(const std::string& path, const LineChart& chart) {
  VISION_RETURN_IF_ERROR(chart.Validate());
  return WriteMetricCurves(path, CurvesOfChart(chart),
                           CurvesOptionsOfChart(chart));
}

}  // namespace wsol
