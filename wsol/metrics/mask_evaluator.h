// Localization accuracy by pixels: PxAP of the WSOL protocol (Choe et al.,
// CVPR 2020, section 4.1), and the precision-recall curve it is the area of.
//
//   VISION_ASSIGN_OR_RETURN(auto evaluator, wsol::MaskEvaluator::Create({}));
//   for (...) VISION_RETURN_IF_ERROR(evaluator.Accumulate(map, mask));
//   VISION_ASSIGN_OR_RETURN(const wsol::MaskMetrics metrics,
//                           evaluator.Compute());
//   metrics.pxap;  // percent

#ifndef WSOL_METRICS_MASK_EVALUATOR_H_
#define WSOL_METRICS_MASK_EVALUATOR_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "opencv2/core/mat.hpp"

namespace wsol {

struct MaskEvaluatorOptions {
  // Distance between thresholds tau, in (0, 1).
  double tau_interval = 0.001;

  absl::Status Validate() const;
};

// Pixels with score >= threshold against the true foreground.
struct PrecisionRecall {
  double threshold = 0;
  int64_t true_positives = 0;
  int64_t false_positives = 0;
  double precision = 0;  // In [0, 1]: true / all pixels found.
  double recall = 0;     // In [0, 1]: true pixels found / all true pixels.
};

struct MaskMetrics {
  int64_t num_images = 0;
  int64_t num_foreground_pixels = 0;
  int64_t num_background_pixels = 0;

  // Area under the curve in percent, over the pixels of all images together:
  // sum over falling thresholds of precision * (recall - recall before).
  double pxap = 0;

  // The curve, by rising threshold: every tau, then 1, as far as any pixel
  // reaches them (beyond that precision is undefined).
  std::vector<PrecisionRecall> curve;

  // The operating point: the lowest tau with the largest F1 = 2 P R / (P + R),
  // and the foreground's IoU there, which the same tau maximises. NOTE
  // (reference): the published code's "best tau" of masks is an index into the
  // curve's other direction, without meaning, and not computed here.
  double best_tau = 0;
  double best_f1 = 0;   // In [0, 1].
  double best_iou = 0;  // In [0, 1].
};

// Streams over the images of a split. Not thread-safe: use one evaluator per
// thread and Merge them; all state is integer counts, so neither order nor
// partition matter.
class MaskEvaluator {
 public:
  // kInvalidArgument for bad options.
  static absl::StatusOr<MaskEvaluator> Create(MaskEvaluatorOptions options);

  // Takes in an image. `map` is CV_64FC1, 224 x 224, in [0, 1]; `mask` is
  // CV_8UC1, 224 x 224, of the labels of protocol_frame.h (MakeFrameMask);
  // ignored pixels count nowhere. kInvalidArgument otherwise; nothing is
  // counted then. About 0.2 ms.
  absl::Status Accumulate(const cv::Mat& map, const cv::Mat& mask);

  // Adds the other's counts. kInvalidArgument if the options differ.
  absl::Status Merge(const MaskEvaluator& other);

  // kFailedPrecondition if no pixel is foreground.
  absl::StatusOr<MaskMetrics> Compute() const;

  // Scores of foreground and background pixels in the protocol's bins: [tau_i,
  // tau_i+1) with 1 after the last tau, then [1, 2) and [2, 3]. So 1 has a bin
  // of its own and the last one is always empty.
  const std::vector<int64_t>& foreground_histogram() const {
    return foreground_;
  }
  const std::vector<int64_t>& background_histogram() const {
    return background_;
  }

 private:
  explicit MaskEvaluator(MaskEvaluatorOptions options);

  MaskEvaluatorOptions options_;
  std::vector<double> edges_;  // All tau, then 1, 2, 3.
  std::vector<int64_t> foreground_, background_;
  int64_t num_images_ = 0;
};

}  // namespace wsol

#endif  // WSOL_METRICS_MASK_EVALUATOR_H_
