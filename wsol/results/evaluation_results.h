// The result of an evaluation with all that is needed to repeat, compare and
// chart it.

#ifndef WSOL_RESULTS_EVALUATION_RESULTS_H_
#define WSOL_RESULTS_EVALUATION_RESULTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wsol/datasets/dataset.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/classification_evaluator.h"
#include "wsol/metrics/localization_evaluator.h"
#include "wsol/metrics/tau_selection.h"

namespace wsol {

struct EvaluationResults {
  // The flags that the result depends on, by name, in the order of output.
  std::vector<std::pair<std::string, std::string>> config;
  uint64_t seed = 0;
  // DataDigest of the split.
  std::string data_sha256;
  // One for each class.
  std::vector<std::string> class_names;

  LocalizationMetrics localization;
  std::optional<ClassificationMetrics> classification;
  // Whether the five first classes of all images are known.
  bool top5_known = true;

  // Which boxes are reported; the last one is what "BoxAcc@50" without a mode
  // means.
  std::vector<BoxMode> box_modes = {BoxMode::kLargestContour,
                                    BoxMode::kAllContours};
  TauRule tau_rule = TauRule::kOracle;
  // All box accuracies at their thresholds; empty without boxes.
  std::vector<BoxScore> box_scores;
  // Absent without masks.
  std::optional<MaskScore> mask_score;
};

// "BoxAcc@50", "Top1Loc@50", "Top5Loc@50".
std::string BoxMetricName(LocalizationKind kind, int iou_percent);

// The same with its mode in front: "v2/BoxAcc@50".
std::string BoxMetricKey(BoxMode mode, LocalizationKind kind, int iou_percent);

// The SHA-256 of what is known of a split's images but their pixels: ids,
// labels, sizes, boxes, content of masks (by `mask_checksums`, one
// for each image). In the order of ids, so that the order of the files does not
// matter.
std::string DataDigest(const Dataset& dataset,
                       absl::Span<const uint32_t> mask_checksums);

// The scores to report, in order: those of the modes of `results`, without
// Top-5 where it is not known.
std::vector<BoxScore> ReportedBoxScores(const EvaluationResults& results);

}  // namespace wsol

#endif  // WSOL_RESULTS_EVALUATION_RESULTS_H_
