// The numbers of an evaluated split by the names that papers use, the
// thresholds that were best on it, and its results for files and tables.

#ifndef WSOL_EXPERIMENT_SPLIT_METRICS_H_
#define WSOL_EXPERIMENT_SPLIT_METRICS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/datasets/dataset.h"
#include "wsol/evaluation/split_evaluation.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/results/evaluation_results.h"
#include "wsol/training/engine.h"

namespace wsol {

// Percent: "MaxBoxAcc", "MaxBoxAccV2", "PxAP", "Top1Cls", "Top5Cls", and, of
// the boxes that `mode` takes, "BoxAcc@30", "Top1Loc@50", "Top5Loc@70" and so
// on; what there is of them. All at the best thresholds of these images.
NamedValues SplitMetrics(const SplitEvaluation& evaluation, BoxMode mode);

// The thresholds in [0, 1) that were best: of "MaxBoxAcc" and "MaxBoxAccV2" at
// an IoU of 50 %, and, for "PxAP", which needs none, that of the largest F1.
std::map<std::string, double> BestTaus(const SplitEvaluation& evaluation);

// The metric by which models are chosen. `select_by` is "localization" (the box
// metric of `mode`, or without boxes PxAP), "classification" (Top1Cls) or a
// name of SplitMetrics. kInvalidArgument names what there is.
absl::StatusOr<std::string> SelectionMetric(absl::string_view select_by,
                                            bool has_boxes, bool has_masks,
                                            BoxMode mode);

// Results of a split for ResultsToJson and ResultsTable, at its best
// thresholds. `config` and `seed` are recorded. Reads all masks, for the digest
// of the data. Errors: those of reading masks and of ScoreBoxes.
struct ResultsOptions {
  std::vector<std::pair<std::string, std::string>> config;
  uint64_t seed = 0;
  BoxMode mode = BoxMode::kLargestContour;
  int num_threads = 1;
};
absl::StatusOr<EvaluationResults> MakeResults(const SplitTruth& truth,
                                              const SplitEvaluation& evaluation,
                                              const ResultsOptions& options);

// Takes the best thresholds of `val`, of a split with boxes and masks where
// `results` has them, instead of the results' own. Errors: those of ScoreBoxes.
absl::Status UseTausOf(const SplitEvaluation& val, EvaluationResults* results);

}  // namespace wsol

#endif  // WSOL_EXPERIMENT_SPLIT_METRICS_H_
