// All localization metrics of a split from score maps of any size, boxes in
// original pixels and masks of original size.
//
//   VISION_ASSIGN_OR_RETURN(auto evaluator,
//                           wsol::LocalizationEvaluator::Create({}));
//   wsol::LocalizationSample sample;
//   sample.score_map = map;  // [h, w] CV_32F, as the model gives it
//   sample.width = 500, sample.height = 375, sample.boxes = record.boxes;
//   VISION_RETURN_IF_ERROR(evaluator.Accumulate(sample));
//   VISION_ASSIGN_OR_RETURN(const auto metrics, evaluator.Compute());
//   metrics.boxes->max_box_acc_v2;

#ifndef WSOL_METRICS_LOCALIZATION_EVALUATOR_H_
#define WSOL_METRICS_LOCALIZATION_EVALUATOR_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/mask_evaluator.h"

namespace wsol {

struct LocalizationEvaluatorOptions {
  BoxEvaluatorOptions boxes;
  MaskEvaluatorOptions masks;

  absl::Status Validate() const;
};

// What is predicted and what is true of an image.
struct LocalizationSample {
  std::string id;  // Named in errors.

  // [h, w] CV_32FC1 or CV_64FC1 of any size: the map of the true class.
  cv::Mat score_map;

  // Size of the original image in pixels; needed with boxes.
  int width = 0;
  int height = 0;

  // True boxes, half-open, original pixels. Empty: not in the box metrics.
  absl::Span<const vision::Box> boxes;

  // CV_8UC1 of the labels of protocol_frame.h (0, 1, 255), of original size,
  // or in the frame already (MakeFrameMask); goes to the frame by OpenCV's
  // nearest neighbour. Empty: not in the mask metrics.
  cv::Mat mask;

  // Position of the true class in the classifier's ranking, 0 for the first.
  std::optional<int> true_class_rank;
};

// Absent: no image had boxes, or masks.
struct LocalizationMetrics {
  std::optional<BoxMetrics> boxes;
  std::optional<MaskMetrics> masks;
};

// A score map as the protocol compares it: NaN becomes 0, infinities 0 and 1;
// bilinear interpolation to 224 x 224 (align_corners = False) in the map's
// type; double; values clamped to [0, 1]. NOTE(reference): the published code
// does not clamp and stops at a value that rounding carried above 1.
// kInvalidArgument for other types or an empty map.
absl::StatusOr<cv::Mat> ScoreMapToFrame(const cv::Mat& score_map);

// Not thread-safe: use one evaluator per thread and Merge them; the result
// does not depend on order or partition.
class LocalizationEvaluator {
 public:
  // kInvalidArgument for bad options.
  static absl::StatusOr<LocalizationEvaluator> Create(
      LocalizationEvaluatorOptions options);

  // Takes in an image with boxes, a mask or both. kInvalidArgument, with the
  // sample's id, for neither or for whatever the evaluators reject; nothing is
  // counted then. About 2 ms.
  absl::Status Accumulate(const LocalizationSample& sample);

  // kInvalidArgument if the options differ.
  absl::Status Merge(const LocalizationEvaluator& other);

  // kFailedPrecondition without any image, or if masks have no foreground.
  absl::StatusOr<LocalizationMetrics> Compute() const;

 private:
  LocalizationEvaluator(BoxEvaluator boxes, MaskEvaluator masks);

  BoxEvaluator boxes_;
  MaskEvaluator masks_;
  bool has_boxes_ = false;
  bool has_masks_ = false;
};

}  // namespace wsol

#endif  // WSOL_METRICS_LOCALIZATION_EVALUATOR_H_
