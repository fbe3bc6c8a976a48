// Trains F-CAM: see fcam/training_run/fcam_run.h.

#include <iostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/cli/train_flags.h"
#include "fcam/training_run/fcam_run.h"
#include "vision/base/status_util.h"
#include "vision/inference/keep_freed_memory.h"
#include "wsol/cli/init.h"
#include "wsol/cli/list_problems.h"
#include "wsol/training_run/classifier_run.h"

namespace {

constexpr char kUsage[] =
    "Trains F-CAM, full-resolution class activation maps, from a classifier.\n"
    "\n"
    "  train --metadata_root=metadata/CUB --image_root=CUB "
    "--classifier=cub/best --output_dir=cub_fcam\n"
    "  train --config=cub.yaml --output_dir=cub_fcam --resume";

absl::Status Train() {
  VISION_ASSIGN_OR_RETURN(const fcam::FcamRunOptions options,
                          fcam::FcamRunOptionsFromFlags());
  VISION_RETURN_IF_ERROR(options.Validate());
  vision::KeepFreedMemory();
  const absl::StatusOr<wsol::RunResult> result = fcam::RunFcamTraining(options);
  const std::string& folder = options.experiment.output_dir;
  if (absl::IsAlreadyExists(result.status())) {
    std::cout << result.status().message() << "\n";
    return absl::OkStatus();
  }
  if (absl::IsCancelled(result.status())) {
    return vision::Annotate(result.status(),
                            "the same command with --resume goes on");
  }
  VISION_RETURN_IF_ERROR(result.status());
  std::cout << result->text << "\nModels and results: " << folder << std::endl;
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return wsol::RunMain(argc, argv, kUsage, [] {
    return wsol::ListProblems(Train(), /*consequence=*/"", std::cerr);
  });
}
