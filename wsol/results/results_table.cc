#include "wsol/results/results_table.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/breakdown.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/tau_selection.h"
#include "wsol/report/table.h"
#include "wsol/report/text_table.h"

namespace wsol {
namespace {

constexpr LocalizationKind kKinds[] = {LocalizationKind::kKnownClass,
                                       LocalizationKind::kTop1,
                                       LocalizationKind::kTop5};

// "0.118": as many digits as the interval of thresholds has.
std::string TauText(double tau, double interval) {
  int decimals = 1;
  double scaled = interval * 10;
  while (decimals < 6 && scaled < 1 - 1e-9) {
    scaled *= 10;
    ++decimals;
  }
  return FormatNumber(tau, decimals);
}

class TableWriter {
 public:
  explicit TableWriter(const EvaluationResults& results)
      : results_(results),
        shows_oracle_(results.tau_rule != TauRule::kOracle),
        scores_(ReportedBoxScores(results)) {}

  absl::StatusOr<std::string> Write() {
    std::string text = absl::StrCat(Headline(), "\n\n");
    if (!scores_.empty()) VISION_RETURN_IF_ERROR(Append(BoxTable(), &text));
    if (results_.localization.masks.has_value()) {
      VISION_RETURN_IF_ERROR(Append(MaskTable(), &text));
    }
    VISION_RETURN_IF_ERROR(AppendSizes(&text));
    return text;
  }

 private:
  static absl::Status Append(const Table& table, std::string* text) {
    VISION_ASSIGN_OR_RETURN(const std::string rendered, RenderTextTable(table));
    absl::StrAppend(text, rendered);
    return absl::OkStatus();
  }

  std::string Headline() const {
    std::vector<std::string> parts;
    const auto add = [&](const char* name, double value) {
      parts.push_back(absl::StrFormat("%s %.2f %%", name, value));
    };
    for (const BoxMode mode : results_.box_modes) {
      if (scores_.empty()) break;
      if (mode == BoxMode::kLargestContour) {
        add("MaxBoxAcc",
            FindScore(scores_, mode, 50, LocalizationKind::kKnownClass)
                ->accuracy);
      } else {
        add("MaxBoxAccV2",
            MeanScore(scores_, mode, LocalizationKind::kKnownClass)->accuracy);
      }
    }
    if (results_.localization.masks.has_value()) {
      add("PxAP", results_.localization.masks->pxap);
      add("pIoU", results_.localization.masks->piou);
    }
    if (results_.classification.has_value()) {
      add("Top1Cls", results_.classification->top1_accuracy);
      if (results_.top5_known) {
        add("Top5Cls", results_.classification->top5_accuracy);
      }
    }
    return absl::StrJoin(parts, "   ");
  }

  // The columns of a mode for a score, or for a mean without thresholds.
  void AddCells(double value, std::optional<double> tau, double oracle,
                std::optional<double> oracle_tau, TableRow* row) const {
    const auto tau_text = [&](std::optional<double> t) {
      return t.has_value() ? TauText(*t, interval()) : std::string();
    };
    row->cells.push_back(value);
    row->cells.push_back(tau_text(tau));
    if (!shows_oracle_) return;
    row->cells.push_back(oracle);
    row->cells.push_back(tau_text(oracle_tau));
    row->cells.push_back(oracle - value);
  }

  void AddColumns(const std::string& title, Table* table) const {
    table->columns.push_back({title, "%", Best::kNone, 2});
    table->columns.push_back({"tau", "", Best::kNone, 3, Align::kRight});
    if (!shows_oracle_) return;
    table->columns.push_back({"oracle", "%", Best::kNone, 2});
    table->columns.push_back({"tau", "", Best::kNone, 3, Align::kRight});
    table->columns.push_back({"gap", "", Best::kNone, 2});
  }

  double interval() const {
    return results_.localization.boxes.has_value()
               ? results_.localization.boxes->tau_interval
               : results_.localization.masks->tau_interval;
  }

  Table BoxTable() const {
    Table table;
    table.columns.push_back({"Metric"});
    for (const BoxMode mode : results_.box_modes) {
      AddColumns(mode == BoxMode::kLargestContour ? "V1 boxes" : "V2 boxes",
                 &table);
    }
    for (const LocalizationKind kind : kKinds) {
      for (const BoxAccuracy& accuracy :
           results_.localization.boxes->all_contours) {
        TableRow row;
        row.cells.push_back(BoxMetricName(kind, accuracy.iou_percent));
        for (const BoxMode mode : results_.box_modes) {
          const BoxScore* const score =
              FindScore(scores_, mode, accuracy.iou_percent, kind);
          if (score == nullptr) continue;
          AddCells(score->accuracy, score->tau, score->oracle_accuracy,
                   score->oracle_tau, &row);
        }
        if (row.cells.size() > 1) table.rows.push_back(std::move(row));
      }
      TableRow row;
      const std::string name = BoxMetricName(kind, 0);
      row.cells.push_back(
          absl::StrCat(name.substr(0, name.find('@')), " mean"));
      for (const BoxMode mode : results_.box_modes) {
        const std::optional<MeanBoxScore> mean = MeanScore(scores_, mode, kind);
        if (!mean.has_value()) continue;
        AddCells(mean->accuracy, std::nullopt, mean->oracle_accuracy,
                 std::nullopt, &row);
      }
      if (row.cells.size() > 1) table.rows.push_back(std::move(row));
    }
    return table;
  }

