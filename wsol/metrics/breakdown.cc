#include "wsol/metrics/breakdown.h"

#include <map>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/mask_histogram.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/metrics/score_bins.h"
#include "wsol/metrics/tau_selection.h"

namespace wsol {
namespace {

using KeyOf = absl::FunctionRef<int(const ImageInfo&)>;

int Label(const ImageInfo& info) { return info.label; }
int Size(const ImageInfo& info) { return static_cast<int>(info.size); }

absl::Status CheckImages(size_t num_kept, int64_t num_images) {
  if (static_cast<int64_t>(num_kept) == num_images) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("results by image: got ", num_kept, " images of ",
                   num_images, ", expected an evaluation with keep_images"));
}

absl::StatusOr<std::vector<BoxGroup>> GroupBoxes(const BoxMetrics& metrics,
                                                 BoxMode mode, int iou_percent,
                                                 LocalizationKind kind,
                                                 double tau, KeyOf key_of) {
  VISION_ASSIGN_OR_RETURN(const std::vector<bool> is_correct,
                          CorrectImages(metrics, mode, iou_percent, kind, tau));
  std::map<int, BoxGroup> by_key;
  for (size_t i = 0; i < metrics.images.size(); ++i) {
    BoxGroup& group = by_key[key_of(metrics.images[i].info)];
    ++group.num_images;
    group.num_correct += is_correct[i];
  }
  std::vector<BoxGroup> groups;
  for (auto& [key, group] : by_key) {
    group.key = key;
    group.accuracy = 100.0 * static_cast<double>(group.num_correct) /
                     static_cast<double>(group.num_images);
    groups.push_back(group);
  }
  return groups;
}

absl::StatusOr<std::vector<MaskGroup>> GroupMasks(const MaskMetrics& metrics,
                                                  KeyOf key_of) {
  VISION_RETURN_IF_ERROR(
      CheckImages(metrics.images.size(), metrics.num_images));
  const size_t num_bins = ScoreBins(metrics.tau_interval).num_bins();
  struct Sum {
    explicit Sum(size_t bins) : counts(bins) {}
    PixelCounts counts;
    int64_t num_images = 0;
  };
  std::map<int, Sum> by_key;
  for (const MaskImage& image : metrics.images) {
    Sum& sum = by_key.try_emplace(key_of(image.info), num_bins).first->second;
    image.histogram.AddTo(&sum.counts);
    ++sum.num_images;
  }
  std::vector<MaskGroup> groups;
  for (const auto& [key, sum] : by_key) {
    MaskGroup group;
    group.key = key;
    absl::StatusOr<MaskMetrics> of_group =
        ComputeMaskMetrics(sum.counts, metrics.tau_interval);
    if (of_group.ok()) {
      group.metrics = *std::move(of_group);
    } else if (!absl::IsFailedPrecondition(of_group.status())) {
      return of_group.status();
    } else {  // No foreground.
      group.metrics.tau_interval = metrics.tau_interval;
      for (const int64_t count : sum.counts.background) {
        group.metrics.num_background_pixels += count;
      }
    }
    group.metrics.evaluation_mode = metrics.evaluation_mode;
    group.metrics.num_images = sum.num_images;
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace

absl::StatusOr<std::vector<bool>> CorrectImages(const BoxMetrics& metrics,
                                                BoxMode mode, int iou_percent,
                                                LocalizationKind kind,
                                                double tau) {
  VISION_RETURN_IF_ERROR(
      CheckImages(metrics.images.size(), metrics.num_images));
  // For its errors.
  VISION_RETURN_IF_ERROR(
      AccuracyAt(metrics, mode, iou_percent, kind, tau).status());
  VISION_ASSIGN_OR_RETURN(const size_t tau_index, TauIndex(metrics.taus, tau));
  const std::vector<BoxAccuracy>& by_iou = metrics.ByIou(mode);
  size_t iou_index = 0;
  while (by_iou[iou_index].iou_percent != iou_percent) ++iou_index;
  std::vector<bool> is_correct;
  is_correct.reserve(metrics.images.size());
  for (const BoxImage& image : metrics.images) {
    is_correct.push_back(image.IsCorrect(mode, iou_index, kind, tau_index));
  }
  return is_correct;
}

absl::StatusOr<std::vector<BoxGroup>> BoxesByClass(const BoxMetrics& metrics,
                                                   BoxMode mode,
                                                   int iou_percent,
                                                   LocalizationKind kind,
                                                   double tau) {
  return GroupBoxes(metrics, mode, iou_percent, kind, tau, Label);
}

absl::StatusOr<std::vector<BoxGroup>> BoxesBySize(const BoxMetrics& metrics,
                                                  BoxMode mode, int iou_percent,
                                                  LocalizationKind kind,
                                                  double tau) {
  return GroupBoxes(metrics, mode, iou_percent, kind, tau, Size);
}

absl::StatusOr<std::vector<MaskGroup>> MasksByClass(
    const MaskMetrics& metrics) {
  return GroupMasks(metrics, Label);
}

absl::StatusOr<std::vector<MaskGroup>> MasksBySize(const MaskMetrics& metrics) {
  return GroupMasks(metrics, Size);
}

absl::StatusOr<PrecisionRecall> MaskImageAt(const MaskMetrics& metrics,
                                            const MaskImage& image,
                                            double tau) {
  VISION_RETURN_IF_ERROR(ValidateTauInterval(metrics.tau_interval));
  const std::vector<double> taus = TauList(metrics.tau_interval);
  VISION_ASSIGN_OR_RETURN(const size_t index, TauIndex(taus, tau));
  PixelCounts counts(taus.size() + 2);
  image.histogram.AddTo(&counts);
  PrecisionRecall point;
  point.threshold = taus[index];
  int64_t num_foreground = 0;
  for (size_t bin = 0; bin < counts.foreground.size(); ++bin) {
    num_foreground += counts.foreground[bin];
    if (bin < index) continue;
    point.true_positives += counts.foreground[bin];
    point.false_positives += counts.background[bin];
  }
  const int64_t found = point.true_positives + point.false_positives;
  const int64_t either = num_foreground + point.false_positives;
  const auto ratio = [](int64_t part, int64_t whole) {
    return whole == 0 ? 0.0
                      : static_cast<double>(part) / static_cast<double>(whole);
  };
  point.precision = ratio(point.true_positives, found);
  point.recall = ratio(point.true_positives, num_foreground);
  point.f1 = 2 * ratio(point.true_positives, num_foreground + found);
  point.iou = ratio(point.true_positives, either);
  return point;
}

}  // namespace wsol
