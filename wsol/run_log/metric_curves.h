// Curves of metrics over epochs, thresholds and the like as a PNG file, for
// folders that are looked at with an image viewer. In a report take the SVG of
// wsol/report/chart.h.
//
//   MetricCurvesOptions options;
//   options.title = "CUB, validation";
//   options.y_title = "Images (%)";
//   VISION_RETURN_IF_ERROR(WriteMetricCurves(
//       path, {{"MaxBoxAccV2", epochs, values, best_epoch}}, options));

#ifndef WSOL_RUN_LOG_METRIC_CURVES_H_
#define WSOL_RUN_LOG_METRIC_CURVES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"

namespace wsol {

struct MetricCurve {
  // The fonts have ASCII only; other characters are drawn as "?".
  std::string name;
  // Positions, ascending and finite: epochs.
  std::vector<double> x;
  // Values, as many as positions. One that is not finite leaves a gap.
  std::vector<double> y;
  // Where the red dot is: one of `x`, else there is none. The legend tells the
  // value there.
  std::optional<double> best_x = std::nullopt;
  // Colour of the palette, 0 or more; -1 takes the curve's own place. Those
  // beyond the palette's end are dashed.
  int color = -1;
  // Whether points that can be told apart have markers.
  bool markers = true;
};

struct MetricCurvesOptions {
  std::string title = "";
  std::string x_title = "Epoch";
  std::string y_title = "";
  // Ends of the y axis; by default those of the data, rounded outwards. Data
  // beyond them are cut off.
  std::optional<double> y_min = std::nullopt, y_max = std::nullopt;
  // The same of the x axis, which grows to no round ends.
  std::optional<double> x_min = std::nullopt, x_max = std::nullopt;
  // Puts powers of ten on the y axis; values <= 0 leave gaps.
  bool log_y = false;
  // Size in pixels, 320 x 240 to 4096 x 4096.
  int width = 960;
  int height = 540;

  // kInvalidArgument if a size or a range above does not hold.
  absl::Status Validate() const;
};

// The chart as CV_8UC3 [height, width] in RGB order: title, legend, axes with
// round numbers, a line for each curve with markers where points can be told
// apart. Without a value to draw it says "no data". Fails as
// MetricCurvesOptions::Validate does, and with kInvalidArgument, naming the
// curve, for positions and values of different numbers or positions out of
// order.
absl::StatusOr<cv::Mat> DrawMetricCurves(absl::Span<const MetricCurve> curves,
                                         const MetricCurvesOptions& options);

// The same to a PNG file, which is replaced as a whole; errors of writing it
// besides.
absl::Status WriteMetricCurves(const std::string& path,
                               absl::Span<const MetricCurve> curves,
                               const MetricCurvesOptions& options);

}  // namespace wsol

#endif  // WSOL_RUN_LOG_METRIC_CURVES_H_
