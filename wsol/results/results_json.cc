#include "wsol/results/results_json.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/base/version.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/breakdown.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/mask_histogram.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/results/pretty_json.h"

namespace wsol {
namespace {

using ::nlohmann::json;
using ::nlohmann::ordered_json;

constexpr char kProgram[] = "wsol evaluate";
// About as many thresholds are kept of an image's scores.
constexpr size_t kStoredThresholds = 100;

// ---- Writing
// -----------------------------------------------------------------

class ResultsWriter {
 public:
  explicit ResultsWriter(const EvaluationResults& results)
      : results_(results),
        boxes_(results.localization.boxes.has_value()
                   ? &*results.localization.boxes
                   : nullptr),
        masks_(results.localization.masks.has_value()
                   ? &*results.localization.masks
                   : nullptr) {}

  absl::StatusOr<std::string> Write() {
    root_["program"] = kProgram;
    root_["schema_version"] = kResultsSchemaVersion;
    root_["tool_version"] = vision::kVersion;
    for (const auto& [flag, value] : results_.config) {
      root_["config"][flag] = value;
    }
    root_["seed"] = results_.seed;
    root_["data_sha256"] = results_.data_sha256;
    root_["mode"] = std::string(EvaluationModeName(
        boxes_ != nullptr ? boxes_->evaluation_mode : masks_->evaluation_mode));
    root_["tau_rule"] = std::string(TauRuleName(results_.tau_rule));
    root_["tau_interval"] =
        boxes_ != nullptr ? boxes_->tau_interval : masks_->tau_interval;
    root_["images"] =
        boxes_ != nullptr ? boxes_->num_images : masks_->num_images;
    root_["boxes"] = boxes_ != nullptr ? boxes_->num_boxes : 0;
    WriteHeadline();
    WriteModes();
    VISION_RETURN_IF_ERROR(WriteGroups());
    WriteCurves();
    VISION_RETURN_IF_ERROR(WriteImages());
    return PrettyJson(root_);
  }

 private:
  // The metrics by the names that papers use, their thresholds, and both for
  // the best thresholds of these images.
  void WriteHeadline() {
    ordered_json tau = ordered_json::object();
    ordered_json oracle = ordered_json::object();
    ordered_json oracle_tau = ordered_json::object();
    const auto put = [&](const std::string& name, double value,
                         double oracle_value) {
      root_[name] = value;
      oracle[name] = oracle_value;
    };
    const std::vector<BoxScore> scores = ReportedBoxScores(results_);
    for (const BoxMode mode : results_.box_modes) {
      if (scores.empty()) break;
      const auto mean = MeanScore(scores, mode, LocalizationKind::kKnownClass);
      if (mode == BoxMode::kLargestContour) {
        const BoxScore& score =
            *FindScore(scores, mode, 50, LocalizationKind::kKnownClass);
        put("MaxBoxAcc", score.accuracy, score.oracle_accuracy);
        tau["MaxBoxAcc"] = score.tau;
        oracle_tau["MaxBoxAcc"] = score.oracle_tau;
      } else {
        put("MaxBoxAccV2", mean->accuracy, mean->oracle_accuracy);
        for (const BoxScore& score : scores) {
          if (score.mode != mode ||
              score.kind != LocalizationKind::kKnownClass) {
            continue;
          }
          const std::string iou = absl::StrCat(score.iou_percent);
          tau["MaxBoxAccV2"][iou] = score.tau;
          oracle_tau["MaxBoxAccV2"][iou] = score.oracle_tau;
        }
      }
    }
    for (const LocalizationKind kind :
         {LocalizationKind::kKnownClass, LocalizationKind::kTop1,
          LocalizationKind::kTop5}) {
      for (const BoxScore& score : scores) {
        if (score.kind != kind || score.mode != results_.box_modes.back()) {
          continue;
        }
        const std::string name = BoxMetricName(kind, score.iou_percent);
        put(name, score.accuracy, score.oracle_accuracy);
        tau[name] = score.tau;
        oracle_tau[name] = score.oracle_tau;
      }
    }
    if (results_.classification.has_value()) {
      root_["Top1Cls"] = results_.classification->top1_accuracy;
      if (results_.top5_known) {
        root_["Top5Cls"] = results_.classification->top5_accuracy;
      }
    }
    if (masks_ != nullptr) {
      root_["PxAP"] = masks_->pxap;
      root_["pIoU"] = masks_->piou;
      const MaskScore& score = *results_.mask_score;
      put("IoU", 100 * score.at_tau.iou, 100 * score.oracle.iou);
      put("F1", 100 * score.at_tau.f1, 100 * score.oracle.f1);
      for (const char* const name : {"IoU", "F1"}) {
        tau[name] = score.at_tau.threshold;
        oracle_tau[name] = score.oracle.threshold;
      }
      root_["precision"] = 100 * score.at_tau.precision;
      root_["recall"] = 100 * score.at_tau.recall;
      root_["foreground_pixels"] = masks_->num_foreground_pixels;
      root_["background_pixels"] = masks_->num_background_pixels;
    }
    const ScoreRepairs& repairs = results_.localization.repairs;
    if (repairs.num_images > 0) {
      root_["replaced_scores"] = {{"images", repairs.num_images},
                                  {"nan", repairs.num_nan},
                                  {"infinite", repairs.num_infinite},
                                  {"out_of_range", repairs.num_out_of_range}};
    }
    root_["tau"] = std::move(tau);
    root_["oracle"] = std::move(oracle);
    root_["oracle"]["tau"] = std::move(oracle_tau);
  }

