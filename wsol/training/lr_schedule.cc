#include "wsol/training/lr_schedule.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wsol {
namespace {

constexpr LrScheduleKind kAllKinds[] = {
    LrScheduleKind::kConstant, LrScheduleKind::kStep, LrScheduleKind::kMyStep,
    LrScheduleKind::kMultiStep, LrScheduleKind::kCosine};

}  // namespace

absl::string_view LrScheduleKindName(LrScheduleKind kind) {
  switch (kind) {
    case LrScheduleKind::kConstant:
      return "constant";
    case LrScheduleKind::kStep:
      return "step";
    case LrScheduleKind::kMyStep:
      return "mystep";
    case LrScheduleKind::kMultiStep:
      return "multistep";
    case LrScheduleKind::kCosine:
      return "cosine";
  }
  return "unknown";
}

absl::StatusOr<LrScheduleKind> ParseLrScheduleKind(absl::string_view name) {
  for (const LrScheduleKind kind : kAllKinds) {
    if (LrScheduleKindName(kind) == name) return kind;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("learning rate schedule '", name,
                   "': expected constant, step, mystep, "
                   "multistep or cosine"));
}

absl::Status LrScheduleOptions::Validate() const {
  if (step_size < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("step_size must be at least 1, got ", step_size));
  }
  if (!(gamma > 0 && gamma <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("gamma must be in (0, 1], got ", gamma));
  }
  if (!(min_lr >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("min_lr must not be negative, got ", min_lr));
  }
  if (epochs < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("epochs must be at least 1, got ", epochs));
  }
  if (warmup_epochs < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "warmup_epochs must not be negative, got ", warmup_epochs));
  }
  for (size_t i = 0; i < milestones.size(); ++i) {
    if (milestones[i] < (i == 0 ? 1 : milestones[i - 1] + 1)) {
      return absl::InvalidArgumentError(
          absl::StrCat("milestones must be positive and rising, got ",
                       absl::StrJoin(milestones, ", ")));
    }
  }
  return absl::OkStatus();
}

namespace {

double RateWithoutWarmup(const LrScheduleOptions& options, double base,
                         int64_t epoch) {
  const double done = static_cast<double>(epoch - 1);
  const double stepped =
      base * std::pow(options.gamma, std::floor(done / options.step_size));
  switch (options.kind) {
    case LrScheduleKind::kConstant:
      return base;
    case LrScheduleKind::kStep:
      return stepped;
    case LrScheduleKind::kMyStep:
      return std::max(stepped, options.min_lr);
    case LrScheduleKind::kMultiStep:
      return base * std::pow(options.gamma,
                             std::lower_bound(options.milestones.begin(),
                                              options.milestones.end(), epoch) -
                                 options.milestones.begin());
    case LrScheduleKind::kCosine: {
      constexpr double kPi = 3.14159265358979323846;
      const double phase = kPi * done / static_cast<double>(options.epochs);
      return options.min_lr +
             (base - options.min_lr) * (1 + std::cos(phase)) / 2;
    }
  }
  return base;
}

}  // namespace

double LearningRate(const LrScheduleOptions& options, double base,
                    int64_t epoch) {
  const double rate = RateWithoutWarmup(options, base, epoch);
  if (epoch > options.warmup_epochs) return rate;
  return rate * static_cast<double>(epoch) / (options.warmup_epochs + 1);
}

}  // namespace wsol
