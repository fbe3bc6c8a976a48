// Trains F-CAM: see fcam/training_run/fcam_run.h.

#include <iostream>

#include "absl/status/status.h"
#include "fcam/cli/train_flags.h"
#include "fcam/training_run/fcam_run.h"
#include "vision/base/status_util.h"
#include "vision/inference/keep_freed_memory.h"
#include "wsol/cli/init.h"
#include "wsol/cli/list_problems.h"
#include "wsol/cli/run_outcome.h"

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
  return wsol::ShowRunOutcome(fcam::RunFcamTraining(options),
                              options.experiment.output_dir, std::cout);
}

}  // namespace

int main(int argc, char** argv) {
  return wsol::RunMain(argc, argv, kUsage, [] {
    return wsol::ListProblems(Train(), /*consequence=*/"", std::cerr);
  });
}
