#include "wsol/training/engine.h"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "glog/logging.h"
#include "nlohmann/json.hpp"
#include "torch/nn/utils/clip_grad.h"
#include "vision/base/rng.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "wsol/training/checkpoint.h"
#include "wsol/training/weight_average.h"

namespace wsol {
namespace {

using nlohmann::json;

json ValuesToJson(const NamedValues& values) {
  json array = json::array();
  for (const auto& [name, value] : values) array.push_back({name, value});
  return array;
}

NamedValues ValuesFromJson(const json& array) {
  NamedValues values;
  for (const json& value : array) {
    // JSON has no NaN.
    values.emplace_back(value.at(0),
                        value.at(1).is_null()
                            ? std::numeric_limits<double>::quiet_NaN()
                            : value.at(1).get<double>());
  }
  return values;
}

// Sums of what the batches of an epoch report, weighted by their images.
class EpochMeans {
 public:
  void Add(double loss, const NamedValues& values, int64_t images) {
    const double weight = static_cast<double>(images);
    weight_ += weight;
    loss_ += weight * loss;
    if (values_.empty()) {
      for (const auto& [name, value] : values) values_.emplace_back(name, 0.0);
    }
    CHECK_EQ(values_.size(), values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      values_[i].second += weight * values[i].second;
    }
  }

  void WriteTo(EpochRecord* record) const {
    if (weight_ == 0) return;
    record->loss = loss_ / weight_;
    for (const auto& [name, sum] : values_) {
      record->values.emplace_back(name, sum / weight_);
    }
  }

  json ToJson() const {
    return {{"weight", weight_},
            {"loss", loss_},
            {"values", ValuesToJson(values_)}};
  }

  static EpochMeans FromJson(const json& object) {
    EpochMeans means;
    means.weight_ = object.at("weight");
    means.loss_ = object.at("loss");
    means.values_ = ValuesFromJson(object.at("values"));
    return means;
  }

 private:
  double weight_ = 0;
  double loss_ = 0;
  NamedValues values_;
};

// Where a training stands, besides the weights and the optimizer.
struct Progress {
  std::vector<EpochRecord> history;
  // Of the epoch after the last one of the history.
  int64_t next_batch = 0;
  EpochMeans means;
  double seconds = 0;

  int64_t epochs_done() const {
    return history.empty() ? 0 : history.back().epoch;
  }
};

json RecordToJson(const EpochRecord& record) {
  return {{"epoch", record.epoch},
          {"learning_rate", record.learning_rate},
          {"loss", record.loss},
          {"values", ValuesToJson(record.values)},
          {"validation", ValuesToJson(record.validation)},
          {"seconds", record.seconds}};
}

EpochRecord RecordFromJson(const json& object) {
  EpochRecord record;
  record.epoch = object.at("epoch");
  record.learning_rate = object.at("learning_rate");
  record.loss = object.at("loss");
  record.values = ValuesFromJson(object.at("values"));
  record.validation = ValuesFromJson(object.at("validation"));
  record.seconds = object.at("seconds");
  return record;
}

std::string ProgressToText(const Progress& progress) {
  json history = json::array();
  for (const EpochRecord& record : progress.history) {
    history.push_back(RecordToJson(record));
  }
  const json object = {{"history", history},
                       {"next_batch", progress.next_batch},
                       {"means", progress.means.ToJson()},
                       {"seconds", progress.seconds}};
  return object.dump();
}

absl::StatusOr<Progress> ProgressFromText(const std::string& text) {
  try {
    const json object = json::parse(text);
    Progress progress;
    for (const json& record : object.at("history")) {
      progress.history.push_back(RecordFromJson(record));
    }
    progress.next_batch = object.at("next_batch");
    progress.means = EpochMeans::FromJson(object.at("means"));
    progress.seconds = object.at("seconds");
    return progress;
  } catch (const json::exception& e) {
    return absl::FailedPreconditionError(
        absl::StrCat("the checkpoint's progress cannot be read: ", e.what()));
  }
}

absl::Status NotFiniteError(double loss, const StepResult& result,
                            const Batch& batch, int64_t epoch) {
  std::string terms;
  for (const auto& [name, value] : result.values) {
    absl::StrAppend(&terms, " ", name, "=", value);
  }
  return absl::InternalError(absl::StrCat(
      "the loss is ", loss, " in epoch ", epoch, " (", terms,
      " ) for images number ", absl::StrJoin(batch.indices, ", ")));
}

// A training under way.
class Training {
 public:
  Training(const TrainingLoop& loop, torch::nn::Module& model, Loader& loader,
           Optimizer& optimizer)
      : loop_(loop), model_(model), loader_(loader), optimizer_(optimizer) {
    if (loop_.average_decay > 0) {
      average_.emplace(model_, loop_.average_decay);
    }
  }

