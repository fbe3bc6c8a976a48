// The whole of //wsol:make_report but its flags: from runs to tables, figures
// and one HTML page.
//
//   wsol::ReportOptions options;
//   options.runs = {{"CAM", "runs/cam"}, {"F-CAM", "runs/fcam"}};
//   options.output_dir = "report";
//   VISION_ASSIGN_OR_RETURN(const wsol::ReportOutcome outcome,
//                           wsol::RunReport(options));
//   std::cout << outcome.text;

#ifndef WSOL_REPORT_RUN_REPORT_RUN_H_
#define WSOL_REPORT_RUN_REPORT_RUN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wsol/report_run/report_options.h"

namespace wsol {

struct ReportOutcome {
  // For the terminal: the result table, what is left out and why.
  std::string text;
  // What was written, below output_dir; report.html is the last one.
  std::vector<std::string> files;
  // What the report does not have, and why: a sentence each.
  std::vector<std::string> left_out;
};

// Reads all runs, then writes into output_dir:
//   report.html                 everything below in one file
//   result_table.{md,csv,png}   all metrics, baselines first
//   tau_max_box_acc.png         images with a right box by threshold, largest
//                               contour, IoU 50 %
//   tau_max_box_acc_v2.png      all contours, mean of IoU 30, 50 and 70 %
//   tau_mask_iou.png            IoU of pixels by threshold
//   precision_recall.png        of pixels; PxAP is the area
//   activations.png, activations_object.png, activations_background.png
//                               shares of pixels by the map's value
//   panels_random.png, panels_best.png, panels_worst.png
//   training_<n>.png            validation metrics of run n over its epochs
//   resolution_masks.png, resolution_boxes.png
//                               what less resolution costs true masks and boxes
//   difference_<n>.json         run n against the first (ComparisonJson)
// What a run lacks leaves out that part, and the report says why. Nothing is
// written before all runs are known to be sound and of the same split.
//
// Errors: those of ReportOptions, OpenRun, ReportSplit, ScoreMapFolder and
// EvaluateMaps; kInvalidArgument, naming both runs, if they are of different
// splits or evaluation modes; kInvalidArgument for a folder of score maps
// without metadata_dir; errors of the output folder.
absl::StatusOr<ReportOutcome> RunReport(const ReportOptions& options);

}  // namespace wsol

#endif  // WSOL_REPORT_RUN_REPORT_RUN_H_
