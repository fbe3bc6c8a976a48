#include "fcam/published/published_files.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "fcam/published/published_names.h"
#include "nlohmann/json.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/run_log/metric_curves.h"

namespace fcam {
namespace {

using ::nlohmann::ordered_json;
using ::vision::JoinPath;

// A metric over the epochs: values at their index, absent where there is none.
struct Meter {
  std::vector<std::optional<double>> by_epoch;
  bool smaller_is_better = false;

  // The first epoch of the best value; nullopt without values.
  std::optional<size_t> Best() const {
    std::optional<size_t> best;
    for (size_t i = 0; i < by_epoch.size(); ++i) {
      if (!by_epoch[i].has_value()) continue;
      if (!best.has_value() ||
          (smaller_is_better ? *by_epoch[i] < *by_epoch[*best]
                             : *by_epoch[i] > *by_epoch[*best])) {
        best = i;
      }
    }
    return best;
  }
};

using Meters = std::map<std::string, Meter>;

// The published name of a metric of wsol/experiment/split_metrics.h, or its
// own. `localization` is the one that models are chosen by.
std::string PublishedMetric(absl::string_view name,
                            absl::string_view localization) {
  if (name == localization) return "localization";
  if (name == "Top1Cls" || name == "accuracy") return "classification";
  const std::string with_iou = std::string(name);
  for (const auto& [own, published] :
       {std::make_pair("BoxAcc@", "localization_IOU_"),
        std::make_pair("Top1Loc@", "top1_loc_"),
        std::make_pair("Top5Loc@", "top5_loc_")}) {
    if (absl::StartsWith(with_iou, own)) {
      return absl::StrReplaceAll(with_iou, {{own, published}});
    }
  }
  return with_iou;
}

void AddValue(const std::string& name, size_t epoch, const ordered_json& value,
              Meters* meters) {
  Meter& meter = (*meters)[name];
  meter.smaller_is_better = name == "loss";
  meter.by_epoch.resize(std::max(meter.by_epoch.size(), epoch + 1));
  if (value.is_number()) meter.by_epoch[epoch] = value.get<double>();
}

absl::StatusOr<ordered_json> ReadJson(const std::string& path) {
  VISION_ASSIGN_OR_RETURN(const std::string text, vision::ReadFile(path));
  ordered_json json = ordered_json::parse(text, /*cb=*/nullptr,
                                          /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return absl::DataLossError(
        absl::StrCat("'", path, "' is damaged: no JSON"));
  }
  return json;
}

struct History {
  std::string metric;  // By which models were chosen.
  size_t best_epoch = 0;
  size_t last_epoch = 0;
  Meters train;
  Meters val;
};

// Throws nlohmann::json::exception for what is no history.
History ParseHistory(const ordered_json& json) {
  History history;
  history.metric = json.at("selected_by").get<std::string>();
  history.best_epoch = json.value("best_epoch", size_t{0});
  for (const ordered_json& record : json.at("epochs")) {
    const size_t epoch = record.at("epoch").get<size_t>();
    history.last_epoch = std::max(history.last_epoch, epoch);
    if (epoch > 0) {
      AddValue("loss", epoch, record.at("loss"), &history.train);
      for (const auto& [name, value] : record.at("values").items()) {
        // A share here, percent there.
        const bool is_share = name == "accuracy" && value.is_number();
        AddValue(PublishedMetric(name, history.metric), epoch,
                 is_share ? ordered_json(100 * value.get<double>()) : value,
                 &history.train);
      }
    }
    for (const auto& [name, value] : record.at("validation").items()) {
      AddValue(PublishedMetric(name, history.metric), epoch, value,
               &history.val);
    }
  }
  return history;
}

// A results file with the names of split_metrics.h at its top.
Meters ParseTest(const ordered_json& json, const std::string& metric) {
  Meters meters;
  for (const auto& [name, value] : json.items()) {
    static constexpr absl::string_view kMetrics[] = {
        "MaxBoxAcc", "MaxBoxAccV2", "PxAP", "Top1Cls", "Top5Cls"};
    const bool is_metric = std::find(std::begin(kMetrics), std::end(kMetrics),
                                     name) != std::end(kMetrics) ||
                           absl::StrContains(name, "@");
    if (is_metric && value.is_number()) {
      AddValue(PublishedMetric(name, metric), 0, value, &meters);
    }
  }
  return meters;
}

void AppendReport(const std::string& split, size_t epoch, const Meters& meters,
                  std::string* text, ordered_json* json) {
  for (const auto& [name, meter] : meters) {
    const std::optional<size_t> best = meter.Best();
    if (!best.has_value()) continue;
    const double current = meter.by_epoch.back().value_or(std::nan(""));
    const double best_value = *meter.by_epoch[*best];
    const std::string head = absl::StrCat(
        "REPORT EPOCH/", epoch, ": split: ", split, "/metric ", name, ": ");
    absl::StrAppend(text, head,
                    std::isfinite(current) ? PythonFloat(current) : "nan", "\n",
                    head, PythonFloat(best_value), "_best\n");
    ordered_json values = ordered_json::array();
    for (const std::optional<double>& value : meter.by_epoch) {
      values.push_back(value.has_value() ? ordered_json(*value)
                                         : ordered_json());
    }
    (*json)[split][name] = {
        {"current_value",
         std::isfinite(current) ? ordered_json(current) : ordered_json()},
        {"best_value", best_value},
        {"best_epoch", *best},
        {"value_per_epoch", std::move(values)},
        {"best_function", meter.smaller_is_better ? "min" : "max"}};
  }
}

// Points of a curve by rising x, without those that are not finite.
wsol::MetricCurve MakeCurve(const std::string& name, std::vector<double> x,
                            const std::vector<double>& y) {
  std::map<double, double> points;
  for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
    if (std::isfinite(x[i])) points.emplace(x[i], y[i]);
  }
  wsol::MetricCurve curve;
  curve.name = name;
  for (const auto& [px, py] : points) {
    curve.x.push_back(px);
    curve.y.push_back(py);
  }
  return curve;
}

std::vector<double> Numbers(const ordered_json& json) {
  std::vector<double> numbers;
  for (const ordered_json& value : json) {
    numbers.push_back(value.is_number() ? value.get<double>() : std::nan(""));
  }
  return numbers;
}

// Both forms of some curves: curves.json and a picture.
struct CurveFiles {
  ordered_json json;
  std::vector<wsol::MetricCurve> curves;
};

// Accuracies in percent by threshold, of the IoUs 30, 50 and 70.
std::optional<CurveFiles> BoxCurves(const ordered_json& results,
                                    const std::string& mode,
                                    const std::string& metric,
                                    const std::string& label) {
  const ordered_json& curves = results.at("curves");
  const double images = results.at("images").get<double>();
  CurveFiles files;
  const std::vector<double> taus = Numbers(curves.at("tau"));
  files.json["x"] = taus;
  for (const char* const iou : {"30", "50", "70"}) {
    const auto counts = curves.find(absl::StrCat(mode, "/", metric, "@", iou));
    if (counts == curves.end()) return std::nullopt;
    std::vector<double> percent = Numbers(*counts);
    for (double& value : percent) value *= 100 / images;
    files.json[iou] = percent;
    files.curves.push_back(
        MakeCurve(absl::StrCat(label, "IoU ", iou, "%"), taus, percent));
  }
  return files;
}

absl::Status WriteCurves(const std::string& json_path,
                         const std::string& png_path, const CurveFiles& files,
                         const std::string& title, const std::string& x_title,
                         const std::string& y_title) {
  VISION_RETURN_IF_ERROR(
      vision::WriteFileAtomically(json_path, files.json.dump() + "\n"));
  wsol::MetricCurvesOptions options;
  options.title = title;
  options.x_title = x_title;
  options.y_title = y_title;
  return wsol::WriteMetricCurves(png_path, files.curves, options);
}

absl::Status WriteTestCurves(const PublishedFlags& flags,
                             const std::string& folder,
                             const std::string& checkpoint,
                             const ordered_json& results) {
  const auto curves = results.find("curves");
  if (curves == results.end()) return absl::OkStatus();
  const std::string dir = JoinPath(folder, checkpoint + "/test");
  VISION_RETURN_IF_ERROR(vision::CreateDirectories(dir));
  const std::string title =
      absl::StrCat(flags.dataset, ", test, ", checkpoint, " model");
  const std::string json_path = JoinPath(dir, "curves.json");
  const std::string png_path = JoinPath(dir, "curves_perf.png");
  if (!curves->contains("tau")) {
    CurveFiles files;
    files.json["x"] = curves->at("recall");
    files.json["y"] = curves->at("precision");
    files.curves.push_back(MakeCurve("precision", Numbers(curves->at("recall")),
                                     Numbers(curves->at("precision"))));
    return WriteCurves(json_path, png_path, files, title, "Recall",
                       "Precision");
  }
  const std::string mode = flags.box_v2_metric ? "v2" : "v1";
  const auto boxes = BoxCurves(results, mode, "BoxAcc", "");
  if (boxes.has_value()) {
    VISION_RETURN_IF_ERROR(WriteCurves(json_path, png_path, *boxes, title,
                                       "Threshold", "BoxAcc (%)"));
  }
  const auto top1 = BoxCurves(results, mode, "Top1Loc", "top-1, ");
  const auto top5 = BoxCurves(results, mode, "Top5Loc", "top-5, ");
  if (!top1.has_value() || !top5.has_value()) return absl::OkStatus();
  CurveFiles both;
  both.json["x"] = top1->json.at("x");
  both.curves = top1->curves;
  both.curves.insert(both.curves.end(), top5->curves.begin(),
                     top5->curves.end());
  for (const auto& [name, one] :
       {std::make_pair("top1", &*top1), std::make_pair("top5", &*top5)}) {
    both.json[name] = one->json;
    both.json[name].erase("x");
  }
  return WriteCurves(JoinPath(dir, "curves_top_1_5.json"),
                     JoinPath(dir, "curves_top1_5.png"), both, title,
                     "Threshold", "Localization (%)");
}

absl::Status WriteEpochCurves(const PublishedFlags& flags,
                              const std::string& folder,
                              const std::string& split, const Meters& meters) {
  std::vector<wsol::MetricCurve> curves;
  for (const auto& [name, meter] : meters) {
    // Percent and losses do not share an axis.
    if (name != "localization" && name != "classification") continue;
    const std::optional<size_t> best = meter.Best();
    if (!best.has_value()) continue;
    wsol::MetricCurve curve;
    curve.name = name;
    for (size_t i = 0; i < meter.by_epoch.size(); ++i) {
      curve.x.push_back(static_cast<double>(i));
      curve.y.push_back(meter.by_epoch[i].value_or(std::nan("")));
    }
    curve.best_x = static_cast<double>(*best);
    curves.push_back(std::move(curve));
  }
  wsol::MetricCurvesOptions options;
  options.title = absl::StrCat(flags.dataset, ", ", split);
  options.y_title = "%";
  return wsol::WriteMetricCurves(
      JoinPath(folder, EpochCurvesFile(flags, split)), curves, options);
}

// Adds a line; the file is everybody's, so it is not replaced.
absl::Status AppendLine(const std::string& path, const std::string& line) {
  std::ofstream file(path, std::ios::app);
  file << line + "\n" << std::flush;
  if (file) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("cannot write to '", path, "'"));
}

