// The whole of //wsol:evaluate but its flags: from folders to tables and files.
//
//   wsol::EvaluateOptions options;
//   options.metadata_dir = "metadata/CUB/test";
//   options.score_maps = "maps";
//   VISION_ASSIGN_OR_RETURN(const wsol::EvaluateReport report,
//                           wsol::Evaluate(options, {}));
//   VISION_RETURN_IF_ERROR(wsol::WriteReport(report, "cam.json"));
//   std::cout << report.text;

#ifndef WSOL_EVALUATION_RUN_EVALUATE_H_
#define WSOL_EVALUATION_RUN_EVALUATE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wsol/datasets/dataset.h"
#include "wsol/evaluation_run/evaluate_options.h"
#include "wsol/results/evaluation_results.h"
#include "wsol/score_maps/evaluate_maps.h"

namespace wsol {

struct EvaluateCallbacks {
  // See MapEvaluationOptions. May be empty.
  std::function<bool()> should_stop;
  // Called once, before the first image. May be empty.
  std::function<void(int64_t images)> on_begin;
  std::function<void()> on_image;

  // Evaluates options.checkpoint on the split, for programs that link LibTorch;
  // without it a checkpoint is an error.
  std::function<absl::StatusOr<MapEvaluation>(const Dataset& split,
                                              const MapEvaluationOptions&)>
      evaluate_checkpoint;
};

struct EvaluateReport {
  EvaluationResults results;
  // For the terminal: what was evaluated, and the tables.
  std::string text;
};

// Reads the split, finds the maps (all of them, before any is read) and
// evaluates them. Errors: those of EvaluateOptions, Dataset, ScoreMapFolder,
// ReadClassRanks, ReadResults and EvaluateMaps; kNotFound for missing folders;
// kInvalidArgument for masks without mask_root.
absl::StatusOr<EvaluateReport> Evaluate(const EvaluateOptions& options,
                                        const EvaluateCallbacks& callbacks);

// Where the results by image go: `output` with its extension, if it is .json,
// replaced by .csv.
std::string ImagesCsvPath(const std::string& output);

// Writes the JSON file and, if the results have images, the CSV beside it. Each
// file is the old or the new one, never half of it.
absl::Status WriteReport(const EvaluateReport& report,
                         const std::string& output);

}  // namespace wsol

#endif  // WSOL_EVALUATION_RUN_EVALUATE_H_
