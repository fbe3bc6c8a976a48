#include "wsol/results/images_csv.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/breakdown.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/mask_evaluator.h"

namespace wsol {
namespace {

// A field, quoted where it must be. Leading characters that spreadsheets take
// for formulas stay: ids must be found again.
std::string Field(absl::string_view text) {
  if (text.find_first_of("\",\r\n") == absl::string_view::npos) {
    return std::string(text);
  }
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

std::string InfoFields(const ImageInfo& info) {
  return absl::StrCat(
      Field(info.id), ",", info.label, ",", ObjectSizeName(info.size), ",",
      info.true_class_rank.has_value() ? absl::StrCat(*info.true_class_rank)
                                       : "");
}

constexpr char kInfoHeader[] = "id,label,size,rank";

absl::StatusOr<std::string> BoxesCsv(const EvaluationResults& results) {
  const BoxMetrics& metrics = *results.localization.boxes;
  std::string csv = kInfoHeader;
  std::vector<std::vector<bool>> columns;
  for (const BoxScore& score : ReportedBoxScores(results)) {
    absl::StrAppend(&csv, ",",
                    BoxMetricKey(score.mode, score.kind, score.iou_percent));
    VISION_ASSIGN_OR_RETURN(
        std::vector<bool> correct,
        CorrectImages(metrics, score.mode, score.iou_percent, score.kind,
                      score.tau));
    columns.push_back(std::move(correct));
  }
  csv.push_back('\n');
  for (size_t i = 0; i < metrics.images.size(); ++i) {
    absl::StrAppend(&csv, InfoFields(metrics.images[i].info));
    for (const std::vector<bool>& column : columns) {
      csv.append(column[i] ? ",1" : ",0");
    }
    csv.push_back('\n');
  }
  return csv;
}

absl::StatusOr<std::string> MasksCsv(const EvaluationResults& results) {
  const MaskMetrics& metrics = *results.localization.masks;
  std::string csv = absl::StrCat(
      kInfoHeader,
      ",tau,true_positives,false_positives,precision,recall,f1,iou\n");
  for (const MaskImage& image : metrics.images) {
    VISION_ASSIGN_OR_RETURN(
        const PrecisionRecall point,
        MaskImageAt(metrics, image, results.mask_score->at_tau.threshold));
    absl::StrAppend(&csv, InfoFields(image.info), ",", point.threshold, ",",
                    point.true_positives, ",", point.false_positives, ",",
                    100 * point.precision, ",", 100 * point.recall, ",",
                    100 * point.f1, ",", 100 * point.iou, "\n");
  }
  return csv;
}

}  // namespace

absl::StatusOr<std::string> ImagesCsv(const EvaluationResults& results) {
  const LocalizationMetrics& metrics = results.localization;
  if (metrics.boxes.has_value() && !metrics.boxes->images.empty()) {
    return BoxesCsv(results);
  }
  if (metrics.masks.has_value() && !metrics.masks->images.empty()) {
    return MasksCsv(results);
  }
  return absl::FailedPreconditionError(
      "results by image: got none, expected an evaluation that kept them");
}

}  // namespace wsol
