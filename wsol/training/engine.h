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

// What one batch gives: a scalar with a gradient, and named values whose means
// over the epoch are recorded (the terms of the loss, an accuracy).
struct StepResult {
  at::Tensor loss;
  std::vector<std::pair<std::string, double>> values;
};

// One epoch in numbers. Values are means over its images.
struct EpochRecord {
  int64_t epoch = 0;         // From 1.
  double learning_rate = 0;  // Of the first parameter group.
  double loss = 0;
  std::vector<std::pair<std::string, double>> values;
  double seconds = 0;  // Wall time; not a function of the seed.

  // The mean of value `name`, or 0 if there is none.
  double ValueOr0(const std::string& name) const;
};

// How a caller watches and stops a training. Each may be empty.
struct TrainingCallbacks {
  // Asked before each batch; true stops with kCancelled.
  std::function<bool()> should_stop;
  // Called after each batch.
  std::function<void(int64_t epoch, double loss)> on_batch;
  // Called once when the checkpoint is damaged and training starts at epoch 1.
  std::function<void(const absl::Status& damage)> on_damaged_checkpoint;
  // Called after each epoch that was trained now.
  std::function<void(const EpochRecord& record)> on_epoch;
};

struct TrainingLoop {
  // Epochs to train, counted from 1; at least 1.
  int64_t epochs = 1;
  // State file, written after every epoch and read at the start: a training
  // that was stopped goes on after its last whole epoch, with the numbers it
  // would have had without the stop. Empty: neither. It must belong to these
  // options; put a hash of them into the name.
  std::string checkpoint_path;
  // Forward pass and loss of one batch; backward and update are the loop's.
  std::function<absl::StatusOr<StepResult>(const Batch& batch, int64_t epoch)>
      step;
  // Called after each epoch, and on resumption once for each epoch done before:
  // for state that is a function of the number of epochs. May be empty.
  std::function<void(int64_t epoch)> end_epoch;
  TrainingCallbacks callbacks;
};

// Trains `model` in training mode and leaves it in evaluation mode. Returns the
// records of all epochs, those of an earlier run included. Errors: kCancelled
// when stopped; kInternal when a loss is not finite, naming the terms and the
// images of the batch; those of the loader and of writing the checkpoint. A
// damaged checkpoint is not an error: training starts at epoch 1, and a
// callback tells.
absl::StatusOr<std::vector<EpochRecord>> Train(const TrainingLoop& loop,
                                               torch::nn::Module& model,
                                               Loader& loader,
                                               Optimizer& optimizer);

}  // namespace wsol

#endif  // WSOL_TRAINING_ENGINE_H_
