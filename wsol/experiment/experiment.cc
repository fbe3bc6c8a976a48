#include "wsol/experiment/experiment.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "glog/logging.h"
#include "nlohmann/json.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/image/npy.h"
#include "vision/image/tensor_image.h"
#include "wsol/experiment/split_metrics.h"
#include "wsol/results/evaluation_results.h"
#include "wsol/results/images_csv.h"
#include "wsol/results/pretty_json.h"
#include "wsol/results/results_json.h"
#include "wsol/results/results_table.h"
#include "wsol/run_log/metric_curves.h"
#include "wsol/score_maps/score_map_file.h"
#include "wsol/score_maps/score_map_folder.h"

namespace wsol {
namespace {

using ::nlohmann::ordered_json;

constexpr char kStateDir[] = "state";
constexpr char kStateFile[] = "state/training.ckpt";
constexpr char kOptionsFile[] = "state/options.json";
constexpr char kDoneFile[] = "done";

ordered_json ValuesToJson(const NamedValues& values) {
  ordered_json json = ordered_json::object();
  for (const auto& [name, value] : values) {
    json[name] = std::isfinite(value) ? ordered_json(value) : ordered_json();
  }
  return json;
}

// The epoch with the largest value of `metric`, the first of equals; 0 if there
// is none.
size_t BestIndex(const std::vector<EpochRecord>& history,
                 const std::string& metric) {
  size_t best = 0;
  for (size_t i = 1; i < history.size(); ++i) {
    if (history[i].Validation(metric).value_or(-1) >
        history[best].Validation(metric).value_or(-1)) {
      best = i;
    }
  }
  return best;
}

// What is drawn: all metrics together are too many lines for one picture.
bool IsHeadline(absl::string_view metric) {
  return metric == "MaxBoxAcc" || metric == "MaxBoxAccV2" || metric == "PxAP" ||
         metric == "Top1Cls" || metric == "Top1Loc@50";
}

std::string HistoryToJson(const std::vector<EpochRecord>& history,
                          const std::string& metric) {
  ordered_json epochs = ordered_json::array();
  for (const EpochRecord& record : history) {
    epochs.push_back({{"epoch", record.epoch},
                      {"learning_rate", record.learning_rate},
                      {"loss", record.loss},
                      {"values", ValuesToJson(record.values)},
                      {"validation", ValuesToJson(record.validation)},
                      {"seconds", record.seconds}});
  }
  ordered_json json = {{"schema_version", 1}, {"selected_by", metric}};
  if (!metric.empty() && !history.empty()) {
    json["best_epoch"] = history[BestIndex(history, metric)].epoch;
  }
  json["epochs"] = std::move(epochs);
  return PrettyJson(json);
}

// One line about an epoch for people.
std::string DescribeEpoch(const EpochRecord& record) {
  std::string text = absl::StrCat("epoch ", record.epoch);
  if (record.epoch > 0) {
    absl::StrAppendFormat(&text, ": loss %.4g", record.loss);
    for (const auto& [name, value] : record.values) {
      absl::StrAppendFormat(&text, ", %s %.4g", name, value);
    }
    absl::StrAppendFormat(&text, ", %.0f s", record.seconds);
  } else {
    absl::StrAppend(&text, ": before training");
  }
  if (!record.validation.empty()) absl::StrAppend(&text, "; validation");
  for (const auto& [name, value] : record.validation) {
    absl::StrAppendFormat(&text, " %s %.1f", name, value);
  }
  return text;
}

std::string ConfigToJson(
    const std::vector<std::pair<std::string, std::string>>& config) {
  ordered_json json = ordered_json::object();
  for (const auto& [name, value] : config) json[name] = value;
  return PrettyJson(json);
}

// OK if `text` is of these options.
absl::Status CheckSameConfig(
    const std::string& path, const std::string& text,
    const std::vector<std::pair<std::string, std::string>>& config) {
  const ordered_json stored = ordered_json::parse(text, /*cb=*/nullptr,
                                                  /*allow_exceptions=*/false);
  if (!stored.is_object()) {
    return absl::DataLossError(
        absl::StrCat("'", path, "' is damaged: no JSON"));
  }
  std::vector<std::string> differences;
  for (const auto& [name, value] : config) {
    const auto found = stored.find(name);
    const std::string before = found == stored.end() ? "not given"
                               : found->is_string()  ? found->get<std::string>()
                                                     : found->dump();
    if (before != value) {
      differences.push_back(
          absl::StrCat(name, " was ", before.empty() ? "empty" : before,
                       ", is ", value.empty() ? "empty" : value));
    }
  }
  if (differences.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the training to resume was begun with other options: ",
                   absl::StrJoin(differences, "; ")));
}

}  // namespace

