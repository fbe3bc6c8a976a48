// Localization accuracy by boxes: MaxBoxAcc, MaxBoxAccV2 and Top-1/Top-5
// localization of the WSOL protocol (Choe et al., CVPR 2020, section 4.1; Choe
// et al., TPAMI 2022 for V2), with the same counts to the last image.
//
//   VISION_ASSIGN_OR_RETURN(auto evaluator, wsol::BoxEvaluator::Create({}));
//   for (...) VISION_RETURN_IF_ERROR(evaluator.Accumulate(map, truth, rank));
//   VISION_ASSIGN_OR_RETURN(const wsol::BoxMetrics metrics,
//                           evaluator.Compute());
//   metrics.max_box_acc_v2;  // percent
//
// localization_evaluator.h takes maps of any size and original boxes.

#ifndef WSOL_METRICS_BOX_EVALUATOR_H_
#define WSOL_METRICS_BOX_EVALUATOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/box_sweep.h"

namespace wsol {

struct BoxEvaluatorOptions {
  // Distance between thresholds tau, in (0, 1); the protocol trains and reports
  // with 0.001.
  double tau_interval = 0.001;

  // IoUs from which on a box counts as correct, in percent, each in [1, 100],
  // rising. 50 must be there (MaxBoxAcc); V2 takes the mean over all.
  std::vector<int> iou_percents = {30, 50, 70};

  absl::Status Validate() const;
};

// What holds for one way of choosing boxes and one IoU. Counts are of images,
// one for each tau.
struct BoxAccuracy {
  int iou_percent = 0;

  // Images with a correct box; of these, images whose true class is ranked
  // first, or among the first five (empty without class ranks).
  std::vector<int64_t> correct;
  std::vector<int64_t> top1_correct;
  std::vector<int64_t> top5_correct;

  // The largest accuracy over all tau, in percent, and the first tau that has
  // it. NOTE(reference): tau is chosen on the evaluated images themselves.
  double max_accuracy = 0;
  size_t best_tau_index = 0;
  double best_tau = 0;

  // The same with the class right too, each at its own best tau, in percent.
  std::optional<double> top1_localization;
  std::optional<double> top5_localization;

  // The curve: percent of `num_images` at each tau.
  std::vector<double> AccuracyCurve(int64_t num_images) const;
};

struct BoxMetrics {
  int64_t num_images = 0;
  std::vector<double> taus;

  // By IoU, as in the options.
  std::vector<BoxAccuracy> largest_contour;
  std::vector<BoxAccuracy> all_contours;

  // Percent: largest contour at IoU 50; mean over the IoUs of all contours.
  double max_box_acc = 0;
  double max_box_acc_v2 = 0;

  const std::vector<BoxAccuracy>& ByIou(BoxMode mode) const;

  // The accuracy at one of the options' IoUs; null if it is none of them.
  const BoxAccuracy* Find(BoxMode mode, int iou_percent) const;
};

// Streams over the images of a split. Not thread-safe: use one evaluator per
// thread and Merge them; all state is integer counts, so neither order nor
// partition matter.
class BoxEvaluator {
 public:
  // kInvalidArgument for bad options.
  static absl::StatusOr<BoxEvaluator> Create(BoxEvaluatorOptions options);

  // Takes in an image. `map` is CV_64FC1, 224 x 224, in [0, 1]; `truth` its
  // true boxes in the frame (BoxToFrame), at least one, each holding a pixel
  // and without negative coordinates; `true_class_rank` is the position of the
  // true class in the classifier's ranking, 0 for the first, for Top-1/Top-5:
  // for all images or for none. kInvalidArgument otherwise; nothing is counted
  // then. About 2 ms.
  absl::Status Accumulate(const cv::Mat& map,
                          absl::Span<const vision::Box> truth,
                          std::optional<int> true_class_rank);

  // Adds the other's counts. kInvalidArgument if the options differ, or if one
  // has class ranks and the other has not.
  absl::Status Merge(const BoxEvaluator& other);

  // kFailedPrecondition without any image.
  absl::StatusOr<BoxMetrics> Compute() const;

  const BoxEvaluatorOptions& options() const { return options_; }

 private:
  // Counts by [iou][tau].
  struct Counts {
    std::vector<std::vector<int64_t>> correct, top1_correct, top5_correct;
  };

  explicit BoxEvaluator(BoxEvaluatorOptions options);

  void Count(BoxMode mode, std::optional<int> true_class_rank);
  std::vector<BoxAccuracy> ComputeMode(const Counts& counts) const;

  BoxEvaluatorOptions options_;
  std::vector<double> taus_;
  BoxSweep sweep_;
  Counts largest_contour_, all_contours_;
  int64_t num_images_ = 0;
  int64_t num_ranked_ = 0;
};

}  // namespace wsol

#endif  // WSOL_METRICS_BOX_EVALUATOR_H_
