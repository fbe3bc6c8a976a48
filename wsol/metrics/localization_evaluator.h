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

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/mask_evaluator.h"

namespace wsol {

// What to do with a map that holds NaN, infinities or numbers outside [0, 1].
enum class BadScores {
  // Count and replace them: NaN by 0, numbers outside by the nearest of 0 and
  // 1. NOTE(reference): the published code stops.
  kReplace,
  // kInvalidArgument, naming the first one.
  kReject,
};

// What was replaced so far.
struct ScoreRepairs {
  int64_t num_images = 0;
  int64_t num_nan = 0;
  int64_t num_infinite = 0;
  int64_t num_out_of_range = 0;  // Finite, outside [0, 1].
};

struct LocalizationEvaluatorOptions {
  // Their modes must agree.
  BoxEvaluatorOptions boxes;
  MaskEvaluatorOptions masks;

  BadScores bad_scores = BadScores::kReplace;

  // Labels must be -1 or below this; 0: any.
  int num_classes = 0;

  // Sets the mode, or keep_images, of both.
  void SetMode(EvaluationMode mode);
  void SetKeepImages(bool keep_images);

  absl::Status Validate() const;
};

// What is predicted and what is true of an image.
struct LocalizationSample {
  std::string id;  // Named in errors.

  // [h, w] CV_32FC1 or CV_64FC1 of any size: the map of the true class.
  cv::Mat score_map;

  // The true class; -1 if unknown.
  int label = -1;

  // Size of the original image in pixels; needed with boxes, and in native
  // mode.
  int width = 0;
  int height = 0;

  // True boxes, half-open, original pixels. Empty: not in the box metrics.
  absl::Span<const vision::Box> boxes;

  // CV_8UC1 of the labels of protocol_frame.h (0, 1, 255). In protocol mode of
  // original size, or in the frame already (MakeFrameMask); goes to the frame
  // by OpenCV's nearest neighbour. In native mode width x height pixels. Empty:
  // not in the mask metrics.
  cv::Mat mask;

  // Position of the true class in the classifier's ranking, 0 for the first.
  std::optional<int> true_class_rank;
};

// Absent: no image had boxes, or masks.
struct LocalizationMetrics {
  std::optional<BoxMetrics> boxes;
  std::optional<MaskMetrics> masks;
  ScoreRepairs repairs;
};

// A score map as it is compared with an image of width x height pixels:
// bilinear interpolation to that size (align_corners = False) in the map's
// type; double; what rounding carried out of [0, 1] goes back to its end. NaN,
// infinities and numbers outside [0, 1] in the map itself: see BadScores; they
// are replaced before the interpolation, and counted in *repairs unless it is
// null. kInvalidArgument for other types than CV_32FC1 and CV_64FC1 or an empty
// map.
absl::StatusOr<cv::Mat> ScoreMapToSize(const cv::Mat& score_map, int width,
                                       int height, BadScores bad_scores,
                                       ScoreRepairs* repairs);

// The same for the protocol's frame of 224 x 224 pixels, replacing silently.
// NOTE(reference): published code differs in how CAMs get to the frame: F-CAM
// bilinearly, as here, the WSOL code bicubically.
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
  // counted then. About a millisecond in protocol mode.
  absl::Status Accumulate(const LocalizationSample& sample);

  // kInvalidArgument, changing nothing, if the options differ.
  absl::Status Merge(const LocalizationEvaluator& other);

  // kFailedPrecondition without any image, or if masks have no foreground;
  // kInvalidArgument if images are kept and an id came twice.
  absl::StatusOr<LocalizationMetrics> Compute() const;

  // Options and counts, for Parse in another process.
  std::string Serialize() const;

  // The evaluator that was serialized. kDataLoss if the bytes are damaged,
  // kInvalidArgument if they are of no evaluator of this kind.
  static absl::StatusOr<LocalizationEvaluator> Parse(absl::string_view bytes);

 private:
  LocalizationEvaluator(LocalizationEvaluatorOptions options,
                        BoxEvaluator boxes, MaskEvaluator masks);

  LocalizationEvaluatorOptions options_;
  BoxEvaluator boxes_;
  MaskEvaluator masks_;
  ScoreRepairs repairs_;
};

}  // namespace wsol

#endif  // WSOL_METRICS_LOCALIZATION_EVALUATOR_H_
