#include "wsol/report_run/report_run.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "opencv2/core.hpp"
#include "vision/base/file_io.h"
#include "vision/base/progress.h"
#include "vision/base/status_util.h"
#include "vision/base/version.h"
#include "vision/geometry/box.h"
#include "vision/image/image_io.h"
#include "vision/image/opencv_status.h"
#include "wsol/metrics/baseline_maps.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/tau_selection.h"
#include "wsol/report/chart.h"
#include "wsol/report/report.h"
#include "wsol/report/table.h"
#include "wsol/report/text_table.h"
#include "wsol/report_run/activation_histogram.h"
#include "wsol/report_run/chart_png.h"
#include "wsol/report_run/map_pass.h"
#include "wsol/report_run/panels.h"
#include "wsol/report_run/report_split.h"
#include "wsol/report_run/resolution_loss.h"
#include "wsol/report_run/run_source.h"
#include "wsol/report_run/table_files.h"
#include "wsol/results/bootstrap.h"
#include "wsol/results/compare_results.h"
#include "wsol/results/results_json.h"
#include "wsol/score_maps/evaluate_maps.h"
#include "wsol/score_maps/score_map_folder.h"

namespace wsol {
namespace {

// Colours of wsol/report/palette.h.
constexpr int kNumColors = 8;
constexpr char kCenterLabel[] = "Centre";
constexpr char kConstantLabel[] = "Constant";
// Metrics whose validation curves are drawn; all would be 15 lines.
const char* const kShownMetrics[] = {"MaxBoxAcc", "MaxBoxAccV2", "PxAP",
                                     "Top1Cls"};

// A row of the result table and a line of the charts.
struct Row {
  std::string label;
  StoredResults results;
  bool is_baseline = false;
  // Of the line; the baseline's is dashed.
  int color = 0;
};

std::string IntervalText(const Interval& interval) {
  return absl::StrFormat("[%.2f, %.2f]", interval.low, interval.high);
}

// Percent of images that are right at each threshold, the mean of `keys`; empty
// if the results lack one of them.
std::vector<double> AccuracyCurve(const StoredResults& results,
                                  const std::vector<std::string>& keys) {
  std::vector<double> curve(results.taus.size(), 0);
  for (const std::string& key : keys) {
    const auto found = results.correct_counts.find(key);
    if (found == results.correct_counts.end()) return {};
    const double scale = 100.0 / static_cast<double>(results.num_images) /
                         static_cast<double>(keys.size());
    for (size_t i = 0; i < curve.size(); ++i) {
      curve[i] += scale * static_cast<double>(found->second[i]);
    }
  }
  return curve;
}

LineSeries SeriesOfRow(const Row& row) {
  LineSeries series;
  series.name = row.label;
  series.color = row.color;
  series.dashed = row.is_baseline;
  return series;
}

LineChart PercentChart(const std::string& title, const std::string& x_title,
                       const std::string& y_title, double x_max) {
  LineChart chart;
  chart.title = title;
  chart.x_title = x_title;
  chart.y_title = y_title;
  chart.x_min = 0;
  chart.x_max = x_max;
  chart.y_min = 0;
  chart.y_max = 100;
  return chart;
}

class Reporter {
 public:
  explicit Reporter(const ReportOptions& options) : options_(options) {}

  absl::StatusOr<ReportOutcome> Run() {
    VISION_RETURN_IF_ERROR(options_.Validate());
    VISION_RETURN_IF_ERROR(OpenRuns());
    VISION_RETURN_IF_ERROR(EvaluateRows());
    VISION_RETURN_IF_ERROR(vision::CreateDirectories(options_.output_dir));
    report_.title = options_.title.empty() ? DefaultTitle() : options_.title;
    report_.subtitle = Subtitle();
    VISION_RETURN_IF_ERROR(AddResults());
    VISION_RETURN_IF_ERROR(AddDifferences());
    VISION_RETURN_IF_ERROR(AddThresholds());
    VISION_RETURN_IF_ERROR(AddMaps());
    VISION_RETURN_IF_ERROR(AddSimulation());
    VISION_RETURN_IF_ERROR(AddTraining());
    AddSources();
    report_.footer =
        absl::StrCat("fcam ", vision::kVersion, ", seed ", options_.seed, ".");
    VISION_RETURN_IF_ERROR(WriteReport(report_, Path("report.html")));
    outcome_.files.push_back("report.html");
    VISION_ASSIGN_OR_RETURN(outcome_.text, RenderTextTable(table_));
    if (!outcome_.left_out.empty()) absl::StrAppend(&outcome_.text, "\n");
    for (const std::string& reason : outcome_.left_out) {
      absl::StrAppend(&outcome_.text, "left out: ", reason, "\n");
    }
    return std::move(outcome_);
  }

 private:
  std::string Path(const std::string& name) const {
    return vision::JoinPath(options_.output_dir, name);
  }

  void LeaveOut(std::string reason) {
    outcome_.left_out.push_back(std::move(reason));
  }

  absl::Status CheckStop() const {
    return options_.should_stop && options_.should_stop()
               ? absl::CancelledError("stopped; the report is not whole")
               : absl::OkStatus();
  }