absl::Status ExperimentOptions::Validate() const {
  if (output_dir.empty()) {
    return absl::InvalidArgumentError("--output_dir is needed");
  }
  if (checkpoint_batches < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--checkpoint_batches must not be negative, got ", checkpoint_batches));
  }
  VISION_RETURN_IF_ERROR(data.Validate());
  return evaluation_loader.Validate();
}

Experiment::Experiment(ExperimentOptions options)
    : options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<Experiment>> Experiment::Open(
    ExperimentOptions options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  // Not std::make_unique: the constructor is private.
  std::unique_ptr<Experiment> experiment(new Experiment(std::move(options)));
  const ExperimentOptions& o = experiment->options_;
  VISION_ASSIGN_OR_RETURN(experiment->data_,
                          OpenExperimentData(o.data, o.evaluation_loader));
  if (experiment->data_.val != nullptr) {
    const EvaluationSplit& val = *experiment->data_.val;
    VISION_ASSIGN_OR_RETURN(experiment->metric_,
                            SelectionMetric(o.select_by, val.has_boxes(),
                                            val.has_masks(), o.box_mode));
  }
  return experiment;
}

std::string Experiment::Path(absl::string_view name) const {
  return vision::JoinPath(options_.output_dir, name);
}

absl::Status Experiment::Begin() {
  // Whatever folder it is in.
  config_ = options_.config;
  config_.emplace_back(
      "training data",
      DataDigest(
          *data_.train,
          std::vector<uint32_t>(static_cast<size_t>(data_.train->size()), 0)));
  if (vision::FileExists(Path(kDoneFile))) {
    return absl::AlreadyExistsError(
        absl::StrCat("the experiment in '", options_.output_dir, "' is done"));
  }
  const bool begun = vision::FileExists(Path(kOptionsFile));
  if (begun) {
    if (!options_.resume) {
      return absl::FailedPreconditionError(
          absl::StrCat("'", options_.output_dir,
                       "' has the state of a training: --resume goes on from "
                       "it, and another "
                       "--output_dir begins anew"));
    }
    VISION_ASSIGN_OR_RETURN(const std::string text,
                            vision::ReadFile(Path(kOptionsFile)));
    VISION_RETURN_IF_ERROR(CheckSameConfig(Path(kOptionsFile), text, config_));
  }
  VISION_RETURN_IF_ERROR(vision::CreateDirectories(Path(kStateDir)));
  RunLogOptions log_options;
  log_options.verbose = false;
  VISION_ASSIGN_OR_RETURN(log_, RunLog::Open(options_.output_dir, log_options));
  if (begun) return absl::OkStatus();
  VISION_RETURN_IF_ERROR(
      vision::WriteFileAtomically(Path("config.yaml"), options_.config_yaml));
  for (const auto& [name, contents] : options_.extra_files) {
    VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(Path(name), contents));
  }
  return vision::WriteFileAtomically(Path(kOptionsFile), ConfigToJson(config_));
}

absl::StatusOr<SplitEvaluation> Experiment::Evaluate(
    const EvaluationSplit& split, double tau_interval,
    const ModelFunctions& functions, absl::string_view label,
    const std::string& map_dir) {
  SplitEvaluationOptions options;
  options.metrics.boxes.tau_interval = tau_interval;
  options.metrics.masks.tau_interval = tau_interval;
  options.num_threads = options_.num_threads;
  options.should_stop = options_.should_stop;
  std::optional<vision::Progress> progress;
  if (!label.empty()) {
    vision::ProgressOptions progress_options;
    progress_options.enabled = options_.show_progress;
    progress.emplace(label, split.dataset().size(), progress_options);
    // A test's images, for comparing methods image by image.
    options.metrics.SetKeepImages(true);
    options.on_images = [&](int64_t images) { progress->Advance(images); };
  }
  if (map_dir.empty()) {
    return EvaluateSplit(split.truth(), split.loader(), functions.score,
                         options);
  }
  VISION_RETURN_IF_ERROR(vision::CreateDirectories(map_dir));
  const auto score_and_keep =
      [&](const Batch& batch) -> absl::StatusOr<BatchScores> {
    VISION_ASSIGN_OR_RETURN(BatchScores scores, functions.score(batch));
    for (size_t i = 0; i < batch.indices.size(); ++i) {
      VISION_RETURN_IF_ERROR(vision::WriteNpy(
          vision::JoinPath(
              map_dir,
              ScoreMapFileName(split.dataset().record(batch.indices[i]).id,
                               ScoreMapNaming::kFlatId, ScoreMapFormat::kNpy)),
          vision::TensorToMap(scores.maps[static_cast<int64_t>(i)]),
          vision::NpyDtype::kFloat32));
    }
    return scores;
  };
  return EvaluateSplit(split.truth(), split.loader(), score_and_keep, options);
}