  absl::StatusOr<std::vector<EpochRecord>> Run() {
    VISION_RETURN_IF_ERROR(Resume());
    if (loop_.end_epoch) {
      for (const EpochRecord& record : progress_.history) {
        if (record.epoch > 0) loop_.end_epoch(record.epoch);
      }
    }
    if (loop_.validate && loop_.validate_at_start &&
        progress_.history.empty() && progress_.next_batch == 0) {
      VISION_RETURN_IF_ERROR(FinishEpoch(EpochRecord()));
    }
    while (progress_.epochs_done() < loop_.epochs) {
      VISION_RETURN_IF_ERROR(TrainEpoch(progress_.epochs_done() + 1));
    }
    if (average_.has_value()) average_->Swap();
    model_.eval();
    return progress_.history;
  }

 private:
  using Clock = std::chrono::steady_clock;

  absl::Status Resume();
  absl::Status TrainEpoch(int64_t epoch);
  absl::StatusOr<double> TrainOnBatch(const Batch& batch, int64_t epoch);
  void Update();
  absl::Status FinishEpoch(EpochRecord record);
  absl::StatusOr<NamedValues> ValidateModel(int64_t epoch);
  absl::Status CallOnBest(const EpochRecord& record);
  absl::Status Save(const std::string& path);

