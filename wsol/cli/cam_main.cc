// Makes maps of images or a split by several methods: see
// wsol/cam_run/cam_run.h.

#include <cstdint>
#include <iostream>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vision/base/progress.h"
#include "vision/base/status_util.h"
#include "vision/inference/keep_freed_memory.h"
#include "wsol/cam_run/cam_run.h"
#include "wsol/cam_run/cam_run_options.h"
#include "wsol/cli/cam_flags.h"
#include "wsol/cli/init.h"
#include "wsol/cli/interrupt.h"
#include "wsol/cli/list_problems.h"
#include "wsol/cli/output_dir.h"

namespace {

constexpr char kUsage[] =
    "Class activation maps of a trained classifier, by one or several "
    "methods.\n\n"
    "  cam --model=run/best --images=photos --output_dir=maps\n"
    "  cam --model=run/best --metadata_dir=metadata/CUB/test "
    "--image_root=images/CUB \\\n"
    "    --method=CAM,GradCAM++,LayerCAM --quality --contact_sheet=12 "
    "--output_dir=maps\n"
    "  evaluate --metadata_dir=metadata/CUB/test --score_maps=maps/CAM "
    "--predictions=maps/predictions.csv";

absl::Status MakeMaps() {
  VISION_ASSIGN_OR_RETURN(const wsol::CamRunOptions options,
                          wsol::CamRunOptionsFromFlags());
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_RETURN_IF_ERROR(wsol::PrepareOutputDir(options.output_dir));
  // Many passes of the same sizes follow one another.
  vision::KeepFreedMemory();
  std::unique_ptr<vision::Progress> progress;
  wsol::CamRunCallbacks callbacks;
  callbacks.should_stop = wsol::InterruptRequested;
  callbacks.on_begin = [&](int64_t images, int64_t done) {
    progress = std::make_unique<vision::Progress>("cam", images);
    if (done > 0) progress->Advance(done);
  };
  callbacks.on_images = [&](int64_t count) { progress->Advance(count); };
  const absl::StatusOr<wsol::CamRunReport> report =
      wsol::RunCam(options, callbacks);
  if (progress != nullptr) progress->Finish();
  VISION_RETURN_IF_ERROR(report.status());
  std::cout << report->text << "\nwrote " << options.output_dir << "\n";
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return wsol::RunMain(argc, argv, kUsage, [] {
    return wsol::ListProblems(MakeMaps(), /*consequence=*/"", std::cerr);
  });
}
