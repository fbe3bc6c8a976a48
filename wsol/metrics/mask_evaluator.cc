#include "wsol/metrics/mask_evaluator.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "vision/base/status_util.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

// Finds the bin of a score in [0, 1] among the edges i * interval, 1, 2, 3.
class BinFinder {
 public:
  explicit BinFinder(const std::vector<double>& edges)
      : edges_(edges),
        last_tau_(edges.size() - 4),
        taus_per_unit_(1 / edges[1]) {}

  size_t Find(double score) const {
    if (score >= 1) return last_tau_ + 1;
    // The quotient may round to either side of an edge: ask the edges.
    size_t bin =
        std::min(static_cast<size_t>(score * taus_per_unit_), last_tau_);
    while (score < edges_[bin]) --bin;
    while (score >= edges_[bin + 1]) ++bin;
    return bin;
  }

 private:
  const std::vector<double>& edges_;
  size_t last_tau_;
  double taus_per_unit_;
};

}  // namespace

absl::Status MaskEvaluatorOptions::Validate() const {
  return ValidateTauInterval(tau_interval);
}

absl::StatusOr<MaskEvaluator> MaskEvaluator::Create(
    MaskEvaluatorOptions options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  return MaskEvaluator(options);
}

MaskEvaluator::MaskEvaluator(MaskEvaluatorOptions options)
    : options_(options), edges_(TauList(options.tau_interval)) {
  edges_.insert(edges_.end(), {1, 2, 3});
  foreground_.assign(edges_.size() - 1, 0);
  background_.assign(edges_.size() - 1, 0);
}

absl::Status MaskEvaluator::Accumulate(const cv::Mat& map,
                                       const cv::Mat& mask) {
  VISION_RETURN_IF_ERROR(CheckFrameScoreMap(map));
  VISION_RETURN_IF_ERROR(CheckFrameMask(mask));
  const BinFinder bins(edges_);
  for (int y = 0; y < map.rows; ++y) {
    const double* const scores = map.ptr<double>(y);
    const uint8_t* const labels = mask.ptr<uint8_t>(y);
    for (int x = 0; x < map.cols; ++x) {
      if (labels[x] == kIgnoredLabel) continue;
      auto& histogram =
          labels[x] == kForegroundLabel ? foreground_ : background_;
      ++histogram[bins.Find(scores[x])];
    }
  }
  ++num_images_;
  return absl::OkStatus();
}

absl::Status MaskEvaluator::Merge(const MaskEvaluator& other) {
  if (options_.tau_interval != other.options_.tau_interval) {
    return absl::InvalidArgumentError(absl::StrCat(
        "merge of mask evaluators: got tau_interval ",
        other.options_.tau_interval, ", expected ", options_.tau_interval));
  }
  for (size_t i = 0; i < foreground_.size(); ++i) {
    foreground_[i] += other.foreground_[i];
    background_[i] += other.background_[i];
  }
  num_images_ += other.num_images_;
  return absl::OkStatus();
}

absl::StatusOr<MaskMetrics> MaskEvaluator::Compute() const {
  MaskMetrics metrics;
  metrics.num_images = num_images_;
  metrics.num_foreground_pixels =
      std::accumulate(foreground_.begin(), foreground_.end(), int64_t{0});
  metrics.num_background_pixels =
      std::accumulate(background_.begin(), background_.end(), int64_t{0});
  if (metrics.num_foreground_pixels == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("PxAP: got no foreground pixel in the masks of ",
                     num_images_, " images, expected at least one"));
  }
  const double num_foreground =
      static_cast<double>(metrics.num_foreground_pixels);

  // The bin [2, 3] comes first in the protocol's sum and adds nothing.
  int64_t true_positives = 0, false_positives = 0;
  double recall_before = 0, area = 0;
  for (size_t bin = foreground_.size() - 1; bin-- > 0;) {
    true_positives += foreground_[bin];
    false_positives += background_[bin];
    if (true_positives + false_positives == 0) continue;
    PrecisionRecall point;
    point.threshold = edges_[bin];
    point.true_positives = true_positives;
    point.false_positives = false_positives;
    point.precision = static_cast<double>(true_positives) /
                      static_cast<double>(true_positives + false_positives);
    point.recall = static_cast<double>(true_positives) / num_foreground;
    area += point.precision * (point.recall - recall_before);
    recall_before = point.recall;
    metrics.curve.push_back(point);
  }
  std::reverse(metrics.curve.begin(), metrics.curve.end());
  metrics.pxap = 100 * area;

  // F1 = 2 tp / (foreground + found), in integers: exact comparisons.
  int64_t best_tp = 0, best_sum = 1;
  for (const PrecisionRecall& point : metrics.curve) {
    if (point.threshold >= 1) continue;  // Not a tau.
    const int64_t sum = metrics.num_foreground_pixels + point.true_positives +
                        point.false_positives;
    const auto left = static_cast<__int128>(point.true_positives) * best_sum;
    if (left > static_cast<__int128>(best_tp) * sum) {
      best_tp = point.true_positives;
      best_sum = sum;
      metrics.best_tau = point.threshold;
    }
  }
  metrics.best_f1 =
      2 * static_cast<double>(best_tp) / static_cast<double>(best_sum);
  metrics.best_iou =
      static_cast<double>(best_tp) / static_cast<double>(best_sum - best_tp);
  return metrics;
}

}  // namespace wsol
