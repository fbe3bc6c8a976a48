#include "wsol/report_run/map_pass.h"

#include <atomic>
#include <cstddef>
#include <mutex>

#include "absl/status/status.h"
#include "opencv2/core.hpp"
#include "vision/base/parallel_for.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/localization_evaluator.h"
#include "wsol/metrics/predicted_boxes.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/results/evaluation_results.h"

namespace wsol {

RunTaus BestTausOf(const StoredResults& results) {
  RunTaus taus;
  for (const BoxMode mode : {BoxMode::kLargestContour, BoxMode::kAllContours}) {
    const auto found = results.metrics.find(
        BoxMetricKey(mode, LocalizationKind::kKnownClass, 50));
    if (found == results.metrics.end()) continue;
    taus.box = found->second.oracle_tau;
    taus.box_mode = mode;
    break;
  }
  const auto masks = results.metrics.find("F1");
  if (masks != results.metrics.end()) taus.mask = masks->second.oracle_tau;
  return taus;
}

absl::StatusOr<FittingBox> FitBox(const cv::Mat& frame_map,
                                  const std::vector<vision::Box>& truth,
                                  double tau, BoxMode mode) {
  VISION_ASSIGN_OR_RETURN(const std::vector<vision::Box> boxes,
                          PredictBoxes(frame_map, tau, mode));
  const BoxMatch match = BestMatch(boxes, truth);
  return FittingBox{boxes[match.predicted], match.iou};
}

double MaskIou(const cv::Mat& map, const cv::Mat& mask, double tau) {
  const cv::Mat counted = mask != kIgnoredLabel;
  const cv::Mat found = (map >= tau) & counted;
  const cv::Mat truth = mask == kForegroundLabel;
  const double united = cv::countNonZero(found | truth);
  return united == 0 ? 0 : cv::countNonZero(found & truth) / united;
}

absl::StatusOr<MapPass> LookAtMaps(
    int64_t num_images,
    const std::function<absl::StatusOr<cv::Mat>(int64_t)>& map_of,
    const ReportSplit* split, const RunTaus& taus,
    const MapPassOptions& options) {
  MapPass pass;
  const auto size = static_cast<size_t>(num_images);
  const bool boxes =
      split != nullptr && split->has_boxes() && taus.box.has_value();
  const bool masks =
      split != nullptr && split->has_masks() && taus.mask.has_value();
  if (boxes) pass.box_ious.assign(size, 0);
  if (masks) pass.mask_ious.assign(size, 0);
  std::vector<absl::Status> statuses(size);
  std::mutex mutex;  // Guards pass.histogram.
  std::atomic<bool> stopped = false, failed = false;
  const auto look = [&](int64_t i) -> absl::Status {
    VISION_ASSIGN_OR_RETURN(const cv::Mat map, map_of(i));
    VISION_ASSIGN_OR_RETURN(const cv::Mat frame, ScoreMapToFrame(map));
    cv::Mat mask;
    if (split != nullptr) {
      VISION_ASSIGN_OR_RETURN(mask, split->FrameMask(i));
    }
    ActivationHistogram histogram;
    histogram.Add(frame, mask);
    {
      const std::lock_guard<std::mutex> lock(mutex);
      pass.histogram.Merge(histogram);
    }
    if (boxes) {
      VISION_ASSIGN_OR_RETURN(const std::vector<vision::Box> truth,
                              split->FrameBoxes(i));
      VISION_ASSIGN_OR_RETURN(const FittingBox fit,
                              FitBox(frame, truth, *taus.box, taus.box_mode));
      pass.box_ious[static_cast<size_t>(i)] = fit.iou;
    }
    if (masks && !mask.empty()) {
      pass.mask_ious[static_cast<size_t>(i)] = MaskIou(frame, mask, *taus.mask);
    }
    return absl::OkStatus();
  };
  vision::ParallelFor(num_images, options.num_threads, [&](int64_t i) {
    if (stopped || failed) return;
    if (options.should_stop && options.should_stop()) {
      stopped = true;
      return;
    }
    statuses[static_cast<size_t>(i)] = look(i);
    if (!statuses[static_cast<size_t>(i)].ok()) failed = true;
    if (options.on_image) options.on_image();
  });
  for (const absl::Status& status : statuses) VISION_RETURN_IF_ERROR(status);
  if (stopped) return absl::CancelledError("stopped while reading maps");
  return pass;
}

}  // namespace wsol
