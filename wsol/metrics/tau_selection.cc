#include "wsol/metrics/tau_selection.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

constexpr BoxMode kModes[] = {BoxMode::kLargestContour, BoxMode::kAllContours};
constexpr LocalizationKind kKinds[] = {LocalizationKind::kKnownClass,
                                       LocalizationKind::kTop1,
                                       LocalizationKind::kTop5};

// The counts of correct images at each tau.
absl::StatusOr<const std::vector<int64_t>*> FindCounts(
    const BoxMetrics& metrics, BoxMode mode, int iou_percent,
    LocalizationKind kind) {
  const BoxAccuracy* const accuracy = metrics.Find(mode, iou_percent);
  if (accuracy == nullptr) {
    std::vector<int> known;
    for (const BoxAccuracy& a : metrics.ByIou(mode)) {
      known.push_back(a.iou_percent);
    }
    return absl::InvalidArgumentError(absl::StrCat("IoU: got ", iou_percent,
                                                   " percent, expected one of ",
                                                   absl::StrJoin(known, ", ")));
  }
  const std::vector<int64_t>& counts = accuracy->Counts(kind);
  if (counts.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(LocalizationKindName(kind),
                     " localization: got no class ranks, expected one for each "
                     "image"));
  }
  return &counts;
}

// The first of the largest.
size_t BestIndex(const std::vector<int64_t>& counts) {
  return static_cast<size_t>(std::max_element(counts.begin(), counts.end()) -
                             counts.begin());
}

}  // namespace

absl::string_view TauRuleName(TauRule rule) {
  return rule == TauRule::kOracle ? "oracle"
         : rule == TauRule::kVal  ? "val"
                                  : "fixed";
}

absl::StatusOr<TauRule> ParseTauRule(absl::string_view name) {
  for (const TauRule rule :
       {TauRule::kOracle, TauRule::kVal, TauRule::kFixed}) {
    if (name == TauRuleName(rule)) return rule;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "tau rule: got \"", name, "\", expected oracle, val or fixed"));
}

absl::string_view LocalizationKindName(LocalizationKind kind) {
  return kind == LocalizationKind::kKnownClass ? "gt-known"
         : kind == LocalizationKind::kTop1     ? "top-1"
                                               : "top-5";
}

absl::StatusOr<size_t> TauIndex(absl::Span<const double> taus, double tau) {
  constexpr double kRounding = 1e-9;
  const auto it = std::lower_bound(taus.begin(), taus.end(), tau - kRounding);
  if (it == taus.end() || !(std::abs(*it - tau) <= kRounding)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "tau: got ", tau, ", expected one of the ", taus.size(),
        " evaluated thresholds", taus.size() < 2 ? "" : ", multiples of ",
        taus.size() < 2 ? "" : absl::StrCat(taus[1])));
  }
  return static_cast<size_t>(it - taus.begin());
}

absl::StatusOr<double> SelectTau(const BoxMetrics& metrics, BoxMode mode,
                                 int iou_percent, LocalizationKind kind) {
  VISION_ASSIGN_OR_RETURN(const std::vector<int64_t>* const counts,
                          FindCounts(metrics, mode, iou_percent, kind));
  return metrics.taus[BestIndex(*counts)];
}

absl::StatusOr<double> AccuracyAt(const BoxMetrics& metrics, BoxMode mode,
                                  int iou_percent, LocalizationKind kind,
                                  double tau) {
  VISION_ASSIGN_OR_RETURN(const std::vector<int64_t>* const counts,
                          FindCounts(metrics, mode, iou_percent, kind));
  VISION_ASSIGN_OR_RETURN(const size_t index, TauIndex(metrics.taus, tau));
  return 100.0 * static_cast<double>((*counts)[index]) /
         static_cast<double>(metrics.num_images);
}

absl::StatusOr<PrecisionRecall> MaskPointAt(const MaskMetrics& metrics,
                                            double tau) {
  VISION_RETURN_IF_ERROR(ValidateTauInterval(metrics.tau_interval));
  const std::vector<double> taus = TauList(metrics.tau_interval);
  VISION_ASSIGN_OR_RETURN(const size_t index, TauIndex(taus, tau));
  // The curve has a point for each tau from 0 on until no pixel is left.
  if (index < metrics.curve.size() &&
      metrics.curve[index].threshold == taus[index]) {
    return metrics.curve[index];
  }
  PrecisionRecall nothing;
  nothing.threshold = taus[index];
  return nothing;
}

