#include "wsol/cli/run_outcome.h"

#include "vision/base/status_util.h"

namespace wsol {

absl::Status ShowRunOutcome(const absl::StatusOr<RunResult>& result,
                            const std::string& output_dir,
                            std::ostream& stream) {
  if (absl::IsAlreadyExists(result.status())) {
    stream << result.status().message() << "\n";
    return absl::OkStatus();
  }
  if (absl::IsCancelled(result.status())) {
    return vision::Annotate(result.status(),
                            "the same command with --resume goes on");
  }
  VISION_RETURN_IF_ERROR(result.status());
  stream << result->text << "\nModels and results: " << output_dir << std::endl;
  return absl::OkStatus();
}

}  // namespace wsol