  // Everything about both kinds of boxes.
  void WriteModes() {
    for (const BoxScore& score : ReportedBoxScores(results_)) {
      const double images = static_cast<double>(boxes_->num_images);
      const auto count = [&](double percent) {
        return static_cast<int64_t>(std::llround(percent * images / 100));
      };
      root_[std::string(BoxModeName(score.mode))]
           [BoxMetricName(score.kind, score.iou_percent)] = {
               {"value", score.accuracy},
               {"tau", score.tau},
               {"correct", count(score.accuracy)},
               {"oracle", score.oracle_accuracy},
               {"oracle_tau", score.oracle_tau},
               {"oracle_correct", count(score.oracle_accuracy)},
           };
    }
  }

  static ordered_json MaskGroupJson(const MaskMetrics& metrics) {
    ordered_json entry = {{"images", metrics.num_images},
                          {"foreground_pixels", metrics.num_foreground_pixels}};
    if (metrics.num_foreground_pixels > 0) {
      entry["PxAP"] = metrics.pxap;
      entry["pIoU"] = metrics.piou;
    }
    return entry;
  }

  // Adds the metrics of the last box mode to groups that are found by key.
  absl::Status AddBoxGroups(bool by_class,
                            std::map<int, ordered_json>* groups) const {
    for (const BoxScore& score : ReportedBoxScores(results_)) {
      if (score.mode != results_.box_modes.back()) continue;
      VISION_ASSIGN_OR_RETURN(
          const std::vector<BoxGroup> found,
          by_class ? BoxesByClass(*boxes_, score.mode, score.iou_percent,
                                  score.kind, score.tau)
                   : BoxesBySize(*boxes_, score.mode, score.iou_percent,
                                 score.kind, score.tau));
      for (const BoxGroup& group : found) {
        ordered_json& entry = (*groups)[group.key];
        entry["images"] = group.num_images;
        entry[BoxMetricName(score.kind, score.iou_percent)] = group.accuracy;
      }
    }
    return absl::OkStatus();
  }

  absl::Status WriteGroups() {
    const bool kept =
        boxes_ != nullptr ? !boxes_->images.empty() : !masks_->images.empty();
    if (!kept) return absl::OkStatus();
    for (const bool by_class : {true, false}) {
      std::map<int, ordered_json> groups;
      if (boxes_ != nullptr) {
        VISION_RETURN_IF_ERROR(AddBoxGroups(by_class, &groups));
      } else {
        VISION_ASSIGN_OR_RETURN(
            const std::vector<MaskGroup> found,
            by_class ? MasksByClass(*masks_) : MasksBySize(*masks_));
        for (const MaskGroup& group : found) {
          groups[group.key] = MaskGroupJson(group.metrics);
        }
      }
      ordered_json list = ordered_json::array();
      for (auto& [key, group] : groups) {
        ordered_json entry;
        if (by_class) {
          entry["class"] = key;
          entry["name"] = ClassName(key);
          AddClassification(key, &group);
        } else {
          entry["size"] =
              std::string(ObjectSizeName(static_cast<ObjectSize>(key)));
        }
        entry.update(group);
        list.push_back(std::move(entry));
      }
      root_[by_class ? "by_class" : "by_size"] = std::move(list);
    }
    return absl::OkStatus();
  }