absl::StatusOr<std::vector<BoxScore>> ScoreBoxes(const BoxMetrics& metrics,
                                                 const TauChoice& choice) {
  if (choice.rule == TauRule::kVal) {
    if (choice.val_boxes == nullptr) {
      return absl::InvalidArgumentError(
          "tau rule val: got no box metrics of another split");
    }
    if (choice.val_boxes->tau_interval != metrics.tau_interval ||
        choice.val_boxes->evaluation_mode != metrics.evaluation_mode) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tau rule val: the other split was evaluated with tau_interval ",
          choice.val_boxes->tau_interval, " in mode ",
          EvaluationModeName(choice.val_boxes->evaluation_mode), ", expected ",
          metrics.tau_interval, " and ",
          EvaluationModeName(metrics.evaluation_mode)));
    }
  }
  std::vector<BoxScore> scores;
  for (const BoxMode mode : kModes) {
    for (const BoxAccuracy& accuracy : metrics.ByIou(mode)) {
      for (const LocalizationKind kind : kKinds) {
        if (accuracy.Counts(kind).empty()) continue;
        const int iou = accuracy.iou_percent;
        BoxScore score;
        score.mode = mode;
        score.iou_percent = iou;
        score.kind = kind;
        VISION_ASSIGN_OR_RETURN(score.oracle_tau,
                                SelectTau(metrics, mode, iou, kind));
        VISION_ASSIGN_OR_RETURN(
            score.oracle_accuracy,
            AccuracyAt(metrics, mode, iou, kind, score.oracle_tau));
        score.tau = score.oracle_tau;
        if (choice.rule == TauRule::kFixed) score.tau = choice.fixed_tau;
        if (choice.rule == TauRule::kVal) {
          VISION_ASSIGN_OR_RETURN(
              score.tau, SelectTau(*choice.val_boxes, mode, iou, kind));
        }
        VISION_ASSIGN_OR_RETURN(
            score.accuracy, AccuracyAt(metrics, mode, iou, kind, score.tau));
        scores.push_back(score);
      }
    }
  }
  return scores;
}

const BoxScore* FindScore(absl::Span<const BoxScore> scores, BoxMode mode,
                          int iou_percent, LocalizationKind kind) {
  for (const BoxScore& score : scores) {
    if (score.mode == mode && score.iou_percent == iou_percent &&
        score.kind == kind) {
      return &score;
    }
  }
  return nullptr;
}

std::optional<MeanBoxScore> MeanScore(absl::Span<const BoxScore> scores,
                                      BoxMode mode, LocalizationKind kind) {
  MeanBoxScore mean;
  int count = 0;
  for (const BoxScore& score : scores) {
    if (score.mode != mode || score.kind != kind) continue;
    mean.accuracy += score.accuracy;
    mean.oracle_accuracy += score.oracle_accuracy;
    ++count;
  }
  if (count == 0) return std::nullopt;
  mean.accuracy /= count;
  mean.oracle_accuracy /= count;
  return mean;
}

absl::StatusOr<MaskScore> ScoreMasks(const MaskMetrics& metrics,
                                     const TauChoice& choice) {
  MaskScore score;
  VISION_ASSIGN_OR_RETURN(score.oracle, MaskPointAt(metrics, metrics.best_tau));
  double tau = metrics.best_tau;
  if (choice.rule == TauRule::kFixed) tau = choice.fixed_tau;
  if (choice.rule == TauRule::kVal) {
    if (choice.val_masks == nullptr) {
      return absl::InvalidArgumentError(
          "tau rule val: got no mask metrics of another split");
    }
    if (choice.val_masks->tau_interval != metrics.tau_interval ||
        choice.val_masks->evaluation_mode != metrics.evaluation_mode) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tau rule val: the other split was evaluated with tau_interval ",
          choice.val_masks->tau_interval, " in mode ",
          EvaluationModeName(choice.val_masks->evaluation_mode), ", expected ",
          metrics.tau_interval, " and ",
          EvaluationModeName(metrics.evaluation_mode)));
    }
    tau = choice.val_masks->best_tau;
  }
  VISION_ASSIGN_OR_RETURN(score.at_tau, MaskPointAt(metrics, tau));
  return score;
}

}  // namespace wsol
