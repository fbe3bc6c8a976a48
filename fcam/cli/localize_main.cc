// Finds the objects of images: see fcam/localizer/localize_images.h.

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "fcam/cli/localize_flags.h"
#include "fcam/localizer/export_model.h"
#include "fcam/localizer/localize_images.h"
#include "fcam/localizer/results_table.h"
#include "vision/base/progress.h"
#include "vision/base/status_util.h"
#include "vision/inference/keep_freed_memory.h"
#include "wsol/cli/init.h"
#include "wsol/cli/interrupt.h"
#include "wsol/cli/output_dir.h"

namespace {

constexpr char kUsage[] =
    "Finds the object of each image: class, map, mask and boxes. Images are "
    "files,\nfolders with their subfolders, or lines of --list.\n\n"
    "  localize --model=run/best --output_dir=found bird.jpg photos\n"
    "  localize --model=run/best --method=LayerCAM --class=bee bird.jpg\n"
    "  localize --model=run/best --export=model.ts";

absl::Status Export(const fcam::LocalizeImagesOptions& options,
                    const std::string& path) {
  if (options.model_dir.empty()) {
    return absl::InvalidArgumentError(
        "--export needs --model, the folder of a model");
  }
  // Before the work, which takes a while.
  const std::string folder = std::filesystem::path(path).parent_path().string();
  VISION_RETURN_IF_ERROR(wsol::PrepareOutputDir(folder.empty() ? "." : folder));
  fcam::ExportOptions export_options;
  export_options.method = options.localizer.method;
  VISION_ASSIGN_OR_RETURN(
      const fcam::ExportReport report,
      fcam::ExportModel(options.model_dir, export_options, path));
  std::cout << "wrote " << path << ": " << report.method << ", images of "
            << (report.any_size ? std::string("any size")
                                : absl::StrCat(report.side, "x", report.side))
            << ", differs from the model by "
            << absl::StrFormat("%.1e", report.max_difference) << " at most\n";
  return absl::OkStatus();
}

absl::Status Run(absl::Span<const char* const> arguments) {
  VISION_ASSIGN_OR_RETURN(const fcam::LocalizeImagesOptions options,
                          fcam::LocalizeOptionsFromFlags(arguments));
  const std::string export_path = fcam::ExportPathFromFlags();
  if (!export_path.empty()) {
    if (!arguments.empty() || !options.images.list.empty()) {
      return absl::InvalidArgumentError(
          "--export takes no images: it writes the model");
    }
    return Export(options, export_path);
  }
  VISION_RETURN_IF_ERROR(options.Validate());
  if (!options.output_dir.empty()) {
    VISION_RETURN_IF_ERROR(wsol::PrepareOutputDir(options.output_dir));
  }
  vision::KeepFreedMemory();
  std::unique_ptr<vision::Progress> progress;
  fcam::LocalizeImagesCallbacks callbacks;
  callbacks.should_stop = wsol::InterruptRequested;
  callbacks.on_begin = [&](int64_t images) {
    progress = std::make_unique<vision::Progress>("localize", images);
  };
  callbacks.on_images = [&](int64_t count) { progress->Advance(count); };
  const absl::StatusOr<fcam::LocalizeImagesReport> report =
      fcam::LocalizeImages(options, callbacks);
  if (progress != nullptr) progress->Finish();
  VISION_RETURN_IF_ERROR(report.status());
  VISION_ASSIGN_OR_RETURN(const std::string text, fcam::ResultsTable(*report));
  std::cout << text << std::flush;
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return wsol::RunMainWithArguments(argc, argv, kUsage, Run);
}