  const TrainingLoop& loop_;
  torch::nn::Module& model_;
  Loader& loader_;
  Optimizer& optimizer_;
  std::optional<WeightAverage> average_;
  Progress progress_;
  // Batches since the last update.
  int64_t accumulated_ = 0;
};

std::vector<at::Tensor> ExtraTensors(
    const std::optional<WeightAverage>& average) {
  return average.has_value() ? average->tensors() : std::vector<at::Tensor>();
}

// Puts the newest whole state into model, optimizer and progress_.
absl::Status Training::Resume() {
  if (loop_.checkpoint_path.empty()) return absl::OkStatus();
  for (const std::string& path :
       {loop_.checkpoint_path, PreviousCheckpointPath(loop_.checkpoint_path)}) {
    const absl::StatusOr<std::string> text =
        LoadCheckpoint(path, model_, optimizer_, ExtraTensors(average_));
    if (absl::IsNotFound(text.status())) continue;
    if (absl::IsDataLoss(text.status())) {
      if (loop_.callbacks.on_damaged_checkpoint) {
        loop_.callbacks.on_damaged_checkpoint(text.status());
      }
      // Out of the way, or the next state would make it the previous one.
      std::error_code error;
      std::filesystem::rename(path, path + ".damaged", error);
      continue;
    }
    VISION_RETURN_IF_ERROR(text.status());
    VISION_ASSIGN_OR_RETURN(progress_, ProgressFromText(*text));
    if (loop_.callbacks.on_resume) {
      loop_.callbacks.on_resume(progress_.history);
    }
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status Training::Save(const std::string& path) {
  const absl::Status status =
      SaveCheckpoint(path, model_, optimizer_, ProgressToText(progress_),
                     ExtraTensors(average_));
  if (status.ok() || !loop_.callbacks.on_checkpoint_error) return status;
  loop_.callbacks.on_checkpoint_error(status);
  return absl::OkStatus();
}

void Training::Update() {
  if (loop_.max_gradient_norm > 0) {
    torch::nn::utils::clip_grad_norm_(model_.parameters(),
                                      loop_.max_gradient_norm);
  }
  optimizer_.Step();
  if (average_.has_value()) average_->Update();
  accumulated_ = 0;
}

absl::StatusOr<double> Training::TrainOnBatch(const Batch& batch,
                                              int64_t epoch) {
  at::manual_seed(
      vision::Rng(loop_.seed, {static_cast<uint64_t>(epoch),
                               static_cast<uint64_t>(loader_.next_batch())})
          .Next());
  VISION_ASSIGN_OR_RETURN(const StepResult result, loop_.step(batch, epoch));
  return vision::CallTorch("training", [&]() -> absl::StatusOr<double> {
    const double loss = result.loss.item<double>();
    if (!std::isfinite(loss)) {
      return NotFiniteError(loss, result, batch, epoch);
    }
    if (accumulated_ == 0) optimizer_.ZeroGrad();
    if (loop_.accumulate_batches == 1) {
      result.loss.backward();
    } else {
      (result.loss / loop_.accumulate_batches).backward();
    }
    progress_.means.Add(loss, result.values, batch.images.size(0));
    if (++accumulated_ == loop_.accumulate_batches) Update();
    return loss;
  });
}

absl::Status Training::TrainEpoch(int64_t epoch) {
  const bool saves = !loop_.checkpoint_path.empty();
  Clock::time_point start = Clock::now();
  const auto add_time = [&] {
    const Clock::time_point now = Clock::now();
    progress_.seconds += std::chrono::duration<double>(now - start).count();
    start = now;
  };
  model_.train();
  optimizer_.SetEpoch(epoch);
  loader_.StartEpoch(epoch, progress_.next_batch);
  while (true) {
    // A state is whole only between updates: gradients are not in it.
    if (accumulated_ == 0 && loop_.callbacks.should_stop &&
        loop_.callbacks.should_stop()) {
      add_time();
      if (saves) VISION_RETURN_IF_ERROR(Save(loop_.checkpoint_path));
      return absl::CancelledError(
          absl::StrCat("stopped in epoch ", epoch, " of ", loop_.epochs));
    }
    VISION_ASSIGN_OR_RETURN(const std::optional<Batch> batch, loader_.Next());
    if (!batch.has_value()) break;
    const absl::StatusOr<double> loss = TrainOnBatch(*batch, epoch);
    if (!loss.ok()) {
      if (saves && absl::IsInternal(loss.status())) {
        Save(FailedCheckpointPath(loop_.checkpoint_path)).IgnoreError();
      }
      return loss.status();
    }
    progress_.next_batch = loader_.next_batch();
    if (loop_.callbacks.on_batch) loop_.callbacks.on_batch(epoch, *loss);
    if (saves && loop_.checkpoint_batches > 0 && accumulated_ == 0 &&
        progress_.next_batch % loop_.checkpoint_batches == 0 &&
        progress_.next_batch < loader_.NumBatches()) {
      add_time();
      VISION_RETURN_IF_ERROR(Save(loop_.checkpoint_path));
    }
  }
  // The last update of an epoch may have fewer batches, each of the weight that
  // it has in the others.
  if (accumulated_ > 0) {
    VISION_RETURN_IF_ERROR(
        vision::StatusFromTorch("training", [&] { Update(); }));
  }
  EpochRecord record;
  record.epoch = epoch;
  record.learning_rate = optimizer_.LearningRates().front();
  progress_.means.WriteTo(&record);
  add_time();
  record.seconds = progress_.seconds;
  return FinishEpoch(std::move(record));
}

absl::StatusOr<NamedValues> Training::ValidateModel(int64_t epoch) {
  model_.eval();
  return vision::CallTorch("validating", [&]() -> absl::StatusOr<NamedValues> {
    const at::NoGradGuard no_grad;
    return loop_.validate(epoch);
  });
}

absl::Status Training::CallOnBest(const EpochRecord& record) {
  if (loop_.select_by.empty() || !loop_.on_best) return absl::OkStatus();
  const std::optional<double> value = record.Validation(loop_.select_by);
  if (!value.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("validation gives no value '", loop_.select_by,
                     "' to choose models by"));
  }
  for (const EpochRecord& earlier : progress_.history) {
    if (earlier.Validation(loop_.select_by).value_or(*value) >= *value) {
      return absl::OkStatus();
    }
  }
  return loop_.on_best(record);
}

absl::Status Training::FinishEpoch(EpochRecord record) {
  if (loop_.validate) {
    if (average_.has_value()) average_->Swap();
    absl::StatusOr<NamedValues> values = ValidateModel(record.epoch);
    absl::Status status = values.status();
    if (status.ok()) {
      record.validation = *std::move(values);
      status = CallOnBest(record);
    }
    if (average_.has_value()) average_->Swap();
    VISION_RETURN_IF_ERROR(status);
  }
  progress_.history.push_back(record);
  progress_.next_batch = 0;
  progress_.means = EpochMeans();
  progress_.seconds = 0;
  if (loop_.end_epoch && record.epoch > 0) loop_.end_epoch(record.epoch);
  if (!loop_.checkpoint_path.empty()) {
    VISION_RETURN_IF_ERROR(Save(loop_.checkpoint_path));
  }
  if (loop_.callbacks.on_epoch) loop_.callbacks.on_epoch(record);
  return absl::OkStatus();
}

}  // namespace

double EpochRecord::ValueOr0(const std::string& name) const {
  for (const auto& [key, value] : values) {
    if (key == name) return value;
  }
  return 0;
}

std::optional<double> EpochRecord::Validation(const std::string& name) const {
  for (const auto& [key, value] : validation) {
    if (key == name) return value;
  }
  return std::nullopt;
}

absl::Status TrainingLoop::Validate() const {
  if (epochs < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("epochs must be at least 1, got ", epochs));
  }
  if (checkpoint_batches < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "checkpoint_batches must not be negative, got ", checkpoint_batches));
  }
  if (accumulate_batches < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "accumulate_batches must be at least 1, got ", accumulate_batches));
  }
  if (!(max_gradient_norm >= 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_gradient_norm must not be negative, got ", max_gradient_norm));
  }
  if (!(average_decay >= 0 && average_decay < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("average_decay must be in [0, 1), got ", average_decay));
  }
  return absl::OkStatus();
}

std::string FailedCheckpointPath(const std::string& path) {
  return path + ".failed";
}

absl::StatusOr<std::vector<EpochRecord>> Train(const TrainingLoop& loop,
                                               torch::nn::Module& model,
                                               Loader& loader,
                                               Optimizer& optimizer) {
  VISION_RETURN_IF_ERROR(loop.Validate());
  return Training(loop, model, loader, optimizer).Run();
}

}  // namespace wsol
