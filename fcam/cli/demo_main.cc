// The main job on built-in data: see fcam/demo/demo.h.

#include "absl/status/status.h"
#include "fcam/cli/demo_flags.h"
#include "fcam/demo/demo.h"
#include "vision/base/status_util.h"
#include "wsol/cli/init.h"

namespace {

constexpr char kUsage[] =
    "Trains a classifier and F-CAM on a built-in data set, evaluates both and "
    "writes report.html and summary.json.\n\n"
    "  tools/demo --output_dir=/tmp/demo --seed=1";

absl::Status Run() {
  VISION_ASSIGN_OR_RETURN(const fcam::DemoOptions options,
                          fcam::DemoOptionsFromFlags());
  return fcam::RunDemo(options);
}

}  // namespace

int main(int argc, char** argv) {
  return wsol::RunMain(argc, argv, kUsage, Run);
}
