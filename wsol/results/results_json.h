// Results as JSON, and what other programs need of them.
//
//   VISION_ASSIGN_OR_RETURN(const std::string text,
//                           wsol::ResultsToJson(results));
//   VISION_ASSIGN_OR_RETURN(const wsol::StoredResults stored,
//                           wsol::ReadResults("cam.json"));
//
// docs/flags.md lists the keys. The text is a function of the results alone: no
// time, no host, no number of threads.

#ifndef WSOL_RESULTS_RESULTS_JSON_H_
#define WSOL_RESULTS_RESULTS_JSON_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/tau_selection.h"
#include "wsol/results/evaluation_results.h"

namespace wsol {

inline constexpr int kResultsSchemaVersion = 1;

// Percent everywhere; thresholds as they are. Images are written if the metrics
// kept them. Errors: those of wsol/metrics/breakdown.h.
absl::StatusOr<std::string> ResultsToJson(const EvaluationResults& results);

// A metric of a results file.
struct StoredMetric {
  double value = 0;  // Percent.
  double tau = 0;
  double oracle_value = 0;
  double oracle_tau = 0;
};

// One image's pixels at the thresholds of the results.
struct StoredMaskImage {
  int64_t true_positives = 0;
  int64_t false_positives = 0;
  int64_t foreground = 0;
  // Pixels by score: of the foreground and of the background, for thresholds
  // about 0.01 apart.
  std::vector<int64_t> foreground_histogram;
  std::vector<int64_t> background_histogram;
};

// A point of a precision-recall curve, both in [0, 1].
struct StoredPrecisionRecall {
  double threshold = 0;
  double precision = 0;
  double recall = 0;
};

// What is read back of a results file.
struct StoredResults {
  std::string name;  // Of the file.
  std::string tool_version;
  std::string data_sha256;
  EvaluationMode mode = EvaluationMode::kProtocol;
  double tau_interval = 0;
  TauRule tau_rule = TauRule::kOracle;
  int64_t num_images = 0;

  // By BoxMetricKey, and "F1" of masks.
  std::map<std::string, StoredMetric> metrics;
  // Metrics without a threshold of their own, by name: MaxBoxAcc, MaxBoxAccV2,
  // Top1Cls, Top5Cls, PxAP, pIoU, IoU, F1.
  std::map<std::string, double> values;

  // The curves: thresholds of boxes, and at each the number of right images, by
  // BoxMetricKey; the points of masks by rising threshold. Empty where the file
  // has none.
  std::vector<double> taus;
  std::map<std::string, std::vector<int64_t>> correct_counts;
  std::vector<StoredPrecisionRecall> precision_recall;

  // Sorted; empty if the file has no images. What follows is in this order.
  std::vector<std::string> image_ids;
  // Whether the image is right, by BoxMetricKey, "Top1Cls" and "Top5Cls".
  std::map<std::string, std::vector<bool>> correct;
  std::vector<StoredMaskImage> masks;
};

// `name` stands for the file in messages. kInvalidArgument for text that is no
// JSON, no result of an evaluation, of a newer schema, or whose members do not
// fit together.
absl::StatusOr<StoredResults> ParseResults(absl::string_view text,
                                           absl::string_view name);

// The same from a file; errors of reading it besides (kNotFound, ...).
absl::StatusOr<StoredResults> ReadResults(const std::string& path);

// Checks, before there are metrics, that `val` was evaluated in this mode with
// these thresholds and has all that the functions below need. kInvalidArgument
// names what is missing.
absl::Status CheckTausOf(const StoredResults& val, EvaluationMode mode,
                         double tau_interval, absl::Span<const BoxMode> modes,
                         bool has_boxes, bool has_top1, bool has_masks);

// The scores of `metrics`, for boxes of `modes`, at the best thresholds of
// another split, stored in `val`. kInvalidArgument if those thresholds are none
// of the metrics', if the modes differ, or if `val` lacks a metric.
absl::StatusOr<std::vector<BoxScore>> ScoreBoxesAtTausOf(
    const StoredResults& val, const BoxMetrics& metrics,
    absl::Span<const BoxMode> modes);
absl::StatusOr<MaskScore> ScoreMasksAtTauOf(const StoredResults& val,
                                            const MaskMetrics& metrics);

}  // namespace wsol

#endif  // WSOL_RESULTS_RESULTS_JSON_H_
