#include "wsol/baselines/training_method.h"

#include <array>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

absl::Status FieldError(absl::string_view field, absl::string_view value,
                        absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat(
      "TrainingMethodOptions.", field, " is ", value, ", expected ", expected));
}

// Written so that NaN fails.
absl::Status CheckUnit(absl::string_view field, double value) {
  if (value >= 0 && value <= 1) return absl::OkStatus();
  return FieldError(field, absl::StrCat(value), "0 to 1");
}

absl::Status CheckPositive(absl::string_view field, int64_t value) {
  if (value >= 1) return absl::OkStatus();
  return FieldError(field, absl::StrCat(value), "at least 1");
}

}  // namespace

absl::Status TrainingMethodOptions::Validate() const {
  VISION_RETURN_IF_ERROR(CheckPositive("has_grid", has_grid));
  VISION_RETURN_IF_ERROR(CheckUnit("has_drop_rate", has_drop_rate));
  // Far smaller ones underflow: there is no lambda to draw.
  if (!(cutmix_beta >= 1e-3 && cutmix_beta <= 1e6)) {
    return FieldError("cutmix_beta", absl::StrCat(cutmix_beta),
                      "0.001 to 1000000");
  }
  VISION_RETURN_IF_ERROR(CheckUnit("cutmix_probability", cutmix_probability));
  VISION_RETURN_IF_ERROR(CheckUnit("adl_drop_rate", adl_drop_rate));
  VISION_RETURN_IF_ERROR(CheckUnit("adl_gamma", adl_gamma));
  for (const MaskThresholds& thresholds : spg_thresholds) {
    if (!(thresholds.low >= 0 && thresholds.low <= thresholds.high &&
          thresholds.high <= 1)) {
      return FieldError(
          "spg_thresholds",
          absl::StrCat("(", thresholds.high, ", ", thresholds.low, ")"),
          "(high, low) with 0 <= low <= high <= 1");
    }
  }
  return CheckPositive("spg_width", spg_width);
}

}  // namespace wsol
