#include "wsol/metrics/evaluation_mode.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace wsol {

absl::string_view EvaluationModeName(EvaluationMode mode) {
  return mode == EvaluationMode::kProtocol ? "protocol" : "native";
}

absl::StatusOr<EvaluationMode> ParseEvaluationMode(absl::string_view name) {
  for (const EvaluationMode mode :
       {EvaluationMode::kProtocol, EvaluationMode::kNative}) {
    if (name == EvaluationModeName(mode)) return mode;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "evaluation mode: got \"", name, "\", expected protocol or native"));
}

}  // namespace wsol
