// All metrics of a split from a score map for each image, on several threads.
//
//   VISION_ASSIGN_OR_RETURN(
//       const wsol::MapEvaluation result,
//       wsol::EvaluateMaps(
//           dataset, [&](int64_t i, cv::Size) { return folder.Load(i); }, {}));
//   result.localization.boxes->max_box_acc_v2;

#ifndef WSOL_SCORE_MAPS_EVALUATE_MAPS_H_
#define WSOL_SCORE_MAPS_EVALUATE_MAPS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "wsol/datasets/dataset.h"
#include "wsol/metrics/classification_evaluator.h"
#include "wsol/metrics/localization_evaluator.h"
#include "wsol/score_maps/size_policy.h"

namespace wsol {

// The score map of image number i of the data set, CV_32FC1 or CV_64FC1. `size`
// is where it will be compared: the frame's size or, in native mode, the
// image's; a map of another size is interpolated. Called from several threads.
using MapSource =
    std::function<absl::StatusOr<cv::Mat>(int64_t i, cv::Size size)>;

struct MapEvaluationOptions {
  LocalizationEvaluatorOptions metrics;
  SizePolicy size_policy = SizePolicy::kAny;

  // Position of the true class of each image in the classifier's ranking; empty
  // if there is none.
  absl::Span<const int> class_ranks;

  // At least 1. No result depends on it.
  int num_threads = 1;
  // Asked before each image, from any thread; true stops with kCancelled. May
  // be empty.
  std::function<bool()> should_stop;
  // Called after each image, from any thread. May be empty.
  std::function<void()> on_image;
};

struct MapEvaluation {
  LocalizationMetrics localization;
  // Absent without class ranks.
  std::optional<ClassificationMetrics> classification;
  // Maps that were interpolated.
  int64_t num_resized = 0;
  // For each image the checksum of the size and labels of its mask, or 0:
  // together with the metadata what the result depends on.
  std::vector<uint32_t> mask_checksums;
};

// Loads and evaluates the maps; each thread holds one map at a time, so memory
// does not depend on their number (but see keep_images). kInvalidArgument with
// a line for each problem of a map or mask, in the order of the images, and the
// evaluation ends after 20 of them; kFailedPrecondition if an image has neither
// boxes nor masks, or if no mask has foreground.
absl::StatusOr<MapEvaluation> EvaluateMaps(const Dataset& dataset,
                                           const MapSource& map_of,
                                           const MapEvaluationOptions& options);

// MapEvaluation::mask_checksums for evaluations of another kind: reads all
// masks. Errors: those of Dataset::LoadMask.
absl::StatusOr<std::vector<uint32_t>> MaskChecksums(const Dataset& dataset,
                                                    int num_threads);

}  // namespace wsol

#endif  // WSOL_SCORE_MAPS_EVALUATE_MAPS_H_
