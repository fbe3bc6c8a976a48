// Which threshold a metric is read off at: the best one on the evaluated images
// themselves (what the protocol does; "oracle", since it needs their ground
// truth), the best one on another split, or a given one; and what the oracle
// is worth.
//
//   wsol::TauChoice choice;
//   choice.rule = wsol::TauRule::kVal;
//   choice.val_boxes = &val_metrics;
//   VISION_ASSIGN_OR_RETURN(const std::vector<wsol::BoxScore> scores,
//                           wsol::ScoreBoxes(test_metrics, choice));
//   scores[0].accuracy, scores[0].OracleGap();

#ifndef WSOL_METRICS_TAU_SELECTION_H_
#define WSOL_METRICS_TAU_SELECTION_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/mask_evaluator.h"

namespace wsol {

enum class TauRule {
  kOracle,  // The best on the evaluated split.
  kVal,     // The best on another split.
  kFixed,   // Given.
};

// "oracle", "val" or "fixed".
absl::string_view TauRuleName(TauRule rule);

// The rule of that name; kInvalidArgument for any other.
absl::StatusOr<TauRule> ParseTauRule(absl::string_view name);

// "gt-known", "top-1" or "top-5".
absl::string_view LocalizationKindName(LocalizationKind kind);

// The index of threshold `tau` among `taus`, rising, up to rounding (1e-9).
// kInvalidArgument if it is none of them.
absl::StatusOr<size_t> TauIndex(absl::Span<const double> taus, double tau);

// The first threshold with the most correct images. kInvalidArgument if the
// metrics have no such IoU, or no class ranks for kTop1 and kTop5.
absl::StatusOr<double> SelectTau(const BoxMetrics& metrics, BoxMode mode,
                                 int iou_percent, LocalizationKind kind);

// The percentage of correct images at one of the metrics' thresholds.
// kInvalidArgument as SelectTau, or if `tau` is none of them.
absl::StatusOr<double> AccuracyAt(const BoxMetrics& metrics, BoxMode mode,
                                  int iou_percent, LocalizationKind kind,
                                  double tau);

// The point of the curve at one of the thresholds; where no pixel reaches
// it, nothing is found: precision and recall 0. kInvalidArgument if `tau` is
// none of the thresholds.
absl::StatusOr<PrecisionRecall> MaskPointAt(const MaskMetrics& metrics,
                                            double tau);

struct TauChoice {
  TauRule rule = TauRule::kOracle;

  // For kVal: the metrics of the other split, with the same thresholds. Not
  // owned. Each metric takes its own tau from there.
  const BoxMetrics* val_boxes = nullptr;
  const MaskMetrics* val_masks = nullptr;

  // For kFixed: one of the thresholds.
  double fixed_tau = 0;
};

// One box accuracy at its threshold, in percent.
struct BoxScore {
  BoxMode mode = BoxMode::kLargestContour;
  int iou_percent = 0;
  LocalizationKind kind = LocalizationKind::kKnownClass;
  double tau = 0;
  double accuracy = 0;
  // At the best tau of the evaluated split.
  double oracle_tau = 0;
  double oracle_accuracy = 0;

  // What knowing the ground truth is worth; 0 or more.
  double OracleGap() const { return oracle_accuracy - accuracy; }
};

// All accuracies: both modes, each IoU, kinds with class ranks where there are
// any. kInvalidArgument if the choice lacks metrics or its thresholds differ.
absl::StatusOr<std::vector<BoxScore>> ScoreBoxes(const BoxMetrics& metrics,
                                                 const TauChoice& choice);

// The score of one metric in a list; null if it is not there.
const BoxScore* FindScore(absl::Span<const BoxScore> scores, BoxMode mode,
                          int iou_percent, LocalizationKind kind);

// The means over the IoUs of a mode and kind; absent if there are none.
// MaxBoxAccV2 is the one of kAllContours and kKnownClass.
struct MeanBoxScore {
  double accuracy = 0;
  double oracle_accuracy = 0;
  double OracleGap() const { return oracle_accuracy - accuracy; }
};
std::optional<MeanBoxScore> MeanScore(absl::Span<const BoxScore> scores,
                                      BoxMode mode, LocalizationKind kind);

// The masks' operating point, and the one of largest F1 and IoU. (PxAP needs
// no threshold.)
struct MaskScore {
  PrecisionRecall at_tau;
  PrecisionRecall oracle;
};
absl::StatusOr<MaskScore> ScoreMasks(const MaskMetrics& metrics,
                                     const TauChoice& choice);

}  // namespace wsol

#endif  // WSOL_METRICS_TAU_SELECTION_H_
