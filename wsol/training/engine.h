// The loop over epochs and batches that every training shares: learning rates,
// gradients, means of the losses, checkpoints, interruption and resumption.
//
//   TrainingLoop loop;
//   loop.epochs = 15;
//   loop.checkpoint_path = "run/classifier.ckpt";
//   loop.step = [&](const Batch& batch, int64_t epoch) { ... return losses; };
//   VISION_ASSIGN_OR_RETURN(auto history, Train(loop, model, loader,
//   optimizer));

#ifndef WSOL_TRAINING_ENGINE_H_
#define WSOL_TRAINING_ENGINE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "torch/nn/module.h"
#include "wsol/datasets/loader.h"
#include "wsol/training/optimizer.h"

namespace wsol {

using NamedValues = std::vector<std::pair<std::string, double>>;

// What one batch gives: a scalar with a gradient, and named values whose means
// over the epoch are recorded (the terms of the loss, an accuracy).
struct StepResult {
  at::Tensor loss;
  NamedValues values;
};

// One epoch in numbers.
struct EpochRecord {
  int64_t epoch = 0;         // From 1; 0 stands for the weights at the start.
  double learning_rate = 0;  // Of the first parameter group.
  // Means over the epoch's images, in training mode.
  double loss = 0;
  NamedValues values;
  // What TrainingLoop::validate gave.
  NamedValues validation;
  double seconds = 0;  // Wall time; not a function of the seed.

  // The mean of value `name`, or 0 if there is none.
  double ValueOr0(const std::string& name) const;
  // The same of the validation; nullopt if there is none.
  std::optional<double> Validation(const std::string& name) const;
};

// How a caller watches and stops a training. Each may be empty.
struct TrainingCallbacks {
  // Asked before each batch; true saves the state and stops with kCancelled.
  std::function<bool()> should_stop;
  // Called after each batch.
  std::function<void(int64_t epoch, double loss)> on_batch;
  // Called for each state file that is damaged, which gets ".damaged" at the
  // end of its name; training goes on from the one before, or starts at epoch
  // 1.
  std::function<void(const absl::Status& damage)> on_damaged_checkpoint;
  // Called when a state cannot be written, a full disk for example; training
  // goes on, and the file written before stays whole. Empty: training stops.
  std::function<void(const absl::Status& error)> on_checkpoint_error;
  // Called once, before the first batch, if a state was found: with the epochs
  // it has done.
  std::function<void(const std::vector<EpochRecord>& history)> on_resume;
  // Called after each epoch that was trained now, epoch 0 included.
  std::function<void(const EpochRecord& record)> on_epoch;
};

struct TrainingLoop {
  // Epochs to train, counted from 1; at least 1.
  int64_t epochs = 1;

  // State file, written after every epoch, after every `checkpoint_batches`
  // batches if that is not 0, and when stopped; read at the start: a training
  // that was stopped, or killed, goes on from it to the numbers it would have
  // had without, bit for bit. The one before is kept as
  // PreviousCheckpointPath(). Empty: neither. It must belong to these options;
  // put a hash of them into the name.
  std::string checkpoint_path;
  int64_t checkpoint_batches = 0;

  // LibTorch's default generator, which dropout draws from, is seeded by (seed,
  // epoch, batch) before each batch.
  uint64_t seed = 0;
  // Batches whose mean gradient makes one update; at least 1.
  int64_t accumulate_batches = 1;
  // Gradients of a larger norm, over all parameters, are scaled to it; 0: none.
  double max_gradient_norm = 0;
  // Decay of the average of the weights over the updates that is validated, and
  // left in the model at the end, in place of the weights; 0: none. In [0, 1).
  double average_decay = 0;

  // Forward pass and loss of one batch; backward and update are the loop's.
  std::function<absl::StatusOr<StepResult>(const Batch& batch, int64_t epoch)>
      step;
  // Called after each epoch, and on resumption once for each epoch done before:
  // for state that is a function of the number of epochs. May be empty.
  std::function<void(int64_t epoch)> end_epoch;

  // Measures the model, in evaluation mode and without gradients, after each
  // epoch, and before the first as epoch 0 if `validate_at_start`. May be
  // empty.
  std::function<absl::StatusOr<NamedValues>(int64_t epoch)> validate;
  bool validate_at_start = false;
  // Name of the value of `validate` by which models are chosen: `on_best` is
  // called, with the model as it was validated, whenever it is larger than ever
  // before. After a kill it may be called again for the same epoch.
  std::string select_by;
  std::function<absl::Status(const EpochRecord& record)> on_best;

  TrainingCallbacks callbacks;

  absl::Status Validate() const;
};

// Trains `model` in training mode and leaves it in evaluation mode. Returns the
// records of all epochs, those of an earlier run included. Errors: kCancelled
// when stopped; kInternal when a loss is not finite, naming the terms and the
// images of the batch (with a checkpoint path, the state before that batch is
// then kept as FailedCheckpointPath()); those of the loader, of `step`,
// `validate` and `on_best`, and of writing the checkpoint. Damaged checkpoints
// are no error, see the callback.
absl::StatusOr<std::vector<EpochRecord>> Train(const TrainingLoop& loop,
                                               torch::nn::Module& model,
                                               Loader& loader,
                                               Optimizer& optimizer);

// `path` with ".failed" at its end.
std::string FailedCheckpointPath(const std::string& path);

}  // namespace wsol

#endif  // WSOL_TRAINING_ENGINE_H_
