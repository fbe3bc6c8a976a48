// How a map's values are spread: F-CAM's gather at 0 and 1, a CAM's anywhere
// (the poster's histograms of activations).
//
//   wsol::ActivationHistogram histogram;
//   histogram.Add(map, mask);  // For each image.
//   chart.series.push_back(wsol::HistogramSeries("F-CAM", histogram.all));

#ifndef WSOL_REPORT_RUN_ACTIVATION_HISTOGRAM_H_
#define WSOL_REPORT_RUN_ACTIVATION_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "wsol/report/chart.h"
#include "wsol/results/results_json.h"

namespace wsol {

inline constexpr size_t kActivationBins = 50;

// Pixels by value: bin b holds [b, b + 1) / kActivationBins, the last one 1
// too.
struct ActivationHistogram {
  std::vector<int64_t> all = std::vector<int64_t>(kActivationBins, 0);
  // Those of masks' objects and backgrounds; ignored pixels are in neither.
  std::vector<int64_t> foreground = std::vector<int64_t>(kActivationBins, 0);
  std::vector<int64_t> background = std::vector<int64_t>(kActivationBins, 0);

  // `map` is CV_64FC1 in [0, 1]; `mask` CV_8UC1 of the same size, of the labels
  // of protocol_frame.h, or empty.
  void Add(const cv::Mat& map, const cv::Mat& mask);
  void Merge(const ActivationHistogram& other);

  bool has_masks() const;
};

// The histogram of results by image of masks, whose file has them about 0.01
// apart, without the maps; `all` is both kinds of pixels together, ignored ones
// left out. Nothing if the results have no masks by image, or bins that do not
// divide into kActivationBins.
std::optional<ActivationHistogram> HistogramOfResults(
    const StoredResults& results);

// Steps of the share of pixels in each bin, percent.
LineSeries HistogramSeries(std::string name, absl::Span<const int64_t> counts);

}  // namespace wsol

#endif  // WSOL_REPORT_RUN_ACTIVATION_HISTOGRAM_H_
