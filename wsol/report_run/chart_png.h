// A chart of the report as a PNG file too, drawn by
// wsol/run_log/metric_curves.h.

#ifndef WSOL_REPORT_RUN_CHART_PNG_H_
#define WSOL_REPORT_RUN_CHART_PNG_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "wsol/report/chart.h"
#include "wsol/run_log/metric_curves.h"

namespace wsol {

// The series as curves, with the chart's titles and ends. Steps become corners;
// of points at the same position the first stays. A mark on the x axis becomes
// the red dot of all curves that have a point there; other marks, bands, dashes
// and areas are left out. The chart must be valid.
std::vector<MetricCurve> CurvesOfChart(const LineChart& chart);
MetricCurvesOptions CurvesOptionsOfChart(const LineChart& chart);

// Errors: those of LineChart::Validate and of writing the file.
absl::Status WriteChartPng(const std::string& path, const LineChart& chart);

}  // namespace wsol

#endif  // WSOL_REPORT_RUN_CHART_PNG_H_
