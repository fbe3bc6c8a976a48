// What is known of a run, wherever it left it.
//
//   VISION_ASSIGN_OR_RETURN(const wsol::RunSource run,
//                           wsol::OpenRun({"F-CAM", "runs/fcam"}));
//   if (run.results.has_value()) run.results->values.at("PxAP");

#ifndef WSOL_REPORT_RUN_RUN_SOURCE_H_
#define WSOL_REPORT_RUN_RUN_SOURCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/report_run/report_options.h"
#include "wsol/results/results_json.h"

namespace wsol {

// An epoch of history.json (wsol/experiment/experiment.h).
struct RunEpoch {
  double epoch = 0;
  double loss = 0;
  double seconds = 0;
  // Percent; NaN where the file has null.
  std::vector<std::pair<std::string, double>> validation;
};

struct RunHistory {
  // The metric the best epoch was chosen by; empty without validation.
  std::string selected_by;
  std::optional<double> best_epoch;
  std::vector<RunEpoch> epochs;
};

// The history of a file's text; `name` stands for it in messages.
// kInvalidArgument for text that is no such JSON.
absl::StatusOr<RunHistory> ParseRunHistory(absl::string_view text,
                                           absl::string_view name);

struct RunSource {
  std::string label;
  std::string path;
  // Absent for a folder of score maps, which is yet to be evaluated.
  std::optional<StoredResults> results;
  std::optional<RunHistory> history;
  // Folder of score maps; empty if there is none.
  std::string map_dir;
  // Why there are none.
  std::string no_maps;
  std::string no_history;
};

// Finds out which of these the path is, and reads what it has but maps:
//   a folder of //wsol:train or //fcam:train: test_best.json, or
//       test_last.json if nothing was validated; history.json; test_maps/;
//   a file: JSON results of //wsol:evaluate;
//   a folder of score maps, .npy or .png.
// Messages begin with the run's label and name the path: kNotFound if it does
// not exist; kInvalidArgument for a folder that is none of these, with what is
// missing, and for damaged files.
absl::StatusOr<RunSource> OpenRun(const ReportRun& run);

}  // namespace wsol

#endif  // WSOL_REPORT_RUN_RUN_SOURCE_H_