  std::string ClassName(int label) const {
    const auto index = static_cast<size_t>(label);
    return label >= 0 && index < results_.class_names.size()
               ? results_.class_names[index]
               : "";
  }

  void AddClassification(int label, ordered_json* group) const {
    if (!results_.classification.has_value()) return;
    const auto& by_class = results_.classification->by_class;
    const auto found = by_class.find(label);
    if (found == by_class.end()) return;
    const double images = static_cast<double>(found->second.num_images);
    (*group)["Top1Cls"] =
        100 * static_cast<double>(found->second.num_top1) / images;
    if (results_.top5_known) {
      (*group)["Top5Cls"] =
          100 * static_cast<double>(found->second.num_top5) / images;
    }
  }

  // Numbers of correct images by tau, and precision by recall.
  void WriteCurves() {
    if (boxes_ != nullptr) {
      root_["curves"]["tau"] = boxes_->taus;
      for (const BoxScore& score : ReportedBoxScores(results_)) {
        root_["curves"][BoxMetricKey(score.mode, score.kind,
                                     score.iou_percent)] =
            boxes_->Find(score.mode, score.iou_percent)->Counts(score.kind);
      }
    }
    if (masks_ != nullptr) {
      ordered_json threshold, precision, recall;
      for (const PrecisionRecall& point : masks_->curve) {
        threshold.push_back(point.threshold);
        precision.push_back(point.precision);
        recall.push_back(point.recall);
      }
      root_["curves"]["threshold"] = std::move(threshold);
      root_["curves"]["precision"] = std::move(precision);
      root_["curves"]["recall"] = std::move(recall);
    }
  }

  absl::Status WriteImages() {
    if (boxes_ != nullptr && !boxes_->images.empty()) {
      VISION_RETURN_IF_ERROR(WriteBoxImages());
    }
    if (masks_ != nullptr && !masks_->images.empty()) {
      VISION_RETURN_IF_ERROR(WriteMaskImages());
    }
    return absl::OkStatus();
  }

  template <typename Image>
  void WriteImageInfos(const std::vector<Image>& images) {
    ordered_json& per_image = root_["per_image"];
    ordered_json ids = ordered_json::array();
    ordered_json labels = ordered_json::array();
    std::string top1, top5;
    for (const Image& image : images) {
      ids.push_back(image.info.id);
      labels.push_back(image.info.label);
      if (image.info.true_class_rank.has_value()) {
        top1.push_back(*image.info.true_class_rank == 0 ? '1' : '0');
        top5.push_back(*image.info.true_class_rank < 5 ? '1' : '0');
      }
    }
    per_image["id"] = std::move(ids);
    per_image["label"] = std::move(labels);
    if (top1.size() == images.size()) {
      per_image["Top1Cls"] = top1;
      if (results_.top5_known) per_image["Top5Cls"] = top5;
    }
  }

  absl::Status WriteBoxImages() {
    WriteImageInfos(boxes_->images);
    for (const BoxScore& score : ReportedBoxScores(results_)) {
      VISION_ASSIGN_OR_RETURN(
          const std::vector<bool> correct,
          CorrectImages(*boxes_, score.mode, score.iou_percent, score.kind,
                        score.tau));
      std::string digits;
      for (const bool right : correct) digits.push_back(right ? '1' : '0');
      root_["per_image"]
           [BoxMetricKey(score.mode, score.kind, score.iou_percent)] = digits;
    }
    return absl::OkStatus();
  }

