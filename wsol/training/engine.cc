#include "wsol/training/engine.h"

#include <chrono>
#include <cmath>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "glog/logging.h"
#include "nlohmann/json.hpp"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "wsol/training/checkpoint.h"

namespace wsol {
namespace {

using nlohmann::json;

json RecordToJson(const EpochRecord& record) {
  json values = json::array();
  for (const auto& [name, value] : record.values) {
    values.push_back({name, value});
  }
  return {{"epoch", record.epoch},
          {"learning_rate", record.learning_rate},
          {"loss", record.loss},
          {"values", values},
          {"seconds", record.seconds}};
}

EpochRecord RecordFromJson(const json& object) {
  EpochRecord record;
  record.epoch = object.at("epoch");
  record.learning_rate = object.at("learning_rate");
  record.loss = object.at("loss");
  record.seconds = object.at("seconds");
  for (const json& value : object.at("values")) {
    record.values.emplace_back(value.at(0), value.at(1));
  }
  return record;
}

std::string HistoryToText(const std::vector<EpochRecord>& history) {
  json records = json::array();
  for (const EpochRecord& record : history) {
    records.push_back(RecordToJson(record));
  }
  return records.dump();
}

absl::StatusOr<std::vector<EpochRecord>> HistoryFromText(
    const std::string& text) {
  try {
    std::vector<EpochRecord> history;
    for (const json& record : json::parse(text)) {
      history.push_back(RecordFromJson(record));
    }
    return history;
  } catch (const json::exception& e) {
    return absl::FailedPreconditionError(
        absl::StrCat("the checkpoint's history cannot be read: ", e.what()));
  }
}

// Sums of what the batches of an epoch report, weighted by their images.
class EpochMeans {
 public:
  void Add(double loss,
           const std::vector<std::pair<std::string, double>>& values,
           int64_t images) {
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

 private:
  double weight_ = 0;
  double loss_ = 0;
  std::vector<std::pair<std::string, double>> values_;
};

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

absl::StatusOr<double> TrainOnBatch(const TrainingLoop& loop,
                                    const Batch& batch, int64_t epoch,
                                    Optimizer* optimizer, EpochMeans* means) {
  VISION_ASSIGN_OR_RETURN(const StepResult result, loop.step(batch, epoch));
  return vision::CallTorch("training", [&]() -> absl::StatusOr<double> {
    const double loss = result.loss.item<double>();
    if (!std::isfinite(loss)) {
      return NotFiniteError(loss, result, batch, epoch);
    }
    optimizer->ZeroGrad();
    result.loss.backward();
    optimizer->Step();
    means->Add(loss, result.values, batch.images.size(0));
    return loss;
  });
}

absl::StatusOr<EpochRecord> TrainEpoch(const TrainingLoop& loop, int64_t epoch,
                                       Loader* loader, Optimizer* optimizer) {
  const auto start = std::chrono::steady_clock::now();
  EpochMeans means;
  optimizer->SetEpoch(epoch);
  loader->StartEpoch(epoch);
  while (true) {
    if (loop.callbacks.should_stop && loop.callbacks.should_stop()) {
      return absl::CancelledError(
          absl::StrCat("stopped in epoch ", epoch, " of ", loop.epochs));
    }
    VISION_ASSIGN_OR_RETURN(const std::optional<Batch> batch, loader->Next());
    if (!batch.has_value()) break;
    VISION_ASSIGN_OR_RETURN(const double loss, TrainOnBatch(loop, *batch, epoch,
                                                            optimizer, &means));
    if (loop.callbacks.on_batch) loop.callbacks.on_batch(epoch, loss);
  }
  EpochRecord record;
  record.epoch = epoch;
  record.learning_rate = optimizer->LearningRates().front();
  means.WriteTo(&record);
  const std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - start;
  record.seconds = elapsed.count();
  return record;
}

// The records of an earlier run, whose state is put into model and optimizer.
absl::StatusOr<std::vector<EpochRecord>> Resume(const TrainingLoop& loop,
                                                torch::nn::Module& model,
                                                Optimizer& optimizer) {
  if (loop.checkpoint_path.empty()) return std::vector<EpochRecord>();
  const absl::StatusOr<std::string> progress =
      LoadCheckpoint(loop.checkpoint_path, model, optimizer);
  if (absl::IsNotFound(progress.status())) return std::vector<EpochRecord>();
  if (absl::IsDataLoss(progress.status())) {
    if (loop.callbacks.on_damaged_checkpoint) {
      loop.callbacks.on_damaged_checkpoint(progress.status());
    }
    return std::vector<EpochRecord>();
  }
  VISION_RETURN_IF_ERROR(progress.status());
  return HistoryFromText(*progress);
}

}  // namespace

double EpochRecord::ValueOr0(const std::string& name) const {
  for (const auto& [key, value] : values) {
    if (key == name) return value;
  }
  return 0;
}

absl::StatusOr<std::vector<EpochRecord>> Train(const TrainingLoop& loop,
                                               torch::nn::Module& model,
                                               Loader& loader,
                                               Optimizer& optimizer) {
  if (loop.epochs < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("epochs must be at least 1, got ", loop.epochs));
  }
  VISION_ASSIGN_OR_RETURN(std::vector<EpochRecord> history,
                          Resume(loop, model, optimizer));
  if (loop.end_epoch) {
    for (const EpochRecord& record : history) loop.end_epoch(record.epoch);
  }
  model.train();
  while (static_cast<int64_t>(history.size()) < loop.epochs) {
    const int64_t epoch = static_cast<int64_t>(history.size()) + 1;
    VISION_ASSIGN_OR_RETURN(EpochRecord record,
                            TrainEpoch(loop, epoch, &loader, &optimizer));
    history.push_back(record);
    if (loop.end_epoch) loop.end_epoch(epoch);
    if (!loop.checkpoint_path.empty()) {
      VISION_RETURN_IF_ERROR(SaveCheckpoint(loop.checkpoint_path, model,
                                            optimizer, HistoryToText(history)));
    }
    if (loop.callbacks.on_epoch) loop.callbacks.on_epoch(record);
  }
  model.eval();
  return history;
}

}  // namespace wsol