  int ColorOfRun(size_t run) const {
    return static_cast<int>(run) % kNumColors;
  }

  // ---- Reading

  absl::Status OpenRuns() {
    for (const ReportRun& run : options_.runs) {
      VISION_ASSIGN_OR_RETURN(RunSource source, OpenRun(run));
      if (!source.results.has_value() && options_.metadata_dir.empty()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "run '", run.label, "': '", run.path,
            "' is a folder of score maps, which need --metadata_dir"));
      }
      sources_.push_back(std::move(source));
    }
    VISION_RETURN_IF_ERROR(CheckSameSplit());
    if (options_.metadata_dir.empty()) return absl::OkStatus();
    VISION_ASSIGN_OR_RETURN(split_, ReportSplit::Open(options_));
    for (const RunSource& source : sources_) {
      if (!source.results.has_value()) continue;
      const absl::Status same = split_->CheckSameData(*source.results);
      if (!same.ok()) {
        return absl::Status(same.code(), absl::StrCat("run '", source.label,
                                                      "': ", same.message()));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckSameSplit() {
    const RunSource* first = nullptr;
    for (const RunSource& source : sources_) {
      if (!source.results.has_value()) continue;
      if (first == nullptr) first = &source;
      const StoredResults& a = *first->results;
      const StoredResults& b = *source.results;
      if (a.data_sha256 != b.data_sha256) {
        return absl::InvalidArgumentError(absl::StrFormat(
            "runs '%s' and '%s' are of different splits: '%s' has %d images, "
            "data_sha256 %s..., '%s' has %d, data_sha256 %s...",
            first->label, source.label, a.name, a.num_images,
            a.data_sha256.substr(0, 12), b.name, b.num_images,
            b.data_sha256.substr(0, 12)));
      }
      if (a.mode != b.mode) {
        return absl::InvalidArgumentError(absl::StrCat(
            "runs '", first->label, "' and '", source.label,
            "' were evaluated in different modes: ", EvaluationModeName(a.mode),
            " and ", EvaluationModeName(b.mode)));
      }
    }
    native_ =
        first != nullptr && first->results->mode == EvaluationMode::kNative;
    if (!native_) return absl::OkStatus();
    for (const RunSource& source : sources_) {
      if (source.results.has_value()) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "run '", source.label,
          "': score maps are evaluated in protocol "
          "mode, but run '",
          first->label,
          "' is in native mode; evaluate the "
          "maps with //wsol:evaluate --mode=native and give its results"));
    }
    return absl::OkStatus();
  }

  absl::Status OpenMaps() {
    maps_.resize(sources_.size());
    for (size_t r = 0; r < sources_.size(); ++r) {
      RunSource& source = sources_[r];
      if (source.map_dir.empty()) continue;
      const std::vector<std::string>& ids =
          split_ != nullptr ? split_->ids() : source.results->image_ids;
      if (ids.empty()) {
        source.no_maps =
            "without --metadata_dir it is not known which images "
            "the maps are of";
        continue;
      }
      ScoreMapFolderOptions folder_options;
      folder_options.allow_extra = true;
      absl::StatusOr<ScoreMapFolder> folder =
          ScoreMapFolder::Open(source.map_dir, ids, folder_options);
      if (!folder.ok()) {
        return absl::Status(
            folder.status().code(),
            absl::StrCat("run '", source.label, "', '", source.map_dir,
                         "': ", folder.status().message()));
      }
      maps_[r] = *std::move(folder);
    }
    return absl::OkStatus();
  }