  absl::Status WriteMaskImages() {
    WriteImageInfos(masks_->images);
    ordered_json true_positives = ordered_json::array();
    ordered_json false_positives = ordered_json::array();
    ordered_json foreground = ordered_json::array();
    ordered_json foreground_histogram = ordered_json::array();
    ordered_json background_histogram = ordered_json::array();
    // Bins of the evaluator: one a tau, [1, 2) and [2, 3].
    const size_t num_taus = TauList(masks_->tau_interval).size();
    const size_t step = std::max<size_t>(1, num_taus / kStoredThresholds);
    for (const MaskImage& image : masks_->images) {
      VISION_ASSIGN_OR_RETURN(
          const PrecisionRecall point,
          MaskImageAt(*masks_, image, results_.mask_score->at_tau.threshold));
      PixelCounts counts(num_taus + 2);
      image.histogram.AddTo(&counts);
      int64_t all_foreground = 0;
      const auto coarse = [&](const std::vector<int64_t>& bins) {
        std::vector<int64_t> sums((num_taus + step - 1) / step + 1, 0);
        for (size_t i = 0; i < bins.size(); ++i) {
          // The score 1 has a bin of its own.
          sums[i < num_taus ? i / step : sums.size() - 1] += bins[i];
        }
        return sums;
      };
      for (const int64_t count : counts.foreground) all_foreground += count;
      true_positives.push_back(point.true_positives);
      false_positives.push_back(point.false_positives);
      foreground.push_back(all_foreground);
      foreground_histogram.push_back(coarse(counts.foreground));
      background_histogram.push_back(coarse(counts.background));
    }
    ordered_json& per_image = root_["per_image"];
    per_image["true_positives"] = std::move(true_positives);
    per_image["false_positives"] = std::move(false_positives);
    per_image["foreground"] = std::move(foreground);
    per_image["foreground_histogram"] = std::move(foreground_histogram);
    per_image["background_histogram"] = std::move(background_histogram);
    return absl::OkStatus();
  }

  const EvaluationResults& results_;
  const BoxMetrics* const boxes_;
  const MaskMetrics* const masks_;
  ordered_json root_;
};

// ---- Reading
// -----------------------------------------------------------------

class ResultsReader {
 public:
  ResultsReader(json root, absl::string_view name)
      : root_(std::move(root)), name_(name) {}

  absl::StatusOr<StoredResults> Read() {
    if (!root_.is_object() || !root_.contains("program") ||
        root_["program"] != kProgram) {
      return Error("is no result of an evaluation: no \"program\": \"",
                   kProgram, "\"");
    }
    VISION_ASSIGN_OR_RETURN(const double version,
                            Number(root_, "schema_version"));
    if (version != kResultsSchemaVersion) {
      return Error("has schema_version ", version, ", expected ",
                   kResultsSchemaVersion);
    }
    result_.name = std::string(name_);
    VISION_ASSIGN_OR_RETURN(result_.tool_version, Text("tool_version"));
    VISION_ASSIGN_OR_RETURN(result_.data_sha256, Text("data_sha256"));
    VISION_ASSIGN_OR_RETURN(const std::string mode, Text("mode"));
    VISION_ASSIGN_OR_RETURN(result_.mode, ParseEvaluationMode(mode));
    VISION_ASSIGN_OR_RETURN(const std::string rule, Text("tau_rule"));
    VISION_ASSIGN_OR_RETURN(result_.tau_rule, ParseTauRule(rule));
    VISION_ASSIGN_OR_RETURN(result_.tau_interval,
                            Number(root_, "tau_interval"));
    VISION_ASSIGN_OR_RETURN(const double images, Number(root_, "images"));
    if (!(images >= 1 && images <= 1e12)) return Error("has no images");
    result_.num_images = static_cast<int64_t>(images);
    VISION_RETURN_IF_ERROR(ReadMetrics());
    if (root_.contains("curves")) VISION_RETURN_IF_ERROR(ReadCurves());
    if (root_.contains("per_image")) VISION_RETURN_IF_ERROR(ReadImages());
    return std::move(result_);
  }

 private:
  template <typename... Args>
  absl::Status Error(const Args&... args) const {
    return absl::InvalidArgumentError(
        absl::StrCat("the results file '", name_, "' ", args...));
  }

