// Localization accuracy by pixels: PxAP of the WSOL protocol (Choe et al.,
// CVPR 2020, section 4.1), the precision-recall curve it is the area of, and
// the best F1 and IoU along it.
//
//   VISION_ASSIGN_OR_RETURN(auto evaluator, wsol::MaskEvaluator::Create({}));
//   for (...) VISION_RETURN_IF_ERROR(evaluator.Accumulate(map, mask));
//   VISION_ASSIGN_OR_RETURN(const wsol::MaskMetrics metrics,
//                           evaluator.Compute());
//   metrics.pxap;  // percent

#ifndef WSOL_METRICS_MASK_EVALUATOR_H_
#define WSOL_METRICS_MASK_EVALUATOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/mask_histogram.h"
#include "wsol/metrics/score_bins.h"

namespace wsol {

struct MaskEvaluatorOptions {
  // Distance between thresholds tau, in (0, 1).
  double tau_interval = 0.001;

  EvaluationMode mode = EvaluationMode::kProtocol;

  // Keeps the histograms of each image (MaskMetrics::images), for results by
  // image, class and object size, and for comparisons: some 2 bytes for each
  // bin that is not empty. Without, memory does not depend on the number of
  // images. Every image then needs an id of its own.
  bool keep_images = false;

  absl::Status Validate() const;
};

// Pixels with score >= threshold against the true foreground.
struct PrecisionRecall {
  double threshold = 0;
  int64_t true_positives = 0;
  int64_t false_positives = 0;
  double precision = 0;  // In [0, 1]: true / all pixels found.
  double recall = 0;     // In [0, 1]: true pixels found / all true pixels.
  double f1 = 0;         // In [0, 1]: 2 P R / (P + R).
  double iou = 0;        // In [0, 1]: of the pixels found and the true ones.
};

struct MaskImage {
  ImageInfo info;
  MaskHistogram histogram;
};

struct MaskMetrics {
  EvaluationMode evaluation_mode = EvaluationMode::kProtocol;
  double tau_interval = 0;
  int64_t num_images = 0;
  int64_t num_foreground_pixels = 0;
  int64_t num_background_pixels = 0;

  // Area under the curve in percent, over the pixels of all images together:
  // sum over falling thresholds of precision * (recall - recall before).
  double pxap = 0;

  // The curve, by rising threshold: every tau, then 1, as far as any pixel
  // reaches them (beyond that precision is undefined).
  std::vector<PrecisionRecall> curve;

  // The operating point: the lowest tau with the largest F1, and the
  // foreground's IoU there, which the same tau maximises. NOTE(reference): the
  // published code's "best tau" of masks is an index into the curve's other
  // direction, without meaning, and not computed here.
  double best_tau = 0;
  double best_f1 = 0;   // In [0, 1].
  double best_iou = 0;  // In [0, 1].

  // best_iou in percent: the peak of IoU over tau (pIoU or Peak-IoU of Zhang,
  // Cao, Wu, "Rethinking Localization Map", 2020), over the pixels of all
  // images together.
  double piou = 0;

  // With keep_images all images, by id.
  std::vector<MaskImage> images;
};

// The metrics of these pixels, `images` and num_images left empty. The bins
// are those of ScoreBins(tau_interval). kFailedPrecondition if no pixel is
// foreground.
absl::StatusOr<MaskMetrics> ComputeMaskMetrics(const PixelCounts& counts,
                                               double tau_interval);

// Streams over the images of a split. Not thread-safe: use one evaluator per
// thread and Merge them; all state is integer counts, so neither order nor
// partition matter.
class MaskEvaluator {
 public:
  // kInvalidArgument for bad options.
  static absl::StatusOr<MaskEvaluator> Create(MaskEvaluatorOptions options);

  // Takes in an image. `map` is CV_64FC1 in [0, 1], in protocol mode 224 x 224
  // and in native mode of the image's size; `mask` is CV_8UC1 of the same size,
  // of the labels of protocol_frame.h (MakeFrameMask); ignored pixels count
  // nowhere. kInvalidArgument otherwise; nothing is counted then. About 0.1 ms
  // for 224 x 224 pixels.
  absl::Status Accumulate(const cv::Mat& map, const cv::Mat& mask,
                          const ImageInfo& info = {});

  // Adds the other's counts. kInvalidArgument, changing nothing, if the options
  // differ.
  absl::Status Merge(const MaskEvaluator& other);

  // kFailedPrecondition if no pixel is foreground, kInvalidArgument if an id of
  // keep_images came twice.
  absl::StatusOr<MaskMetrics> Compute() const;

  // Options and counts, for Parse in another process.
  std::string Serialize() const;

  // The evaluator that was serialized. kDataLoss if the bytes are damaged,
  // kInvalidArgument if they are of no evaluator of this kind.
  static absl::StatusOr<MaskEvaluator> Parse(absl::string_view bytes);

  // Scores of foreground and background pixels in the protocol's bins: [tau_i,
  // tau_i+1) with 1 after the last tau, then [1, 2) and [2, 3]. So 1 has a bin
  // of its own and the last one is always empty.
  const std::vector<int64_t>& foreground_histogram() const {
    return counts_.foreground;
  }
  const std::vector<int64_t>& background_histogram() const {
    return counts_.background;
  }

  const MaskEvaluatorOptions& options() const { return options_; }
  int64_t num_images() const { return num_images_; }

 private:
  explicit MaskEvaluator(MaskEvaluatorOptions options);

  MaskEvaluatorOptions options_;
  ScoreBins bins_;
  PixelCounts counts_;
  // Of the image at hand, with keep_images.
  PixelCounts image_counts_;
  int64_t num_images_ = 0;
  std::vector<MaskImage> images_;
};

}  // namespace wsol

#endif  // WSOL_METRICS_MASK_EVALUATOR_H_
