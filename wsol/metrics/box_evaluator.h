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
// localization_evaluator.h takes maps of any size and original boxes;
// tau_selection.h applies thresholds chosen elsewhere; breakdown.h splits the
// accuracy by class and object size.

#ifndef WSOL_METRICS_BOX_EVALUATOR_H_
#define WSOL_METRICS_BOX_EVALUATOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/box_sweep.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/tau_sets.h"

namespace wsol {

struct BoxEvaluatorOptions {
  // Distance between thresholds tau, in (0, 1); the protocol trains and reports
  // with 0.001.
  double tau_interval = 0.001;

  // IoUs from which on a box counts as correct, in percent, each in [1, 100],
  // rising. 50 must be there (MaxBoxAcc); V2 takes the mean over all.
  std::vector<int> iou_percents = {30, 50, 70};

  EvaluationMode mode = EvaluationMode::kProtocol;

  // Keeps for each image at which thresholds it is right (BoxMetrics::images):
  // for results by image, class and object size, and for comparisons. Some 200
  // bytes an image; without, memory does not depend on the number of images.
  // Every image then needs an id of its own.
  bool keep_images = false;

  absl::Status Validate() const;
};

// Which images with a correct box count.
enum class LocalizationKind {
  kKnownClass,  // All: the class is known ("GT-known").
  kTop1,        // Those whose true class is ranked first.
  kTop5,        // Those whose true class is among the first five.
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

  // The counts of one kind; empty for kTop1 and kTop5 without class ranks.
  const std::vector<int64_t>& Counts(LocalizationKind kind) const;

  // The curve: percent of `num_images` at each tau.
  std::vector<double> AccuracyCurve(int64_t num_images) const;
};

// At which thresholds an image has a correct box.
struct BoxImage {
  ImageInfo info;
  // For each IoU of the options with the largest contour, then for each with
  // all contours.
  TauSets correct;
  // The largest IoU at any threshold.
  double best_largest_contour_iou = 0;
  double best_iou = 0;  // With all contours.

  // Whether the image counts as right at threshold number `tau_index` and IoU
  // number `iou_index` of the options. O(bytes of `correct`).
  bool IsCorrect(BoxMode mode, size_t iou_index, LocalizationKind kind,
                 size_t tau_index) const;
};

struct BoxMetrics {
  EvaluationMode evaluation_mode = EvaluationMode::kProtocol;
  double tau_interval = 0;
  int64_t num_images = 0;
  int64_t num_boxes = 0;  // True boxes.
  std::vector<double> taus;

  // By IoU, as in the options.
  std::vector<BoxAccuracy> largest_contour;
  std::vector<BoxAccuracy> all_contours;

  // Percent: largest contour at IoU 50; mean over the IoUs of all contours.
  double max_box_acc = 0;
  double max_box_acc_v2 = 0;

  // With keep_images all images, by id.
  std::vector<BoxImage> images;

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

  // Takes in an image. `map` is CV_64FC1 in [0, 1], in protocol mode 224 x 224
  // and in native mode of the image's size; `truth` its true boxes in pixels
  // of the map (in protocol mode BoxToFrame), at least one, each holding a
  // pixel and without negative coordinates. `info.true_class_rank`, for
  // Top-1/Top-5, is needed for all images or for none. kInvalidArgument
  // otherwise; nothing is counted then. About a millisecond for 224 x 224
  // pixels, in native mode for each 255 thresholds.
  absl::Status Accumulate(const cv::Mat& map,
                          absl::Span<const vision::Box> truth,
                          const ImageInfo& info);

  // The same for an image of which only the class rank is known.
  absl::Status Accumulate(const cv::Mat& map,
                          absl::Span<const vision::Box> truth,
                          std::optional<int> true_class_rank);

  // Adds the other's counts. kInvalidArgument, changing nothing, if the options
  // differ, or if one has class ranks and the other has not.
  absl::Status Merge(const BoxEvaluator& other);

  // kFailedPrecondition without any image, kInvalidArgument if an id of
  // keep_images came twice.
  absl::StatusOr<BoxMetrics> Compute() const;

  // Options and counts, for Parse in another process.
  std::string Serialize() const;

  // The evaluator that was serialized. kDataLoss if the bytes are damaged,
  // kInvalidArgument if they are of no evaluator of this kind.
  static absl::StatusOr<BoxEvaluator> Parse(absl::string_view bytes);

  const BoxEvaluatorOptions& options() const { return options_; }
  int64_t num_images() const { return num_images_; }

 private:
  // For each IoU the changes of the count from tau to tau, so that an image
  // costs a few additions and not one for each tau.
  struct Counts {
    std::vector<std::vector<int64_t>> correct, top1_correct, top5_correct;
  };

  explicit BoxEvaluator(BoxEvaluatorOptions options);

  void SweepProtocol(const cv::Mat& map, absl::Span<const vision::Box> truth);
  void SweepNative(const cv::Mat& map, absl::Span<const vision::Box> truth);
  void Count(const std::vector<double>& ious, Counts* counts,
             const ImageInfo& info, TauSets* sets);
  std::vector<BoxAccuracy> ComputeMode(const Counts& counts) const;

  BoxEvaluatorOptions options_;
  std::vector<double> taus_;
  BoxSweep sweep_;
  // Of the image at hand, by tau.
  std::vector<double> largest_ious_, best_ious_;
  Counts largest_contour_, all_contours_;
  int64_t num_images_ = 0;
  int64_t num_ranked_ = 0;
  int64_t num_boxes_ = 0;
  std::vector<BoxImage> images_;
};

}  // namespace wsol

#endif  // WSOL_METRICS_BOX_EVALUATOR_H_