  absl::StatusOr<double> Number(const json& object, const char* key) const {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number()) {
      return Error("lacks the number \"", key, "\"");
    }
    return found->get<double>();
  }

  absl::StatusOr<std::string> Text(const char* key) const {
    const auto found = root_.find(key);
    if (found == root_.end() || !found->is_string()) {
      return Error("lacks the text \"", key, "\"");
    }
    return found->get<std::string>();
  }

  absl::Status ReadMetrics() {
    for (const char* const mode : {"v1", "v2"}) {
      if (!root_.contains(mode)) continue;
      if (!root_[mode].is_object()) return Error("has a bad \"", mode, "\"");
      for (const auto& [metric, values] : root_[mode].items()) {
        StoredMetric& stored = result_.metrics[absl::StrCat(mode, "/", metric)];
        VISION_ASSIGN_OR_RETURN(stored.value, Number(values, "value"));
        VISION_ASSIGN_OR_RETURN(stored.tau, Number(values, "tau"));
        VISION_ASSIGN_OR_RETURN(stored.oracle_value, Number(values, "oracle"));
        VISION_ASSIGN_OR_RETURN(stored.oracle_tau,
                                Number(values, "oracle_tau"));
      }
    }
    for (const char* const name : {"MaxBoxAcc", "MaxBoxAccV2", "Top1Cls",
                                   "Top5Cls", "PxAP", "pIoU", "IoU", "F1"}) {
      if (!root_.contains(name)) continue;
      VISION_ASSIGN_OR_RETURN(result_.values[name], Number(root_, name));
    }
    if (result_.values.count("F1") > 0) {
      StoredMetric& stored = result_.metrics["F1"];
      const json oracle = root_.value("oracle", json::object());
      if (!oracle.is_object() || !oracle.contains("tau") ||
          !oracle["tau"].is_object() || !root_.contains("tau") ||
          !root_["tau"].is_object()) {
        return Error("lacks the thresholds of its metrics");
      }
      stored.value = result_.values["F1"];
      VISION_ASSIGN_OR_RETURN(stored.tau, Number(root_["tau"], "F1"));
      VISION_ASSIGN_OR_RETURN(stored.oracle_value, Number(oracle, "F1"));
      VISION_ASSIGN_OR_RETURN(stored.oracle_tau, Number(oracle["tau"], "F1"));
    }
    return absl::OkStatus();
  }

  // The list of numbers `key` of the curves, all in [0, high].
  absl::StatusOr<std::vector<double>> Curve(const std::string& key,
                                            double high) const {
    const json& values = root_["curves"][key];
    std::vector<double> numbers;
    bool ok = values.is_array();
    for (size_t i = 0; ok && i < values.size(); ++i) {
      ok = values[i].is_number();
      if (ok) numbers.push_back(values[i].get<double>());
      ok = ok && numbers.back() >= 0 && numbers.back() <= high;
    }
    if (ok) return numbers;
    return Error("has a bad curve \"", key, "\", expected numbers in [0, ",
                 high, "]");
  }

  absl::Status ReadCurves() {
    const json& curves = root_["curves"];
    if (!curves.is_object()) return Error("has bad \"curves\"");
    if (curves.contains("tau")) {
      VISION_ASSIGN_OR_RETURN(result_.taus, Curve("tau", 1));
    }
    for (const auto& item : curves.items()) {
      const std::string& key = item.key();
      // The others are "tau" and those of masks.
      if (key.find('/') == std::string::npos) continue;
      VISION_ASSIGN_OR_RETURN(
          const std::vector<double> counts,
          Curve(key, static_cast<double>(result_.num_images)));
      if (counts.size() != result_.taus.size()) {
        return Error("has a curve \"", key, "\" of ", counts.size(),
                     " points, expected one for each of ", result_.taus.size(),
                     " thresholds");
      }
      result_.correct_counts[key].assign(counts.begin(), counts.end());
    }
    if (!curves.contains("threshold")) return absl::OkStatus();
    std::vector<double> columns[3];
    const char* const keys[] = {"threshold", "precision", "recall"};
    for (size_t c = 0; c < 3; ++c) {
      if (!curves.contains(keys[c])) {
        return Error("lacks the curve \"", keys[c], "\"");
      }
      VISION_ASSIGN_OR_RETURN(columns[c], Curve(keys[c], 1));
      if (columns[c].size() != columns[0].size()) {
        return Error("has a curve \"", keys[c], "\" of ", columns[c].size(),
                     " points, expected ", columns[0].size());
      }
    }
    for (size_t i = 0; i < columns[0].size(); ++i) {
      result_.precision_recall.push_back(
          {columns[0][i], columns[1][i], columns[2][i]});
    }
    return absl::OkStatus();
  }

