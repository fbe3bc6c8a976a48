#include "wsol/metrics/mask_evaluator.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "vision/base/status_util.h"
#include "wsol/metrics/image_state.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/metrics/state_codec.h"

namespace wsol {
namespace {

constexpr char kStateTag[] = "MSK1";

int64_t Sum(const std::vector<int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

double Ratio(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

absl::Status MaskEvaluatorOptions::Validate() const {
  return ValidateTauInterval(tau_interval);
}

absl::StatusOr<MaskMetrics> ComputeMaskMetrics(const PixelCounts& counts,
                                               double tau_interval) {
  VISION_RETURN_IF_ERROR(ValidateTauInterval(tau_interval));
  const ScoreBins bins(tau_interval);
  if (counts.foreground.size() != bins.num_bins() ||
      counts.background.size() != bins.num_bins()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "pixel counts: got ", counts.foreground.size(), " and ",
        counts.background.size(), " bins, expected ", bins.num_bins()));
  }
  MaskMetrics metrics;
  metrics.tau_interval = tau_interval;
  metrics.num_foreground_pixels = Sum(counts.foreground);
  metrics.num_background_pixels = Sum(counts.background);
  const int64_t num_foreground = metrics.num_foreground_pixels;
  if (num_foreground == 0) {
    return absl::FailedPreconditionError(
        "PxAP: got no foreground pixel, expected at least one");
  }

  // The bin [2, 3] comes first in the protocol's sum and adds nothing.
  int64_t true_positives = 0, false_positives = 0;
  double recall_before = 0, area = 0;
  for (size_t bin = bins.num_bins() - 1; bin-- > 0;) {
    true_positives += counts.foreground[bin];
    false_positives += counts.background[bin];
    const int64_t found = true_positives + false_positives;
    if (found == 0) continue;
    PrecisionRecall point;
    point.threshold = bins.edges()[bin];
    point.true_positives = true_positives;
    point.false_positives = false_positives;
    point.precision = Ratio(true_positives, found);
    point.recall = Ratio(true_positives, num_foreground);
    // In these forms equal figures have equal bits at any scale.
    point.f1 = 2 * Ratio(true_positives, num_foreground + found);
    point.iou = Ratio(true_positives, num_foreground + found - true_positives);
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
    const int64_t sum =
        num_foreground + point.true_positives + point.false_positives;
    const auto left = static_cast<__int128>(point.true_positives) * best_sum;
    if (left > static_cast<__int128>(best_tp) * sum) {
      best_tp = point.true_positives;
      best_sum = sum;
      metrics.best_tau = point.threshold;
    }
  }
  metrics.best_f1 = 2 * Ratio(best_tp, best_sum);
  metrics.best_iou = Ratio(best_tp, best_sum - best_tp);
  metrics.piou = 100 * metrics.best_iou;
  return metrics;
}

absl::StatusOr<MaskEvaluator> MaskEvaluator::Create(
    MaskEvaluatorOptions options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  return MaskEvaluator(options);
}

MaskEvaluator::MaskEvaluator(MaskEvaluatorOptions options)
    : options_(options),
      bins_(options.tau_interval),
      counts_(bins_.num_bins()),
      image_counts_(options.keep_images ? bins_.num_bins() : 0) {}

absl::Status MaskEvaluator::Accumulate(const cv::Mat& map, const cv::Mat& mask,
                                       const ImageInfo& info) {
  if (options_.mode == EvaluationMode::kProtocol) {
    VISION_RETURN_IF_ERROR(CheckFrameScoreMap(map));
    VISION_RETURN_IF_ERROR(CheckFrameMask(mask));
  } else {
    VISION_RETURN_IF_ERROR(CheckScoreMap(map));
    VISION_RETURN_IF_ERROR(CheckMask(mask, map.cols, map.rows));
  }
  if (options_.keep_images && info.id.empty()) {
    return absl::InvalidArgumentError(
        "image id: got none, expected one since images are kept");
  }
  PixelCounts* const counts = options_.keep_images ? &image_counts_ : &counts_;
  if (options_.keep_images) image_counts_.Clear();
  if (map.isContinuous() && mask.isContinuous()) {
    bins_.Count(map.ptr<double>(), mask.ptr<uint8_t>(), map.total(), counts);
  } else {
    for (int y = 0; y < map.rows; ++y) {
      bins_.Count(map.ptr<double>(y), mask.ptr<uint8_t>(y),
                  static_cast<size_t>(map.cols), counts);
    }
  }
  if (options_.keep_images) {
    counts_.Add(image_counts_);
    images_.push_back({info, MaskHistogram(image_counts_)});
  }
  ++num_images_;
  return absl::OkStatus();
}

absl::Status MaskEvaluator::Merge(const MaskEvaluator& other) {
  const MaskEvaluatorOptions& theirs = other.options_;
  if (options_.tau_interval != theirs.tau_interval) {
    return absl::InvalidArgumentError(absl::StrCat(
        "merge of mask evaluators: got tau_interval ", theirs.tau_interval,
        ", expected ", options_.tau_interval));
  }
  if (options_.mode != theirs.mode ||
      options_.keep_images != theirs.keep_images) {
    return absl::InvalidArgumentError(absl::StrCat(
        "merge of mask evaluators: got mode ", EvaluationModeName(theirs.mode),
        " and keep_images ", theirs.keep_images, ", expected ",
        EvaluationModeName(options_.mode), " and ", options_.keep_images));
  }
  counts_.Add(other.counts_);
  num_images_ += other.num_images_;
  images_.insert(images_.end(), other.images_.begin(), other.images_.end());
  return absl::OkStatus();
}

absl::StatusOr<MaskMetrics> MaskEvaluator::Compute() const {
  if (Sum(counts_.foreground) == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("PxAP: got no foreground pixel in the masks of ",
                     num_images_, " images, expected at least one"));
  }
  VISION_ASSIGN_OR_RETURN(MaskMetrics metrics,
                          ComputeMaskMetrics(counts_, options_.tau_interval));
  metrics.evaluation_mode = options_.mode;
  metrics.num_images = num_images_;
  metrics.images = images_;
  VISION_RETURN_IF_ERROR(SortById(&metrics.images));
  return metrics;
}

std::string MaskEvaluator::Serialize() const {
  StateWriter writer(kStateTag);
  writer.PutDouble(options_.tau_interval);
  writer.PutUnsigned(static_cast<uint64_t>(options_.mode));
  writer.PutUnsigned(options_.keep_images);
  writer.PutSigned(num_images_);
  writer.PutCounts(counts_.foreground);
  writer.PutCounts(counts_.background);
  for (const MaskImage& image : images_) {
    PutImageInfo(image.info, &writer);
    writer.PutString(image.histogram.encoded());
  }
  return std::move(writer).Finish();
}

absl::StatusOr<MaskEvaluator> MaskEvaluator::Parse(absl::string_view bytes) {
  VISION_ASSIGN_OR_RETURN(StateReader reader,
                          StateReader::Open(bytes, kStateTag));
  MaskEvaluatorOptions options;
  options.tau_interval = reader.GetDouble();
  VISION_ASSIGN_OR_RETURN(options.mode, GetEvaluationMode(&reader));
  options.keep_images = reader.GetUnsigned() != 0;
  VISION_RETURN_IF_ERROR(options.Validate());
  const int64_t num_images = reader.GetSigned();
  PixelCounts counts;
  counts.foreground = reader.GetCounts();
  counts.background = reader.GetCounts();
  // Before anything of the size that tau_interval asks for is made.
  const double num_bins = std::ceil(1 / options.tau_interval) + 2;
  if (num_images < 0 ||
      num_bins != static_cast<double>(counts.foreground.size()) ||
      num_bins != static_cast<double>(counts.background.size())) {
    return absl::InvalidArgumentError(
        "state of a mask evaluator: its counts make no sense");
  }
  MaskEvaluator evaluator(options);
  evaluator.num_images_ = num_images;
  evaluator.counts_ = std::move(counts);
  if (options.keep_images) {
    for (int64_t i = 0; i < num_images && !reader.is_short(); ++i) {
      MaskImage image;
      VISION_ASSIGN_OR_RETURN(image.info, GetImageInfo(&reader));
      VISION_ASSIGN_OR_RETURN(
          image.histogram,
          MaskHistogram::Parse(reader.GetString(), evaluator.bins_.num_bins()));
      evaluator.images_.push_back(std::move(image));
    }
  }
  VISION_RETURN_IF_ERROR(reader.Finish());
  return evaluator;
}

}  // namespace wsol