  // Baselines come first in the table, and after the runs among the colours.
  absl::Status EvaluateRows() {
    VISION_RETURN_IF_ERROR(OpenMaps());
    if (!options_.baselines) {
      // Not asked for.
    } else if (split_ == nullptr) {
      LeaveOut("baselines: they need the split, --metadata_dir");
    } else if (native_) {
      LeaveOut("baselines: the runs were evaluated in native mode");
    } else {
      VISION_RETURN_IF_ERROR(
          AddBaseline(kConstantLabel, 1, [](int64_t, cv::Size size) {
            return ConstantBaselineMap(size.width, size.height);
          }));
      VISION_RETURN_IF_ERROR(
          AddBaseline(kCenterLabel, 0, [](int64_t, cv::Size size) {
            return CenterBaselineMap(size.width, size.height);
          }));
    }
    for (size_t r = 0; r < sources_.size(); ++r) {
      RunSource& source = sources_[r];
      if (!source.results.has_value()) {
        absl::StatusOr<StoredResults> results =
            Evaluate(source.label, [this, r](int64_t i, cv::Size) {
              return maps_[r]->Load(static_cast<size_t>(i));
            });
        if (!results.ok()) {
          return absl::Status(results.status().code(),
                              absl::StrCat("run '", source.label,
                                           "': ", results.status().message()));
        }
        source.results = *std::move(results);
      }
      Row& row = rows_.emplace_back();
      row.label = source.label;
      row.results = *source.results;
      row.color = ColorOfRun(r);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<StoredResults> Evaluate(const std::string& label,
                                         const MapSource& map_of) {
    return split_->Evaluate(label, map_of, options_);
  }

  absl::Status AddBaseline(const char* label, size_t number,
                           const MapSource& map_of) {
    Row row;
    row.label = label;
    row.is_baseline = true;
    row.color = ColorOfRun(sources_.size() + number);
    VISION_ASSIGN_OR_RETURN(row.results, Evaluate(label, map_of));
    rows_.push_back(std::move(row));
    return absl::OkStatus();
  }

  // ---- Results

  std::string DefaultTitle() const {
    std::vector<std::string> labels;
    for (const RunSource& source : sources_) labels.push_back(source.label);
    return absl::StrJoin(labels, ", ");
  }

  std::string Subtitle() const {
    const StoredResults& results = *sources_[0].results;
    return absl::StrFormat("%d images, %s mode, data %s", results.num_images,
                           EvaluationModeName(results.mode),
                           results.data_sha256.substr(0, 12));
  }

  bool AnyHas(const std::string& value) const {
    return std::any_of(rows_.begin(), rows_.end(), [&](const Row& row) {
      return row.results.values.count(value) > 0;
    });
  }
  bool AnyHasMetric(const std::string& key) const {
    return std::any_of(rows_.begin(), rows_.end(), [&](const Row& row) {
      return row.results.metrics.count(key) > 0;
    });
  }

  Table MakeResultTable() const {
    Table table;
    table.caption = "Localization, percent";
    table.columns = {{"Run"}};
    for (const Row& row : rows_) {
      TableRow& cells = table.rows.emplace_back();
      cells.cells.push_back(row.label);
      cells.style = row.is_baseline ? RowStyle::kMuted : RowStyle::kNormal;
    }
    if (sources_.size() > 1) table.rows.back().style = RowStyle::kStrong;
    const auto add = [&](const std::string& title, const auto& value_of) {
      table.columns.push_back({title, "", Best::kHighest});
      for (size_t r = 0; r < rows_.size(); ++r) {
        const std::optional<double> value = value_of(rows_[r].results);
        table.rows[r].cells.push_back(value.has_value() ? TableCell(*value)
                                                        : TableCell(""));
      }
    };
    const auto add_value = [&](const std::string& name) {
      if (!AnyHas(name)) return;
      add(name, [&](const StoredResults& results) -> std::optional<double> {
        const auto found = results.values.find(name);
        if (found == results.values.end()) return std::nullopt;
        return found->second;
      });
    };
    const auto add_metric = [&](const std::string& title,
                                const std::string& key) {
      if (!AnyHasMetric(key)) return;
      add(title, [&](const StoredResults& results) -> std::optional<double> {
        const auto found = results.metrics.find(key);
        if (found == results.metrics.end()) return std::nullopt;
        return found->second.value;
      });
    };
    add_value("MaxBoxAcc");
    add_value("MaxBoxAccV2");
    for (const int iou : {30, 50, 70}) {
      add_metric(absl::StrCat("V2 at ", iou), absl::StrCat("v2/BoxAcc@", iou));
    }
    add_value("PxAP");
    add_value("pIoU");
    add_metric("Top-1 loc.", "v1/Top1Loc@50");
    add_metric("Top-5 loc.", "v1/Top5Loc@50");
    add_value("Top1Cls");
    return table;
  }

  absl::Status AddResults() {
    table_ = MakeResultTable();
    ReportSection& section = report_.sections.emplace_back();
    section.title = "Results";
    Highlights highlights;
    const StoredResults& first = *sources_.front().results;
    const StoredResults& last = *sources_.back().results;
    for (const char* const name : {"MaxBoxAcc", "MaxBoxAccV2", "PxAP"}) {
      if (last.values.count(name) == 0) continue;
      const double value = last.values.at(name);
      std::string detail;
      if (sources_.size() > 1 && first.values.count(name) > 0) {
        detail = absl::StrFormat("%s %.1f, %+.1f points",
                                 sources_.front().label, first.values.at(name),
                                 value - first.values.at(name));
      }
      highlights.items.push_back(
          {absl::StrCat(name, " of ", sources_.back().label),
           absl::StrFormat("%.1f %%", value), detail});
    }
    if (!highlights.items.empty()) section.blocks.push_back(highlights);
    section.blocks.push_back(table_);
    std::set<std::string> rules;
    for (const Row& row : rows_) {
      rules.insert(std::string(TauRuleName(row.results.tau_rule)));
    }
    section.blocks.push_back(Paragraph{absl::StrCat(
        rules == std::set<std::string>{"oracle"}
            ? "Each metric takes the threshold that suits it best on these "
              "images (the published protocol). "
            : absl::StrCat("Thresholds were chosen by these rules: ",
                           absl::StrJoin(rules, ", "), ". "),
        "PxAP needs none. The best of each column is marked.")});
    VISION_ASSIGN_OR_RETURN(const std::string markdown, MarkdownTable(table_));
    VISION_ASSIGN_OR_RETURN(const std::string csv, CsvTable(table_));
    VISION_ASSIGN_OR_RETURN(const cv::Mat picture, DrawTable(table_));
    VISION_RETURN_IF_ERROR(
        vision::WriteFileAtomically(Path("result_table.md"), markdown));
    VISION_RETURN_IF_ERROR(
        vision::WriteFileAtomically(Path("result_table.csv"), csv));
    VISION_RETURN_IF_ERROR(vision::WritePng(Path("result_table.png"), picture));
    for (const char* const ending : {"md", "csv", "png"}) {
      outcome_.files.push_back(absl::StrCat("result_table.", ending));
    }
    return absl::OkStatus();
  }

  absl::Status AddDifferences() {
    if (sources_.size() < 2) return absl::OkStatus();
    Table table;
    const std::string& first = sources_[0].label;
    table.caption = absl::StrCat("Differences from ", first, ", points");
    table.columns = {{"Run"},        {"Metric"},   {first, "%"}, {"Run's", "%"},
                     {"Difference"}, {"Interval"}, {"p"},        {""}};
    table.columns[4].decimals = 2;
    table.columns[5].align = Align::kRight;
    table.columns[6].decimals = 4;
    BootstrapOptions bootstrap = options_.bootstrap;
    bootstrap.seed = options_.seed;
    bootstrap.num_threads = options_.num_threads;
    for (size_t r = 1; r < sources_.size(); ++r) {
      VISION_RETURN_IF_ERROR(CheckStop());
      const absl::StatusOr<Comparison> comparison =
          CompareResults(*sources_[0].results, *sources_[r].results, bootstrap);
      if (!comparison.ok()) {
        LeaveOut(absl::StrCat("difference of ", sources_[r].label, " from ",
                              first, ": ", comparison.status().message()));
        continue;
      }
      const std::string file = absl::StrCat("difference_", r + 1, ".json");
      VISION_RETURN_IF_ERROR(
          vision::WriteFileAtomically(Path(file), ComparisonJson(*comparison)));
      outcome_.files.push_back(file);
      std::string label = sources_[r].label;
      for (const ComparedMetric& metric : comparison->metrics) {
        // The others stand in the file.
        if (metric.name.find('/') != std::string::npos) continue;
        const Interval& interval = metric.difference_interval;
        const bool differs = interval.low > 0 || interval.high < 0;
        TableRow& row = table.rows.emplace_back();
        row.cells = {label,          metric.name,       metric.a,
                     metric.b,       metric.difference, IntervalText(interval),
                     metric.p_value, differs ? "*" : ""};
        label.clear();
      }
    }
    if (table.rows.empty()) return absl::OkStatus();
    ReportSection& section = report_.sections.emplace_back();
    section.title = "Differences";
    section.blocks.push_back(table);
    section.blocks.push_back(Paragraph{absl::StrFormat(
        "Intervals hold %g %% of %d paired bootstrap resamples of the images; "
        "thresholds stay those of the results. A star: the interval excludes "
        "0.",
        100 * bootstrap.confidence, bootstrap.num_resamples)});
    return absl::OkStatus();
  }

  // ---- Thresholds

  // Writes the chart as a picture too, and adds it to `charts`.
  absl::Status AddChart(const std::string& file, LineChart chart,
                        std::vector<LineChart>* charts) {
    VISION_RETURN_IF_ERROR(WriteChartPng(Path(file), chart));
    outcome_.files.push_back(file);
    charts->push_back(std::move(chart));
    return absl::OkStatus();
  }

  // Accuracy by threshold of all rows but the constant, which has one value at
  // all of them.
  LineChart TauChart(const std::string& title,
                     const std::vector<std::string>& keys) const {
    LineChart chart = PercentChart(title, "Threshold tau", "Images (%)", 1);
    for (const Row& row : rows_) {
      if (row.is_baseline && row.label == kConstantLabel) continue;
      LineSeries series = SeriesOfRow(row);
      series.y = AccuracyCurve(row.results, keys);
      if (series.y.empty()) continue;
      series.x = row.results.taus;
      chart.series.push_back(std::move(series));
    }
    RunsFirst(&chart);
    return chart;
  }

  // Baselines come last in legends.
  static void RunsFirst(LineChart* chart) {
    std::stable_partition(
        chart->series.begin(), chart->series.end(),
        [](const LineSeries& series) { return !series.dashed; });
  }

  LineChart PrecisionRecallChart() const {
    LineChart chart = PercentChart("Precision and recall of pixels",
                                   "Recall (%)", "Precision (%)", 100);
    for (const Row& row : rows_) {
      if (row.is_baseline && row.label == kConstantLabel) continue;
      LineSeries series = SeriesOfRow(row);
      // Rising threshold is falling recall; charts want rising positions.
      const auto& curve = row.results.precision_recall;
      for (auto point = curve.rbegin(); point != curve.rend(); ++point) {
        const double recall = 100 * point->recall;
        // Of points at one recall the most precise one is on the curve.
        if (!series.x.empty() && recall <= series.x.back()) {
          series.y.back() = std::max(series.y.back(), 100 * point->precision);
          continue;
        }
        series.x.push_back(recall);
        series.y.push_back(100 * point->precision);
      }
      if (!series.x.empty()) chart.series.push_back(std::move(series));
    }
    RunsFirst(&chart);
    return chart;
  }

  LineChart MaskIouChart() const {
    LineChart chart =
        PercentChart("IoU of pixels", "Threshold tau", "IoU (%)", 1);
    for (const Row& row : rows_) {
      if (row.is_baseline && row.label == kConstantLabel) continue;
      LineSeries series = SeriesOfRow(row);
      for (const StoredPrecisionRecall& point : row.results.precision_recall) {
        const double p = point.precision, r = point.recall;
        series.x.push_back(point.threshold);
        // tp / (found + true - tp), each over tp.
        series.y.push_back(p * r > 0 ? 100 * p * r / (p + r - p * r) : 0);
      }
      if (!series.x.empty()) chart.series.push_back(std::move(series));
    }
    RunsFirst(&chart);
    return chart;
  }

  // How much a curve asks of the threshold.
  static void AddSensitivity(const LineChart& chart, const char* metric,
                             Table* table) {
    for (const LineSeries& series : chart.series) {
      if (series.y.size() < 2) continue;
      const auto best = std::max_element(series.y.begin(), series.y.end());
      const auto near =
          std::count_if(series.y.begin(), series.y.end(),
                        [&](double y) { return y >= 0.9 * *best; });
      double sum = 0;
      for (const double y : series.y) sum += y;
      const auto count = static_cast<double>(series.y.size());
      TableRow& row = table->rows.emplace_back();
      row.style = series.dashed ? RowStyle::kMuted : RowStyle::kNormal;
      row.cells = {
          metric,
          series.name,
          *best,
          FormatNumber(series.x[static_cast<size_t>(best - series.y.begin())],
                       2),
          sum / count,
          100 * static_cast<double>(near) / count};
    }
  }

  absl::Status AddThresholds() {
    std::vector<LineChart> charts, mask_charts;
    Table table;
    table.caption = "Sensitivity to the threshold";
    table.columns = {{"Metric"},
                     {"Run"},
                     {"Best", "%"},
                     {"at tau"},
                     {"Mean over tau", "%"},
                     {"Thresholds within 90 % of best", "%"}};
    table.columns[3].align = Align::kRight;
    const LineChart v1 =
        TauChart("Box accuracy at IoU 0.5, largest contour", {"v1/BoxAcc@50"});
    if (!v1.series.empty()) {
      AddSensitivity(v1, "MaxBoxAcc", &table);
      VISION_RETURN_IF_ERROR(AddChart("tau_max_box_acc.png", v1, &charts));
    }
    const LineChart v2 =
        TauChart("Box accuracy, mean of IoU 0.3, 0.5, 0.7, all contours",
                 {"v2/BoxAcc@30", "v2/BoxAcc@50", "v2/BoxAcc@70"});
    if (!v2.series.empty()) {
      AddSensitivity(v2, "V2, one tau", &table);
      VISION_RETURN_IF_ERROR(AddChart("tau_max_box_acc_v2.png", v2, &charts));
    }
    const LineChart pixels = PrecisionRecallChart();
    if (!pixels.series.empty()) {
      const LineChart iou = MaskIouChart();
      AddSensitivity(iou, "IoU of pixels", &table);
      VISION_RETURN_IF_ERROR(
          AddChart("precision_recall.png", pixels, &mask_charts));
      VISION_RETURN_IF_ERROR(AddChart("tau_mask_iou.png", iou, &mask_charts));
    }
    if (charts.empty() && mask_charts.empty()) {
      LeaveOut("curves over the threshold: the results have none");
      return absl::OkStatus();
    }
    ReportSection& section = report_.sections.emplace_back();
    section.title = "Thresholds";
    if (!charts.empty()) section.blocks.push_back(ChartRow{std::move(charts)});
    if (!mask_charts.empty()) {
      section.blocks.push_back(ChartRow{std::move(mask_charts)});
    }
    section.blocks.push_back(table);
    section.blocks.push_back(Paragraph{
        "A map that is good at one threshold alone needs that threshold to be "
        "known. The last column is the share of all thresholds at which a run "
        "has at least 90 % of its best value."});
    return absl::OkStatus();
  }

  // ---- Maps

  std::function<absl::StatusOr<cv::Mat>(int64_t)> MapOf(size_t run) const {
    return [this, run](int64_t i) {
      return maps_[run]->Load(static_cast<size_t>(i));
    };
  }

  // Native thresholds are not those of the frame, where maps are shown.
  RunTaus TausOfRun(size_t run) const {
    return native_ ? RunTaus() : BestTausOf(*sources_[run].results);
  }

  absl::StatusOr<MapPass> PassOfRun(size_t run) {
    const RunSource& source = sources_[run];
    const int64_t num_images =
        split_ != nullptr
            ? split_->size()
            : static_cast<int64_t>(source.results->image_ids.size());
    vision::ProgressOptions progress_options;
    progress_options.enabled = options_.show_progress;
    vision::Progress progress(absl::StrCat("maps of ", source.label),
                              num_images, progress_options);
    MapPassOptions pass_options;
    pass_options.num_threads = options_.num_threads;
    pass_options.should_stop = options_.should_stop;
    pass_options.on_image = [&progress] { progress.Advance(); };
    absl::StatusOr<MapPass> pass = LookAtMaps(
        num_images, MapOf(run), split_.get(), TausOfRun(run), pass_options);
    progress.Finish();
    if (!pass.ok()) {
      return absl::Status(
          pass.status().code(),
          absl::StrCat("run '", source.label, "': ", pass.status().message()));
    }
    return pass;
  }

  absl::Status AddMaps() {
    std::vector<std::optional<MapPass>> passes(sources_.size());
    std::vector<std::optional<ActivationHistogram>> histograms(sources_.size());
    for (size_t r = 0; r < sources_.size(); ++r) {
      if (maps_[r].has_value()) {
        VISION_ASSIGN_OR_RETURN(passes[r], PassOfRun(r));
        histograms[r] = passes[r]->histogram;
        continue;
      }
      histograms[r] = HistogramOfResults(*sources_[r].results);
      LeaveOut(absl::StrCat(histograms[r].has_value() ? "" : "histogram and ",
                            "panels of ", sources_[r].label, ": ",
                            sources_[r].no_maps));
    }
    VISION_RETURN_IF_ERROR(AddHistograms(histograms));
    return AddPanels(passes);
  }

  LineChart HistogramChart(
      const std::string& title,
      const std::vector<std::optional<ActivationHistogram>>& histograms,
      std::vector<int64_t> ActivationHistogram::*counts) const {
    LineChart chart;
    chart.title = title;
    chart.x_title = "Value of the map";
    chart.y_title = "Pixels (%)";
    chart.x_min = 0;
    chart.x_max = 1;
    chart.log_y = options_.log_histogram;
    if (!chart.log_y) chart.y_min = 0;
    for (size_t r = 0; r < sources_.size(); ++r) {
      if (!histograms[r].has_value()) continue;
      if (counts != &ActivationHistogram::all && !histograms[r]->has_masks()) {
        continue;
      }
      LineSeries series =
          HistogramSeries(sources_[r].label, (*histograms[r]).*counts);
      series.color = ColorOfRun(r);
      // Areas of many runs would hide each other.
      series.filled = !chart.log_y && sources_.size() <= 3;
      chart.series.push_back(std::move(series));
    }
    return chart;
  }

  absl::Status AddHistograms(
      const std::vector<std::optional<ActivationHistogram>>& histograms) {
    std::vector<LineChart> all, by_truth;
    LineChart chart = HistogramChart("Activations of all pixels", histograms,
                                     &ActivationHistogram::all);
    if (chart.series.empty()) return absl::OkStatus();
    VISION_RETURN_IF_ERROR(AddChart("activations.png", std::move(chart), &all));
    chart = HistogramChart("Activations of objects' pixels", histograms,
                           &ActivationHistogram::foreground);
    const bool masks = !chart.series.empty();
    if (masks) {
      VISION_RETURN_IF_ERROR(
          AddChart("activations_object.png", std::move(chart), &by_truth));
      VISION_RETURN_IF_ERROR(
          AddChart("activations_background.png",
                   HistogramChart("Activations of backgrounds' pixels",
                                  histograms, &ActivationHistogram::background),
                   &by_truth));
    } else {
      LeaveOut("histograms of objects and backgrounds: there are no masks");
    }
    ReportSection& section = report_.sections.emplace_back();
    section.title = "Activations";
    section.blocks.push_back(Paragraph{absl::StrFormat(
        "Shares of the pixels of all maps by value, %d steps. A map that marks "
        "its object clearly has its pixels at 0 and 1.",
        kActivationBins)});
    section.blocks.push_back(ChartRow{std::move(all)});
    if (masks) section.blocks.push_back(ChartRow{std::move(by_truth)});
    return absl::OkStatus();
  }

  // ---- Panels

  absl::Status AddPanels(const std::vector<std::optional<MapPass>>& passes) {
    if (options_.num_panel_images == 0) return absl::OkStatus();
    std::vector<PanelRun> runs;
    size_t judge = 0;
    for (size_t r = 0; r < sources_.size(); ++r) {
      if (!passes[r].has_value()) continue;
      runs.push_back({sources_[r].label, MapOf(r), TausOfRun(r)});
      judge = r;
    }
    if (runs.empty()) return absl::OkStatus();
    if (split_ == nullptr || !split_->has_images()) {
      LeaveOut(absl::StrCat("panels: they need ",
                            split_ == nullptr
                                ? "the split, --metadata_dir and --image_root"
                                : "the images, --image_root"));
      return absl::OkStatus();
    }
    const bool by_box = !passes[judge]->box_ious.empty();
    const std::vector<double>& ious =
        by_box ? passes[judge]->box_ious : passes[judge]->mask_ious;
    const std::string measure = absl::StrCat(
        "IoU of the ", by_box ? "box" : "mask", " of ", sources_[judge].label);
    ReportSection& section = report_.sections.emplace_back();
    section.title = "Images";
    const int64_t count = options_.num_panel_images;
    struct Choice {
      const char* file;
      std::string title;
      std::vector<int64_t> images;
    };
    std::vector<Choice> choices = {
        {"panels_random.png",
         absl::StrCat("Drawn at random, seed ", options_.seed),
         RandomImages(split_->size(), count, options_.seed)}};
    if (!ious.empty()) {
      choices.push_back({"panels_best.png",
                         absl::StrCat("Best ones: largest ", measure),
                         LargestImages(ious, count)});
      choices.push_back({"panels_worst.png",
                         absl::StrCat("Worst ones: smallest ", measure),
                         SmallestImages(ious, count)});
    } else {
      LeaveOut(absl::StrCat(
          "boxes and outlines of images, best and worst ones: ",
          native_ ? "thresholds of native mode are not those of the frame"
                  : absl::StrCat("the results of ", sources_[judge].label,
                                 " have no threshold for what the split has")));
    }
    for (const Choice& choice : choices) {
      std::vector<PanelRow> rows;
      for (const int64_t image : choice.images) {
        VISION_RETURN_IF_ERROR(CheckStop());
        VISION_ASSIGN_OR_RETURN(PanelRow row,
                                MakePanelRow(*split_, image, runs));
        rows.push_back(std::move(row));
      }
      VISION_RETURN_IF_ERROR(
          vision::WritePng(Path(choice.file), DrawPanel(rows, choice.title)));
      outcome_.files.push_back(choice.file);
      VISION_ASSIGN_OR_RETURN(ImagePanel panel,
                              MakeImagePanel(rows, PanelLegend(*split_)));
      section.blocks.push_back(Heading{choice.title});
      section.blocks.push_back(std::move(panel));
    }
    return absl::OkStatus();
  }

  // ---- Simulation

  static LineSeries FactorSeries(
      const char* name,
      const std::array<double, kResolutionFactors.size()>& values) {
    LineSeries series;
    series.name = name;
    series.markers = true;
    for (size_t k = 0; k < values.size(); ++k) {
      series.x.push_back(kResolutionFactors[k]);
      series.y.push_back(values[k]);
    }
    return series;
  }

  static TableRow FactorRow(
      const char* name,
      const std::array<double, kResolutionFactors.size()>& values) {
    TableRow row;
    row.cells = {name};
    for (const double value : values) row.cells.push_back(value);
    return row;
  }

  absl::Status AddSimulation() {
    if (options_.num_simulated_images == 0) return absl::OkStatus();
    if (split_ == nullptr) {
      LeaveOut(
          "simulation of lost resolution: it needs the split, "
          "--metadata_dir");
      return absl::OkStatus();
    }
    std::vector<cv::Mat> masks;
    std::vector<std::vector<vision::Box>> boxes;
    for (const int64_t i : RandomImages(
             split_->size(), options_.num_simulated_images, options_.seed)) {
      VISION_RETURN_IF_ERROR(CheckStop());
      VISION_ASSIGN_OR_RETURN(cv::Mat mask, split_->FrameMask(i));
      if (!mask.empty()) masks.push_back(std::move(mask));
      VISION_ASSIGN_OR_RETURN(std::vector<vision::Box> truth,
                              split_->FrameBoxes(i));
      if (!truth.empty()) boxes.push_back(std::move(truth));
    }
    std::vector<LineChart> charts;
    Table table;
    table.caption = "Percent, by the factor of resolution that is lost";
    table.columns = {{"Metric"}};
    for (const int factor : kResolutionFactors) {
      table.columns.push_back({absl::StrCat(factor)});
    }
    const auto chart_of = [](const char* title, const char* y_title) {
      LineChart chart;
      chart.title = title;
      chart.x_title = "Factor z";
      chart.y_title = y_title;
      chart.x_min = 0;
      chart.x_max = 34;
      chart.y_max = 100;
      return chart;
    };
    if (!masks.empty()) {
      VISION_ASSIGN_OR_RETURN(
          const MaskResolutionLoss loss,
          SimulateMaskResolution(masks, options_.num_threads));
      LineChart chart = chart_of("True masks with less resolution", "PxAP (%)");
      chart.series = {FactorSeries("mean of blocks", loss.pxap_of_mean),
                      FactorSeries("nearest pixel", loss.pxap_of_nearest)};
      table.rows.push_back(
          FactorRow("PxAP of masks, mean of blocks", loss.pxap_of_mean));
      table.rows.push_back(
          FactorRow("PxAP of masks, nearest pixel", loss.pxap_of_nearest));
      VISION_RETURN_IF_ERROR(
          AddChart("resolution_masks.png", std::move(chart), &charts));
    }
    if (!boxes.empty()) {
      VISION_ASSIGN_OR_RETURN(
          const BoxResolutionLoss loss,
          SimulateBoxResolution(boxes, options_.num_threads));
      LineChart chart =
          chart_of("True boxes with less resolution", "MaxBoxAcc (%)");
      chart.series = {FactorSeries("IoU 0.5", loss.at_50),
                      FactorSeries("IoU 0.7", loss.at_70),
                      FactorSeries("IoU 0.9", loss.at_90)};
      table.rows.push_back(
          FactorRow("MaxBoxAcc of boxes, IoU 0.5", loss.at_50));
      table.rows.push_back(
          FactorRow("MaxBoxAcc of boxes, IoU 0.7", loss.at_70));
      table.rows.push_back(
          FactorRow("MaxBoxAcc of boxes, IoU 0.9", loss.at_90));
      VISION_RETURN_IF_ERROR(
          AddChart("resolution_boxes.png", std::move(chart), &charts));
    }
    ReportSection& section = report_.sections.emplace_back();
    section.title = "What resolution is worth";
    section.blocks.push_back(Paragraph{absl::StrFormat(
        "The truth of %d images itself, as a map: its sides are made z times "
        "smaller, and then interpolated back to 224 pixels. What is lost is "
        "lost to any map of that size, however well it knows the object. A "
        "ResNet-50 has maps of 28 pixels (z = 8) or 7 (z = 32).",
        std::max(masks.size(), boxes.size()))});
    section.blocks.push_back(ChartRow{std::move(charts)});
    section.blocks.push_back(table);
    return absl::OkStatus();
  }

  // ---- Training

  absl::Status AddTraining() {
    ReportSection section;
    section.title = "Training";
    for (size_t r = 0; r < sources_.size(); ++r) {
      const RunSource& source = sources_[r];
      if (!source.history.has_value()) {
        LeaveOut(absl::StrCat("training of ", source.label, ": ",
                              source.no_history));
        continue;
      }
      const RunHistory& history = *source.history;
      std::vector<LineChart> charts;
      LineChart validation;
      validation.title = absl::StrCat(source.label, ": validation");
      validation.x_title = "Epoch";
      validation.y_title = "%";
      std::vector<std::string> names(std::begin(kShownMetrics),
                                     std::end(kShownMetrics));
      if (!history.selected_by.empty() &&
          std::find(names.begin(), names.end(), history.selected_by) ==
              names.end()) {
        names.push_back(history.selected_by);
      }
      for (const std::string& name : names) {
        LineSeries series;
        series.name = name;
        series.markers = true;
        for (const RunEpoch& epoch : history.epochs) {
          for (const auto& [metric, value] : epoch.validation) {
            if (metric != name) continue;
            series.x.push_back(epoch.epoch);
            series.y.push_back(value);
          }
        }
        if (!series.x.empty()) validation.series.push_back(std::move(series));
      }
      if (history.best_epoch.has_value()) {
        validation.marks.push_back(
            {ChartMark::Axis::kX, *history.best_epoch, "best"});
      }
      if (validation.series.empty()) {
        LeaveOut(absl::StrCat("validation of ", source.label,
                              ": no epoch was validated"));
      } else {
        VISION_RETURN_IF_ERROR(
            AddChart(absl::StrCat("training_", r + 1, ".png"),
                     std::move(validation), &charts));
      }
      LineChart loss;
      loss.title = absl::StrCat(source.label, ": training loss");
      loss.x_title = "Epoch";
      loss.y_title = "Loss";
      LineSeries& series = loss.series.emplace_back();
      series.name = "loss";
      series.markers = true;
      for (const RunEpoch& epoch : history.epochs) {
        // Epoch 0 is the network before training.
        if (epoch.epoch < 1) continue;
        series.x.push_back(epoch.epoch);
        series.y.push_back(epoch.loss);
      }
      if (!series.x.empty()) charts.push_back(std::move(loss));
      if (!charts.empty()) {
        section.blocks.push_back(ChartRow{std::move(charts)});
      }
    }
    if (!section.blocks.empty()) {
      report_.sections.push_back(std::move(section));
    }
    return absl::OkStatus();
  }

  void AddSources() {
    ReportSection& section = report_.sections.emplace_back();
    section.title = "Where this is from";
    Table table;
    table.columns = {{"Run"}, {"Results"}, {"Maps"}, {"Epochs"}};
    table.columns[3].decimals = 0;
    for (const RunSource& source : sources_) {
      TableRow& row = table.rows.emplace_back();
      row.cells = {source.label, source.path,
                   source.map_dir.empty() ? "none" : source.map_dir};
      if (source.history.has_value()) {
        row.cells.emplace_back(source.history->epochs.empty()
                                   ? 0.0
                                   : source.history->epochs.back().epoch);
      } else {
        row.cells.emplace_back("");
      }
    }
    section.blocks.push_back(table);
    if (!outcome_.left_out.empty()) {
      section.blocks.push_back(Heading{"What is left out"});
      for (const std::string& reason : outcome_.left_out) {
        section.blocks.push_back(Note{reason});
      }
    }
    section.blocks.push_back(Heading{"Files"});
    section.blocks.push_back(Preformatted{absl::StrJoin(outcome_.files, "\n")});
  }

  const ReportOptions& options_;
  std::vector<RunSource> sources_;
  // Of each run; absent without maps.
  std::vector<std::optional<ScoreMapFolder>> maps_;
  std::unique_ptr<ReportSplit> split_;
  bool native_ = false;
  std::vector<Row> rows_;
  Table table_;
  Report report_;
  ReportOutcome outcome_;
};

}  // namespace

absl::StatusOr<ReportOutcome> RunReport(const ReportOptions& options) {
  return vision::CallOpencv("making a report",
                            [&] { return Reporter(options).Run(); });
}

}  // namespace wsol