  absl::Status ReadImages() {
    const json& images = root_["per_image"];
    if (!images.is_object() || !images.contains("id") ||
        !images["id"].is_array() ||
        static_cast<int64_t>(images["id"].size()) != result_.num_images) {
      return Error("has no \"per_image\" ids of all ", result_.num_images,
                   " images");
    }
    for (const json& id : images["id"]) {
      if (!id.is_string()) return Error("has an id that is no text");
      result_.image_ids.push_back(id.get<std::string>());
    }
    if (!std::is_sorted(result_.image_ids.begin(), result_.image_ids.end())) {
      return Error("has ids that are not sorted");
    }
    for (const auto& [key, value] : images.items()) {
      if (!value.is_string()) continue;
      const std::string& digits = value.get_ref<const std::string&>();
      if (digits.size() != result_.image_ids.size() ||
          digits.find_first_not_of("01") != std::string::npos) {
        return Error("has a bad \"", key,
                     "\", expected a digit 0 or 1 for "
                     "each of ",
                     result_.num_images, " images");
      }
      std::vector<bool>& correct = result_.correct[key];
      for (const char digit : digits) correct.push_back(digit == '1');
    }
    return images.contains("true_positives") ? ReadMaskImages(images)
                                             : absl::OkStatus();
  }

  // `values`[i] as a count of pixels.
  static bool Count(const json& values, size_t i, int64_t* count) {
    if (!values[i].is_number_integer()) return false;
    *count = values[i].get<int64_t>();
    // Sums of 2^20 of them fit.
    return *count >= 0 && *count < int64_t{1} << 40;
  }

  absl::Status ReadMaskImages(const json& images) {
    const char* const keys[] = {"true_positives", "false_positives",
                                "foreground", "foreground_histogram",
                                "background_histogram"};
    for (const char* const key : keys) {
      if (!images.contains(key) || !images[key].is_array() ||
          images[key].size() != result_.image_ids.size()) {
        return Error("has no \"", key, "\" of all images");
      }
    }
    result_.masks.resize(result_.image_ids.size());
    const size_t num_bins =
        images[keys[3]][0].is_array() ? images[keys[3]][0].size() : 0;
    for (size_t i = 0; i < result_.masks.size(); ++i) {
      StoredMaskImage& mask = result_.masks[i];
      bool ok = num_bins > 0 &&
                Count(images[keys[0]], i, &mask.true_positives) &&
                Count(images[keys[1]], i, &mask.false_positives) &&
                Count(images[keys[2]], i, &mask.foreground);
      for (const bool is_foreground : {true, false}) {
        const json& bins = images[keys[is_foreground ? 3 : 4]][i];
        std::vector<int64_t>& histogram = is_foreground
                                              ? mask.foreground_histogram
                                              : mask.background_histogram;
        ok = ok && bins.is_array() && bins.size() == num_bins;
        if (ok) histogram.resize(num_bins);
        for (size_t b = 0; ok && b < num_bins; ++b) {
          ok = Count(bins, b, &histogram[b]);
        }
      }
      if (!ok) {
        return Error("has bad counts of pixels for '", result_.image_ids[i],
                     "'");
      }
    }
    return absl::OkStatus();
  }

  json root_;
  const absl::string_view name_;
  StoredResults result_;
};

absl::StatusOr<double> OracleTauOf(const StoredResults& val,
                                   const std::string& key) {
  const auto found = val.metrics.find(key);
  if (found == val.metrics.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", val.name, "' has no ", key,
                     " to take a threshold from (was it evaluated with other "
                     "flags?)"));
  }
  return found->second.oracle_tau;
}

}  // namespace

