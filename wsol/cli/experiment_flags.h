// The flags that all training programs share: data, folder, validation,
// batches, optimizer, maps.

#ifndef WSOL_CLI_EXPERIMENT_FLAGS_H_
#define WSOL_CLI_EXPERIMENT_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wsol/cam/cam_method.h"
#include "wsol/datasets/loader.h"
#include "wsol/experiment/experiment.h"
#include "wsol/training/engine.h"
#include "wsol/training/lr_schedule.h"
#include "wsol/training/optimizer.h"

namespace wsol {

// The names of these flags and of those that the file whose path contains
// `own_flags` defines: what a --config file may hold.
std::vector<std::string> TrainingFlagNames(absl::string_view own_flags);

// Reads the file of --config, if it is given.
absl::Status ApplyConfigFlag(absl::Span<const std::string> names);

// All of ExperimentOptions but its evaluation_loader, with the values of the
// flags `names` as its configuration. Relative paths start where the user typed
// the command. kInvalidArgument names the flag, here and below.
absl::StatusOr<ExperimentOptions> ExperimentOptionsFromFlags(
    absl::Span<const std::string> names);

// Batches, threads, seed; not the sizes.
absl::StatusOr<LoaderOptions> TrainLoaderFromFlags();

// Epochs, gradients, averaging.
TrainingLoop TrainingLoopFromFlags();

// With `default_schedule` if --schedule was not given.
absl::StatusOr<OptimizerOptions> OptimizerOptionsFromFlags(
    LrScheduleKind default_schedule);

// --learning_rate, or `default_rate` if it was not given.
double LearningRateFromFlags(double default_rate);

absl::StatusOr<CamOptions> CamOptionsFromFlags();

uint64_t SeedFromFlags();

// The whole numbers of `text`, the value of --<flag>, between commas; empty
// fields are skipped. kInvalidArgument names `expected`.
absl::StatusOr<std::vector<int64_t>> ParseNumbers(const std::string& text,
                                                  absl::string_view flag,
                                                  absl::string_view expected);

// --weights_dir, seen from where the user typed the command.
std::string WeightsDirFromFlags();

}  // namespace wsol

#endif  // WSOL_CLI_EXPERIMENT_FLAGS_H_
