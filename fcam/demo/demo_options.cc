#include "fcam/demo/demo_options.h"

#include "absl/strings/str_cat.h"

namespace fcam {

absl::Status DemoOptions::Validate() const {
  if (output_dir.empty()) {
    return absl::InvalidArgumentError("output_dir must not be empty");
  }
  if (data_dir.empty()) {
    return absl::InvalidArgumentError("data_dir must not be empty");
  }
  if (num_threads < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_threads must be at least 1, got ", num_threads));
  }
  return absl::OkStatus();
}

absl::StatusOr<wsol::SyntheticKind> ParseDemoData(absl::string_view name) {
  if (name == "objects") return wsol::SyntheticKind::kObjects20;
  if (name == "birds") return wsol::SyntheticKind::kBirds16;
  return absl::InvalidArgumentError(
      absl::StrCat("--data=", name, ": expected objects or birds"));
}

}  // namespace fcam