absl::StatusOr<std::string> ResultsToJson(const EvaluationResults& results) {
  return ResultsWriter(results).Write();
}

absl::StatusOr<StoredResults> ParseResults(absl::string_view text,
                                           absl::string_view name) {
  json root = json::parse(text.begin(), text.end(), nullptr,
                          /*allow_exceptions=*/false);
  if (root.is_discarded()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the results file '", name,
                     "' is no JSON, or was not written to its "
                     "end"));
  }
  return ResultsReader(std::move(root), name).Read();
}

absl::StatusOr<StoredResults> ReadResults(const std::string& path) {
  VISION_ASSIGN_OR_RETURN(const std::string text, vision::ReadFile(path));
  return ParseResults(text, path);
}

absl::Status CheckTausOf(const StoredResults& val, EvaluationMode mode,
                         double tau_interval, absl::Span<const BoxMode> modes,
                         bool has_boxes, bool has_top1, bool has_masks) {
  if (val.mode != mode || val.tau_interval != tau_interval) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", val.name, "' was evaluated in ",
                     EvaluationModeName(val.mode), " mode with tau_interval ",
                     val.tau_interval, ", expected ", EvaluationModeName(mode),
                     " and ", tau_interval, ": thresholds do not carry over"));
  }
  std::vector<std::string> keys;
  if (has_masks) keys.push_back("F1");
  for (const BoxMode box_mode : modes) {
    for (const int iou : BoxEvaluatorOptions().iou_percents) {
      if (!has_boxes) continue;
      keys.push_back(
          BoxMetricKey(box_mode, LocalizationKind::kKnownClass, iou));
      if (!has_top1) continue;
      keys.push_back(BoxMetricKey(box_mode, LocalizationKind::kTop1, iou));
    }
  }
  const std::vector<double> taus = TauList(tau_interval);
  for (const std::string& key : keys) {
    VISION_ASSIGN_OR_RETURN(const double tau, OracleTauOf(val, key));
    const absl::Status found = TauIndex(taus, tau).status();
    if (!found.ok()) {
      return vision::Annotate(
          found, absl::StrCat("threshold of ", key, " from '", val.name, "'"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BoxScore>> ScoreBoxesAtTausOf(
    const StoredResults& val, const BoxMetrics& metrics,
    absl::Span<const BoxMode> modes) {
  VISION_ASSIGN_OR_RETURN(std::vector<BoxScore> scores,
                          ScoreBoxes(metrics, TauChoice()));
  std::vector<BoxScore> found;
  for (BoxScore& score : scores) {
    if (std::find(modes.begin(), modes.end(), score.mode) == modes.end()) {
      continue;
    }
    const std::string key =
        BoxMetricKey(score.mode, score.kind, score.iou_percent);
    // Top-5 is not known of all rankings.
    if (score.kind == LocalizationKind::kTop5 && val.metrics.count(key) == 0) {
      continue;
    }
    VISION_ASSIGN_OR_RETURN(score.tau, OracleTauOf(val, key));
    absl::StatusOr<double> accuracy = AccuracyAt(
        metrics, score.mode, score.iou_percent, score.kind, score.tau);
    if (!accuracy.ok()) {
      return vision::Annotate(
          accuracy.status(),
          absl::StrCat("threshold of ", key, " from '", val.name, "'"));
    }
    score.accuracy = *accuracy;
    found.push_back(score);
  }
  return found;
}

absl::StatusOr<MaskScore> ScoreMasksAtTauOf(const StoredResults& val,
                                            const MaskMetrics& metrics) {
  TauChoice choice;
  choice.rule = TauRule::kFixed;
  VISION_ASSIGN_OR_RETURN(choice.fixed_tau, OracleTauOf(val, "F1"));
  absl::StatusOr<MaskScore> score = ScoreMasks(metrics, choice);
  if (!score.ok()) {
    return vision::Annotate(
        score.status(), absl::StrCat("threshold of F1 from '", val.name, "'"));
  }
  return score;
}

}  // namespace wsol
