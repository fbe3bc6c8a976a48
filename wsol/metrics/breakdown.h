// Results by class and by object size, from metrics that kept their images.
//
//   VISION_ASSIGN_OR_RETURN(
//       const std::vector<wsol::BoxGroup> groups,
//       wsol::BoxesByClass(metrics, wsol::BoxMode::kAllContours, 50,
//                          wsol::LocalizationKind::kKnownClass, tau));
//   groups[0].key, groups[0].accuracy;

#ifndef WSOL_METRICS_BREAKDOWN_H_
#define WSOL_METRICS_BREAKDOWN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/mask_evaluator.h"

namespace wsol {

// Images of one class, or of one object size.
struct BoxGroup {
  int key = 0;  // The label (-1: unknown), or the ObjectSize as a number.
  int64_t num_images = 0;
  int64_t num_correct = 0;
  double accuracy = 0;  // Percent.
};

// The groups that have images, by key, at one threshold.
// kFailedPrecondition if the metrics did not keep their images,
// kInvalidArgument as AccuracyAt.
absl::StatusOr<std::vector<BoxGroup>> BoxesByClass(const BoxMetrics& metrics,
                                                   BoxMode mode,
                                                   int iou_percent,
                                                   LocalizationKind kind,
                                                   double tau);
absl::StatusOr<std::vector<BoxGroup>> BoxesBySize(const BoxMetrics& metrics,
                                                  BoxMode mode, int iou_percent,
                                                  LocalizationKind kind,
                                                  double tau);

// Whether each of metrics.images is right, in their order: what a paired
// bootstrap over images needs. Errors as above.
absl::StatusOr<std::vector<bool>> CorrectImages(const BoxMetrics& metrics,
                                                BoxMode mode, int iou_percent,
                                                LocalizationKind kind,
                                                double tau);

// Pixels of one class's, or one object size's, images.
struct MaskGroup {
  int key = 0;
  // Its `images` are empty. Groups without a foreground pixel have only counts.
  MaskMetrics metrics;
};

// kFailedPrecondition if the metrics did not keep their images. About 5
// microseconds an image.
absl::StatusOr<std::vector<MaskGroup>> MasksByClass(const MaskMetrics& metrics);
absl::StatusOr<std::vector<MaskGroup>> MasksBySize(const MaskMetrics& metrics);

// The point of one image's own precision-recall curve at one of the
// thresholds; kInvalidArgument if it is none. Where the image has no
// foreground, recall is 0.
absl::StatusOr<PrecisionRecall> MaskImageAt(const MaskMetrics& metrics,
                                            const MaskImage& image, double tau);

}  // namespace wsol

#endif  // WSOL_METRICS_BREAKDOWN_H_
