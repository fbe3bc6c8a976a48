// Learning rates per epoch.
//
//   LrScheduleOptions options;          // mystep, step_size 40, gamma 0.1
//   const double lr = LearningRate(options, /*base=*/0.01, /*epoch=*/41);  //
//   .001

#ifndef WSOL_TRAINING_LR_SCHEDULE_H_
#define WSOL_TRAINING_LR_SCHEDULE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace wsol {

enum class LrScheduleKind {
  kConstant,
  // base * gamma^floor((epoch - 1) / step_size)
  kStep,
  // kStep, but never below min_lr: the schedule of the published code.
  kMyStep,
  // base * gamma^(number of milestones < epoch)
  kMultiStep,
  // min_lr + (base - min_lr) (1 + cos(pi (epoch - 1) / epochs)) / 2
  kCosine,
};

// "constant", "step", "mystep", "multistep", "cosine". kInvalidArgument lists
// these names.
absl::StatusOr<LrScheduleKind> ParseLrScheduleKind(absl::string_view name);
absl::string_view LrScheduleKindName(LrScheduleKind kind);

struct LrScheduleOptions {
  LrScheduleKind kind = LrScheduleKind::kMyStep;
  // Epochs between two reductions, for step and mystep; at least 1.
  int step_size = 40;
  // Last epochs before each reduction, for multistep; rising, at least 1.
  std::vector<int64_t> milestones;
  // Factor of each reduction, in (0, 1].
  double gamma = 0.1;
  // Floor, for mystep and cosine; not negative.
  double min_lr = 1e-7;
  // Length of the training, for cosine; at least 1.
  int64_t epochs = 1;
  // In epoch e of the first `warmup_epochs`, for all kinds, the rate is
  // multiplied by e / (warmup_epochs + 1); not negative.
  int warmup_epochs = 0;

  absl::Status Validate() const;
};

// The rate of training epoch `epoch`, counted from 1, for a parameter group
// whose initial rate is `base`.
double LearningRate(const LrScheduleOptions& options, double base,
                    int64_t epoch);

}  // namespace wsol

#endif  // WSOL_TRAINING_LR_SCHEDULE_H_