absl::StatusOr<NamedValues> Experiment::ValidateEpoch(
    const ModelFunctions& functions, int64_t epoch) {
  progress_->SetNote(absl::StrCat("epoch ", epoch, ", validating"));
  progress_->Advance(0);
  NamedValues values;
  if (data_.val != nullptr) {
    VISION_ASSIGN_OR_RETURN(const SplitEvaluation evaluation,
                            Evaluate(*data_.val, options_.val_tau_interval,
                                     functions, /*label=*/"", /*map_dir=*/""));
    values = SplitMetrics(evaluation, options_.box_mode);
    taus_ = BestTaus(evaluation);
  }
  NoteIfFailed(functions.save(Path(options_.last_folder), taus_),
               "the model was not saved, the one before it stays");
  return values;
}

void Experiment::NoteIfFailed(const absl::Status& status,
                              absl::string_view consequence) {
  if (status.ok()) return;
  log_->Message(absl::StrCat("NOTE: ", consequence, ": ", status.message()));
  LOG(WARNING) << consequence << ": " << status.message();
}

void Experiment::FinishEpoch(const EpochRecord& record) {
  history_.push_back(record);
  log_->Message(DescribeEpoch(record));
  if (record.epoch > 0) {
    NamedValues train = record.values;
    train.emplace_back("loss", record.loss);
    train.emplace_back("learning_rate", record.learning_rate);
    log_->Scalars("train", record.epoch, train);
  }
  if (!record.validation.empty()) {
    log_->Scalars("val", record.epoch, record.validation);
  }
  NoteIfFailed(vision::WriteFileAtomically(Path("history.json"),
                                           HistoryToJson(history_, metric_)),
               "history.json is that of the epoch before");
  if (data_.val == nullptr) return;
  const EpochRecord& best = history_[BestIndex(history_, metric_)];
  std::vector<MetricCurve> curves;
  for (const auto& [name, value] : record.validation) {
    if (name != metric_ && !IsHeadline(name)) continue;
    MetricCurve curve;
    curve.name = name;
    for (const EpochRecord& earlier : history_) {
      curve.x.push_back(static_cast<double>(earlier.epoch));
      curve.y.push_back(earlier.Validation(name).value_or(std::nan("")));
    }
    if (name == metric_) curve.best_x = static_cast<double>(best.epoch);
    curves.push_back(std::move(curve));
  }
  MetricCurvesOptions curves_options;
  curves_options.title = absl::StrCat("Validation, chosen by ", metric_);
  curves_options.y_title = "%";
  NoteIfFailed(WriteMetricCurves(Path("curves.png"), curves, curves_options),
               "curves.png is that of the epoch before");
}

