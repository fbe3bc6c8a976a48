#include "wsol/experiment/split_metrics.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/tau_selection.h"
#include "wsol/score_maps/evaluate_maps.h"

namespace wsol {
namespace {

constexpr char kMaxBoxAcc[] = "MaxBoxAcc";
constexpr char kMaxBoxAccV2[] = "MaxBoxAccV2";
constexpr char kPxap[] = "PxAP";
constexpr char kTop1[] = "Top1Cls";
constexpr char kTop5[] = "Top5Cls";
// Of the IoU whose best threshold stands for all.
constexpr int kTauIou = 50;

constexpr BoxMode kBothModes[] = {BoxMode::kLargestContour,
                                  BoxMode::kAllContours};

absl::Status UseTaus(const TauChoice& choice, EvaluationResults* results) {
  results->tau_rule = choice.rule;
  if (results->localization.boxes.has_value()) {
    VISION_ASSIGN_OR_RETURN(results->box_scores,
                            ScoreBoxes(*results->localization.boxes, choice));
  }
  if (results->localization.masks.has_value()) {
    VISION_ASSIGN_OR_RETURN(results->mask_score,
                            ScoreMasks(*results->localization.masks, choice));
  }
  return absl::OkStatus();
}

absl::string_view ModeMetric(BoxMode mode) {
  return mode == BoxMode::kLargestContour ? kMaxBoxAcc : kMaxBoxAccV2;
}

}  // namespace

NamedValues SplitMetrics(const SplitEvaluation& evaluation, BoxMode mode) {
  NamedValues values;
  if (evaluation.localization.boxes.has_value()) {
    const BoxMetrics& boxes = *evaluation.localization.boxes;
    values.emplace_back(kMaxBoxAcc, boxes.max_box_acc);
    values.emplace_back(kMaxBoxAccV2, boxes.max_box_acc_v2);
    for (const BoxAccuracy& accuracy : boxes.ByIou(mode)) {
      values.emplace_back(
          BoxMetricName(LocalizationKind::kKnownClass, accuracy.iou_percent),
          accuracy.max_accuracy);
    }
    for (const BoxAccuracy& accuracy : boxes.ByIou(mode)) {
      if (!accuracy.top1_localization.has_value()) continue;
      values.emplace_back(
          BoxMetricName(LocalizationKind::kTop1, accuracy.iou_percent),
          *accuracy.top1_localization);
      values.emplace_back(
          BoxMetricName(LocalizationKind::kTop5, accuracy.iou_percent),
          *accuracy.top5_localization);
    }
  }
  if (evaluation.localization.masks.has_value()) {
    values.emplace_back(kPxap, evaluation.localization.masks->pxap);
  }
  if (evaluation.classification.has_value()) {
    values.emplace_back(kTop1, evaluation.classification->top1_accuracy);
    values.emplace_back(kTop5, evaluation.classification->top5_accuracy);
  }
  return values;
}

std::map<std::string, double> BestTaus(const SplitEvaluation& evaluation) {
  std::map<std::string, double> taus;
  if (evaluation.localization.boxes.has_value()) {
    for (const BoxMode mode : kBothModes) {
      const absl::StatusOr<double> tau =
          SelectTau(*evaluation.localization.boxes, mode, kTauIou,
                    LocalizationKind::kKnownClass);
      if (tau.ok()) taus[std::string(ModeMetric(mode))] = *tau;
    }
  }
  if (evaluation.localization.masks.has_value()) {
    taus[kPxap] = evaluation.localization.masks->best_tau;
  }
  return taus;
}

absl::StatusOr<std::string> SelectionMetric(absl::string_view select_by,
                                            bool has_boxes, bool has_masks,
                                            BoxMode mode) {
  if (select_by == "localization") {
    return std::string(has_boxes ? ModeMetric(mode) : kPxap);
  }
  if (select_by == "classification") return std::string(kTop1);
  std::vector<std::string> names;
  if (has_boxes) {
    names = {kMaxBoxAcc, kMaxBoxAccV2};
    for (const LocalizationKind kind :
         {LocalizationKind::kKnownClass, LocalizationKind::kTop1,
          LocalizationKind::kTop5}) {
      for (const int iou : {30, 50, 70}) {
        names.push_back(BoxMetricName(kind, iou));
      }
    }
  }
  if (has_masks) names.push_back(kPxap);
  names.insert(names.end(), {kTop1, kTop5});
  for (const std::string& name : names) {
    if (name == select_by) return name;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--select_by: got \"", select_by,
      "\", expected localization, classification or a metric of the "
      "validation split: ",
      absl::StrJoin(names, ", ")));
}

absl::StatusOr<EvaluationResults> MakeResults(const SplitTruth& truth,
                                              const SplitEvaluation& evaluation,
                                              const ResultsOptions& options) {
  const Dataset& dataset = truth.boxes != nullptr ? *truth.boxes : *truth.masks;
  EvaluationResults results;
  results.config = options.config;
  results.seed = options.seed;
  // Without masks there is nothing to read.
  VISION_ASSIGN_OR_RETURN(const std::vector<uint32_t> checksums,
                          MaskChecksums(dataset, options.num_threads));
  results.data_sha256 = DataDigest(dataset, checksums);
  results.class_names = dataset.class_names();
  results.localization = evaluation.localization;
  results.classification = evaluation.classification;
  results.box_modes = options.mode == BoxMode::kLargestContour
                          ? std::vector<BoxMode>{BoxMode::kAllContours,
                                                 BoxMode::kLargestContour}
                          : std::vector<BoxMode>{BoxMode::kLargestContour,
                                                 BoxMode::kAllContours};
  VISION_RETURN_IF_ERROR(UseTaus(TauChoice(), &results));
  return results;
}

absl::Status UseTausOf(const SplitEvaluation& val, EvaluationResults* results) {
  TauChoice choice;
  choice.rule = TauRule::kVal;
  if (val.localization.boxes.has_value()) {
    choice.val_boxes = &*val.localization.boxes;
  }
  if (val.localization.masks.has_value()) {
    choice.val_masks = &*val.localization.masks;
  }
  return UseTaus(choice, results);
}

}  // namespace wsol