  Table MaskTable() const {
    const MaskMetrics& metrics = *results_.localization.masks;
    const PrecisionRecall& at_tau = results_.mask_score->at_tau;
    const PrecisionRecall& oracle = results_.mask_score->oracle;
    Table table;
    table.columns.push_back({"Metric"});
    AddColumns("value", &table);
    const auto add = [&](const char* name, double value, double best,
                         bool has_tau) {
      TableRow row;
      row.cells.push_back(name);
      using Tau = std::optional<double>;
      AddCells(value, has_tau ? Tau(at_tau.threshold) : std::nullopt, best,
               has_tau ? Tau(oracle.threshold) : std::nullopt, &row);
      table.rows.push_back(std::move(row));
    };
    add("PxAP", metrics.pxap, metrics.pxap, false);
    add("IoU", 100 * at_tau.iou, 100 * oracle.iou, true);
    add("F1", 100 * at_tau.f1, 100 * oracle.f1, true);
    // No gap: that tau is best for F1, neither for precision nor for recall.
    for (const bool is_precision : {true, false}) {
      TableRow row;
      row.cells.push_back(is_precision ? "precision" : "recall");
      row.cells.push_back(100 *
                          (is_precision ? at_tau.precision : at_tau.recall));
      row.cells.push_back(TauText(at_tau.threshold, interval()));
      row.cells.resize(table.columns.size());
      table.rows.push_back(std::move(row));
    }
    return table;
  }

  absl::Status AppendSizes(std::string* text) const {
    Table table;
    table.columns.push_back({"Object size"});
    table.columns.push_back({"images", "", Best::kNone, 0});
    const auto& boxes = results_.localization.boxes;
    const auto& masks = results_.localization.masks;
    if (boxes.has_value() && !boxes->images.empty()) {
      for (const BoxScore& score : scores_) {
        if (score.kind != LocalizationKind::kKnownClass ||
            score.mode != results_.box_modes.back()) {
          continue;
        }
        VISION_ASSIGN_OR_RETURN(
            const std::vector<BoxGroup> groups,
            BoxesBySize(*boxes, score.mode, score.iou_percent, score.kind,
                        score.tau));
        table.columns.push_back(
            {absl::StrCat(BoxMetricName(score.kind, score.iou_percent), " ",
                          absl::AsciiStrToUpper(BoxModeName(score.mode)))});
        table.columns.back().decimals = 2;
        table.rows.resize(groups.size());
        for (size_t i = 0; i < groups.size(); ++i) {
          TableRow& row = table.rows[i];
          if (row.cells.empty()) {
            row.cells.push_back(SizeName(groups[i].key));
            row.cells.push_back(static_cast<double>(groups[i].num_images));
          }
          row.cells.push_back(groups[i].accuracy);
        }
      }
    } else if (masks.has_value() && !masks->images.empty()) {
      table.columns.push_back({"PxAP", "%", Best::kNone, 2});
      table.columns.push_back({"pIoU", "%", Best::kNone, 2});
      VISION_ASSIGN_OR_RETURN(const std::vector<MaskGroup> groups,
                              MasksBySize(*masks));
      for (const MaskGroup& group : groups) {
        // Shown as "n/a" where no pixel is foreground.
        const double known = group.metrics.num_foreground_pixels > 0
                                 ? 0
                                 : std::numeric_limits<double>::quiet_NaN();
        table.rows.push_back(
            {{SizeName(group.key),
              static_cast<double>(group.metrics.num_images),
              group.metrics.pxap + known, group.metrics.piou + known}});
      }
    }
    if (table.rows.empty()) return absl::OkStatus();
    text->push_back('\n');
    return Append(table, text);
  }

  static std::string SizeName(int key) {
    return std::string(ObjectSizeName(static_cast<ObjectSize>(key)));
  }

  const EvaluationResults& results_;
  const bool shows_oracle_;
  const std::vector<BoxScore> scores_;
};

}  // namespace

absl::StatusOr<std::string> ResultsTable(const EvaluationResults& results) {
  return TableWriter(results).Write();
}

}  // namespace wsol
