#include "wsol/cli/report_flags.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/cli/init.h"
#include "wsol/cli/interrupt.h"
#include "wsol/cli/resolve_path.h"

DEFINE_string(runs, "",
              "What to report on: label=path, several separated by commas, as "
              "CAM=runs/cam,F-CAM=runs/fcam. A path is the folder of a "
              "training program, a results file of //wsol:evaluate, or a "
              "folder of score maps. Others are compared with the first.");
DEFINE_string(output_dir, "", "Folder of the report; created if missing.");
DEFINE_string(title, "", "Title of the report; by default made of the labels.");
DEFINE_string(metadata_dir, "",
              "Folder of the split that the runs were evaluated on: the one "
              "that holds image_ids.txt. For baselines, panels, simulation "
              "and score maps.");
DEFINE_string(metadata_root, "",
              "Instead of --metadata_dir: the folder whose folder test is the "
              "split.");
DEFINE_string(mask_metadata_dir, "",
              "The same images with masks, where --metadata_dir has boxes.");
DEFINE_string(mask_metadata_root, "",
              "Instead of --mask_metadata_dir: the folder whose folder test it "
              "is.");
DEFINE_string(image_root, "", "Folder that image ids start from; for panels.");
DEFINE_string(mask_root, "",
              "Folder that paths of masks start from; by default "
              "--image_root.");
DEFINE_bool(baselines, true,
            "Add maps of a centred object and of no object to the table.");
DEFINE_int32(panel_images, 6,
             "Images of each panel: random, best and worst ones; 0: none.");
DEFINE_int64(simulated_images, 500,
             "Images of the simulation of lost resolution; 0: none.");
DEFINE_bool(log_histogram, false,
            "Histograms of activations on a logarithmic axis.");
DEFINE_double(tau_interval, 0.001,
              "Distance between thresholds, in (0, 1), where score maps are "
              "evaluated.");
DEFINE_int64(resamples, 10000, "Bootstrap resamples of differences.");
DEFINE_double(confidence, 0.95, "Share that intervals cover.");
DEFINE_uint64(seed, 0, "Of images drawn at random and of the bootstrap.");

namespace wsol {
namespace {

// The folder of one of two flags.
absl::StatusOr<std::string> SplitDir(const char* dir_flag,
                                     const std::string& dir,
                                     const char* root_flag,
                                     const std::string& root) {
  if (!dir.empty() && !root.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(dir_flag, " and ", root_flag, ": give one of the two"));
  }
  return root.empty() ? ResolvePath(dir)
                      : vision::JoinPath(ResolvePath(root), "test");
}

}  // namespace

absl::StatusOr<ReportOptions> ReportOptionsFromFlags() {
  ReportOptions options;
  if (FLAGS_runs.empty()) {
    return absl::InvalidArgumentError(
        "--runs is needed: label=path, several separated by commas");
  }
  VISION_ASSIGN_OR_RETURN(options.runs, ParseReportRuns(FLAGS_runs));
  for (ReportRun& run : options.runs) run.path = ResolvePath(run.path);
  options.output_dir = ResolvePath(FLAGS_output_dir);
  options.title = FLAGS_title;
  VISION_ASSIGN_OR_RETURN(options.metadata_dir,
                          SplitDir("--metadata_dir", FLAGS_metadata_dir,
                                   "--metadata_root", FLAGS_metadata_root));
  VISION_ASSIGN_OR_RETURN(
      options.mask_metadata_dir,
      SplitDir("--mask_metadata_dir", FLAGS_mask_metadata_dir,
               "--mask_metadata_root", FLAGS_mask_metadata_root));
  options.image_root = ResolvePath(FLAGS_image_root);
  options.mask_root = ResolvePath(FLAGS_mask_root);
  options.baselines = FLAGS_baselines;
  options.num_panel_images = FLAGS_panel_images;
  options.num_simulated_images = FLAGS_simulated_images;
  options.log_histogram = FLAGS_log_histogram;
  options.tau_interval = FLAGS_tau_interval;
  options.bootstrap.num_resamples = FLAGS_resamples;
  options.bootstrap.confidence = FLAGS_confidence;
  options.seed = FLAGS_seed;
  options.num_threads = NumThreads();
  options.should_stop = InterruptRequested;
  return options;
}

}  // namespace wsol
