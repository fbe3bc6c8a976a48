#include "wsol/report_run/activation_histogram.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

void AddCounts(const std::vector<int64_t>& from, std::vector<int64_t>* to) {
  for (size_t b = 0; b < kActivationBins; ++b) (*to)[b] += from[b];
}

// `counts` has some bins for each of ours, and one of the value 1.
void AddStored(const std::vector<int64_t>& counts, std::vector<int64_t>* to) {
  const size_t each = (counts.size() - 1) / kActivationBins;
  for (size_t b = 0; b < counts.size(); ++b) {
    (*to)[std::min(b / each, kActivationBins - 1)] += counts[b];
  }
}

}  // namespace

void ActivationHistogram::Add(const cv::Mat& map, const cv::Mat& mask) {
  for (int y = 0; y < map.rows; ++y) {
    const double* const values = map.ptr<double>(y);
    const uint8_t* const labels = mask.empty() ? nullptr : mask.ptr(y);
    for (int x = 0; x < map.cols; ++x) {
      const size_t bin =
          std::min(static_cast<size_t>(values[x] * double{kActivationBins}),
                   kActivationBins - 1);
      ++all[bin];
      if (labels == nullptr) continue;
      if (labels[x] == kForegroundLabel) ++foreground[bin];
      if (labels[x] == kBackgroundLabel) ++background[bin];
    }
  }
}

void ActivationHistogram::Merge(const ActivationHistogram& other) {
  AddCounts(other.all, &all);
  AddCounts(other.foreground, &foreground);
  AddCounts(other.background, &background);
}

bool ActivationHistogram::has_masks() const {
  return std::any_of(foreground.begin(), foreground.end(),
                     [](int64_t count) { return count > 0; });
}

std::optional<ActivationHistogram> HistogramOfResults(
    const StoredResults& results) {
  if (results.masks.empty()) return std::nullopt;
  const size_t num_bins = results.masks[0].foreground_histogram.size();
  if (num_bins <= kActivationBins || (num_bins - 1) % kActivationBins != 0) {
    return std::nullopt;
  }
  ActivationHistogram histogram;
  for (const StoredMaskImage& mask : results.masks) {
    AddStored(mask.foreground_histogram, &histogram.foreground);
    AddStored(mask.background_histogram, &histogram.background);
  }
  AddCounts(histogram.foreground, &histogram.all);
  AddCounts(histogram.background, &histogram.all);
  return histogram;
}

LineSeries HistogramSeries(std::string name, absl::Span<const int64_t> counts) {
  LineSeries series;
  series.name = std::move(name);
  series.steps = true;
  const double total = static_cast<double>(
      std::accumulate(counts.begin(), counts.end(), int64_t{0}));
  const auto num_bins = static_cast<double>(counts.size());
  for (size_t b = 0; b < counts.size(); ++b) {
    series.x.push_back(static_cast<double>(b) / num_bins);
    series.y.push_back(total > 0 ? 100 * static_cast<double>(counts[b]) / total
                                 : 0);
  }
  // Steps reach to the next position.
  if (!counts.empty()) {
    series.x.push_back(1);
    series.y.push_back(series.y.back());
  }
  return series;
}

}  // namespace wsol