void Experiment::Attach(const ModelFunctions& functions, int64_t num_batches,
                        TrainingLoop* loop) {
  vision::ProgressOptions progress_options;
  progress_options.enabled = options_.show_progress;
  progress_ = std::make_unique<vision::Progress>(
      "training", num_batches * loop->epochs, progress_options);
  loop->checkpoint_path = Path(kStateFile);
  loop->checkpoint_batches = options_.checkpoint_batches;
  loop->validate = [this, &functions](int64_t epoch) {
    return ValidateEpoch(functions, epoch);
  };
  loop->validate_at_start = true;
  if (data_.val != nullptr) {
    loop->select_by = metric_;
    loop->on_best = [this, &functions](const EpochRecord& record) {
      NoteIfFailed(functions.save(Path(options_.best_folder), taus_),
                   "the best model was not saved, the one before it stays");
      log_->Event("best", {{"epoch", record.epoch},
                           {"metric", metric_},
                           {"value", record.Validation(metric_).value_or(0)}});
      return absl::OkStatus();
    };
  }
  TrainingCallbacks& callbacks = loop->callbacks;
  callbacks.should_stop = options_.should_stop;
  callbacks.on_resume = [this,
                         num_batches](const std::vector<EpochRecord>& history) {
    history_ = history;
    const int64_t done = history.empty() ? 0 : history.back().epoch;
    log_->Event("resumed_after_epoch", {{"epoch", done}});
    progress_->Advance(done * num_batches);
  };
  callbacks.on_damaged_checkpoint = [this](const absl::Status& damage) {
    NoteIfFailed(damage, "going on from the state before the newest");
  };
  callbacks.on_checkpoint_error = [this](const absl::Status& error) {
    NoteIfFailed(error, "the state was not saved, the one before it stays");
  };
  callbacks.on_batch = [this](int64_t epoch, double loss) {
    progress_->SetNote(absl::StrFormat("epoch %d, loss %.4g", epoch, loss));
    progress_->Advance();
  };
  callbacks.on_epoch = [this](const EpochRecord& record) {
    FinishEpoch(record);
  };
}

absl::StatusOr<std::string> Experiment::Test(const ModelFunctions& functions,
                                             const std::string& folder,
                                             absl::string_view name) {
  VISION_RETURN_IF_ERROR(functions.load(Path(folder)));
  std::optional<SplitEvaluation> val;
  if (data_.val != nullptr) {
    VISION_ASSIGN_OR_RETURN(
        val, Evaluate(*data_.val, options_.test_tau_interval, functions,
                      absl::StrCat(name, ", val"),
                      /*map_dir=*/""));
  }
  VISION_ASSIGN_OR_RETURN(
      const SplitEvaluation test,
      Evaluate(*data_.test, options_.test_tau_interval, functions,
               absl::StrCat(name, ", test"),
               options_.save_test_maps && name == "best" ? Path("test_maps")
                                                         : std::string()));
  const NamedValues values = SplitMetrics(test, options_.box_mode);
  log_->Event(absl::StrCat("test_", name), ValuesToJson(values));
  if (name == "best") best_test_ = values;

  ResultsOptions results_options;
  results_options.config = options_.config;
  results_options.seed = options_.seed;
  results_options.mode = options_.box_mode;
  results_options.num_threads = options_.num_threads;
  // The file has the protocol's numbers, at the test split's best thresholds.
  VISION_ASSIGN_OR_RETURN(
      EvaluationResults results,
      MakeResults(data_.test->truth(), test, results_options));
  VISION_ASSIGN_OR_RETURN(const std::string json, ResultsToJson(results));
  VISION_ASSIGN_OR_RETURN(const std::string csv, ImagesCsv(results));
  VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(
      Path(absl::StrCat("test_", name, ".json")), json));
  VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(
      Path(absl::StrCat("test_", name, ".csv")), csv));
  // The table also has what thresholds of the validation split give.
  const bool comparable = val.has_value() &&
                          val->localization.boxes.has_value() ==
                              test.localization.boxes.has_value() &&
                          val->localization.masks.has_value() ==
                              test.localization.masks.has_value();
  if (comparable) {
    VISION_RETURN_IF_ERROR(UseTausOf(*val, &results));
  }
  return ResultsTable(results);
}

absl::StatusOr<std::string> Experiment::Finish(
    const ModelFunctions& functions) {
  progress_->Finish();
  std::string text;
  const auto test = [&](const std::string& folder,
                        absl::string_view name) -> absl::Status {
    VISION_ASSIGN_OR_RETURN(const std::string table,
                            Test(functions, folder, name));
    std::string which = "the last epoch";
    if (name == "best") {
      const EpochRecord& best = history_[BestIndex(history_, metric_)];
      which = absl::StrFormat("epoch %d, best by %s on validation (%.1f)",
                              best.epoch, metric_,
                              best.Validation(metric_).value_or(0));
    }
    absl::StrAppend(&text, "\nTest split, ", which, "\n\n", table);
    return absl::OkStatus();
  };
  if (data_.test != nullptr) {
    VISION_RETURN_IF_ERROR(test(options_.last_folder, "last"));
    // Last, so that the model is left at its best.
    if (data_.val != nullptr) {
      VISION_RETURN_IF_ERROR(test(options_.best_folder, "best"));
    }
  }
  log_->Message(text.empty() ? "done" : text);
  VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(Path(kDoneFile), ""));
  return text;
}

}  // namespace wsol
