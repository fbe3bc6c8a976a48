// Trains a classifier: see wsol/training_run/classifier_run.h.

#include <iostream>

#include "absl/status/status.h"
#include "vision/base/status_util.h"
#include "vision/inference/keep_freed_memory.h"
#include "wsol/cli/init.h"
#include "wsol/cli/list_problems.h"
#include "wsol/cli/run_outcome.h"
#include "wsol/cli/train_flags.h"
#include "wsol/training_run/classifier_run.h"

namespace {

constexpr char kUsage[] =
    "Trains a classifier from class labels and evaluates its class activation "
    "maps.\n\n"
    "  train --metadata_root=metadata/CUB --image_root=CUB "
    "--weights=imagenet --output_dir=cub\n"
    "  train --config=cub.yaml --output_dir=cub --resume";

absl::Status Train() {
  VISION_ASSIGN_OR_RETURN(const wsol::ClassifierRunOptions options,
                          wsol::ClassifierRunOptionsFromFlags());
  VISION_RETURN_IF_ERROR(options.Validate());
  vision::KeepFreedMemory();
  return wsol::ShowRunOutcome(wsol::RunClassifierTraining(options),
                              options.experiment.output_dir, std::cout);
}

}  // namespace

int main(int argc, char** argv) {
  return wsol::RunMain(argc, argv, kUsage, [] {
    return wsol::ListProblems(Train(), /*consequence=*/"", std::cerr);
  });
}
