// Options of a report on runs: what //wsol:make_report takes as flags.

#ifndef WSOL_REPORT_RUN_REPORT_OPTIONS_H_
#define WSOL_REPORT_RUN_REPORT_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/results/bootstrap.h"

namespace wsol {

// One row of the tables and one line of the charts.
struct ReportRun {
  std::string label;
  // An experiment's folder, a results file or a folder of score maps
  // (run_source.h).
  std::string path;
};

// "CAM=runs/cam,F-CAM=runs/fcam": labels and paths, in order. Spaces around
// both are left out. kInvalidArgument, naming the item, if there is none, an
// item has no label, no "=" or no path, or a label came before.
absl::StatusOr<std::vector<ReportRun>> ParseReportRuns(absl::string_view text);

struct ReportOptions {
  // The first one is what the others are compared with, the last one what the
  // report is about: its row is strong, and panels are chosen by its maps.
  std::vector<ReportRun> runs;
  // Created if it is missing.
  std::string output_dir;
  // Empty: made of the labels.
  std::string title;

  // The split that the runs were evaluated on: its folder (with image_ids.txt).
  // Empty: without baselines, panels and simulation, and folders of score maps
  // are no runs.
  std::string metadata_dir;
  // The same images described with masks, where metadata_dir has them with
  // boxes. May be empty.
  std::string mask_metadata_dir;
  // Folder that image ids start from; empty: no panels.
  std::string image_root;
  // Folder that paths of masks start from; empty: image_root.
  std::string mask_root;

  // Adds the maps of a centred and of no object.
  bool baselines = true;
  // Images of each panel: random ones, the best and the worst. 0: none.
  int num_panel_images = 6;
  // Images of the simulation of lost resolution, drawn at random; 0: no
  // simulation.
  int64_t num_simulated_images = 500;
  // Shares of pixels in histograms on a logarithmic axis.
  bool log_histogram = false;
  // Distance of thresholds where maps are evaluated, in (0, 1).
  double tau_interval = 0.001;
  // Of the differences; its seed and threads are those below.
  BootstrapOptions bootstrap;
  // Of all that is drawn at random.
  uint64_t seed = 0;

  int num_threads = 1;
  bool show_progress = true;
  // Asked often, from any thread; true stops with kCancelled. May be empty.
  std::function<bool()> should_stop;

  // kInvalidArgument names the flag.
  absl::Status Validate() const;
};

}  // namespace wsol

#endif  // WSOL_REPORT_RUN_REPORT_OPTIONS_H_