absl::Status WriteFiles(const PublishedFlags& flags, const std::string& root,
                        const std::string& folder) {
  VISION_ASSIGN_OR_RETURN(const ordered_json history_json,
                          ReadJson(JoinPath(folder, "history.json")));
  const History history = ParseHistory(history_json);
  VISION_RETURN_IF_ERROR(
      WriteEpochCurves(flags, folder, "train", history.train));
  VISION_RETURN_IF_ERROR(WriteEpochCurves(flags, folder, "val", history.val));
  std::string summary;
  for (const char* const checkpoint : {"best", "last"}) {
    VISION_ASSIGN_OR_RETURN(
        const ordered_json results,
        ReadJson(JoinPath(folder, absl::StrCat("test_", checkpoint, ".json"))));
    const Meters test = ParseTest(results, history.metric);
    const size_t epoch = std::string(checkpoint) == "best" ? history.best_epoch
                                                           : history.last_epoch;
    std::string text;
    ordered_json json = ordered_json::object();
    AppendReport("train", epoch, history.train, &text, &json);
    AppendReport("val", epoch, history.val, &text, &json);
    AppendReport("test", epoch, test, &text, &json);
    const std::string path = JoinPath(folder, PerformanceLogFile(checkpoint));
    VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(path, text));
    VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(
        absl::StrReplaceAll(path, {{".txt", ".json"}}), json.dump(2) + "\n"));
    VISION_RETURN_IF_ERROR(WriteTestCurves(flags, folder, checkpoint, results));
    VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(
        JoinPath(JoinPath(folder, ModelTag(flags, checkpoint)),
                 kModelConfigFile),
        PublishedModelYaml(flags)));
    const auto localization = test.find("localization");
    if (localization != test.end()) {
      absl::StrAppend(&summary, ", test ", history.metric, " of the ",
                      checkpoint, " model ",
                      PythonFloat(*localization->second.by_epoch.back()));
    }
  }
  VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(
      JoinPath(folder, kFinalConfigFile), PublishedFlagsYaml(flags)));
  VISION_RETURN_IF_ERROR(
      AppendLine(JoinPath(root, kExperimentsLog),
                 absl::StrCat(ExperimentFolder(flags), ": passed", summary)));
  return vision::WriteFileAtomically(JoinPath(folder, kPassedFile), "Passed.");
}

}  // namespace

absl::Status WritePublishedFiles(const PublishedFlags& flags,
                                 const std::string& root,
                                 const std::string& folder) {
  try {
    return WriteFiles(flags, root, folder);
  } catch (const nlohmann::json::exception& e) {
    return absl::DataLossError(
        absl::StrCat("the results in '", folder, "' are damaged: ", e.what()));
  }
}

}  // namespace fcam
