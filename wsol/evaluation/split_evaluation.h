// Metrics of a split: batches through a model, its maps through the evaluators.
//
//   const SplitTruth truth = {&boxes, &masks};
//   VISION_ASSIGN_OR_RETURN(const SplitEvaluation result,
//       EvaluateSplit(truth, *loader, [&](const Batch& batch) { ... },
//       options));
//   result.localization.boxes->max_box_acc_v2;

#ifndef WSOL_EVALUATION_SPLIT_EVALUATION_H_
#define WSOL_EVALUATION_SPLIT_EVALUATION_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "ATen/core/Tensor.h"
#include "absl/status/statusor.h"
#include "opencv2/core/mat.hpp"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/metrics/classification_evaluator.h"
#include "wsol/metrics/localization_evaluator.h"

namespace wsol {

// The truth about a split: the same images, in the same order, with boxes or
// with masks. Either may be null, not both. Not owned.
struct SplitTruth {
  const Dataset* boxes = nullptr;
  const Dataset* masks = nullptr;
};

// What a model says about a batch.
struct BatchScores {
  // [N, h, w] float, of any size: the maps of the images' true classes, in [0,
  // 1].
  at::Tensor maps;
  // [N, K], or undefined for localization alone.
  at::Tensor logits;
};

struct SplitEvaluationOptions {
  LocalizationEvaluatorOptions metrics;
  // Threads that evaluate maps, at least 1. No result depends on it.
  int num_threads = 1;
  // Asked before each batch; true stops with kCancelled. May be empty.
  std::function<bool()> should_stop;
  // Called after each batch with its number of images. May be empty.
  std::function<void(int64_t images)> on_images;
};

struct SplitEvaluation {
  LocalizationMetrics localization;
  // Absent if there were no logits.
  std::optional<ClassificationMetrics> classification;
};

// Runs `score` over an epoch of `loader`, which must read the split that
// `truth` is about and neither shuffle nor augment. `score` is called without
// gradient recording. Errors: kInvalidArgument for truths of different images
// or scores of another shape; those of `score`, of the loader and of the
// evaluators.
absl::StatusOr<SplitEvaluation> EvaluateSplit(
    const SplitTruth& truth, Loader& loader,
    const std::function<absl::StatusOr<BatchScores>(const Batch&)>& score,
    const SplitEvaluationOptions& options);

// The metrics of one and the same map for every image: what a method must beat.
// `map` is CV_32FC1 or CV_64FC1 of any size, in [0, 1].
absl::StatusOr<SplitEvaluation> EvaluateConstantMap(
    const SplitTruth& truth, const cv::Mat& map,
    const SplitEvaluationOptions& options);

}  // namespace wsol

#endif  // WSOL_EVALUATION_SPLIT_EVALUATION_H_
