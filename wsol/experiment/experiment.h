// What a training program does around a training: its folder and log, the
// validation of each epoch, the choice of the best one, and the final test.
//
//   VISION_ASSIGN_OR_RETURN(auto experiment, Experiment::Open(options));
//   VISION_RETURN_IF_ERROR(experiment->Begin());
//   experiment->Attach(model_functions, &training.loop);
//   VISION_ASSIGN_OR_RETURN(auto history, TrainClassifier(..., training));
//   VISION_ASSIGN_OR_RETURN(auto tables, experiment->Finish(model_functions));
//
// The folder:
//   config.yaml          the options, as the program was given them
//   log.jsonl, log.txt   what happened (wsol/run_log/run_log.h)
//   tensorboard/         the same numbers for TensorBoard
//   state/               where training goes on from
//   best/, last/         model folders: of the epoch with the largest metric of
//                        the validation split, and of the last epoch so far
//   history.json         the numbers of every epoch
//   curves.png           the validation metrics over the epochs
//   test_best.json, test_last.json (and .csv)
//                        results of the test split for //wsol:evaluate compare
//   test_maps/           if asked for: the best model's map of each image of
//                        the test split, for //wsol:evaluate --score_maps
//   done                 written last: all of the above is final

#ifndef WSOL_EXPERIMENT_EXPERIMENT_H_
#define WSOL_EXPERIMENT_EXPERIMENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/base/progress.h"
#include "wsol/datasets/loader.h"
#include "wsol/evaluation/split_evaluation.h"
#include "wsol/experiment/experiment_data.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/run_log/run_log.h"
#include "wsol/training/engine.h"

namespace wsol {

struct ExperimentOptions {
  // Created if it is missing.
  std::string output_dir;
  // Goes on from the state in output_dir, or begins if there is none. Without
  // it, a folder with a state is an error.
  bool resume = false;
  ExperimentDataOptions data;
  // Of validation and test: size of the images, normalisation, batches,
  // threads.
  LoaderOptions evaluation_loader;

  // Options that decide the outcome, by flag. Resuming with others is an error.
  std::vector<std::pair<std::string, std::string>> config;
  // All of them, for config.yaml.
  std::string config_yaml;
  // Further files of the folder, name and contents, written with it.
  std::vector<std::pair<std::string, std::string>> extra_files;
  uint64_t seed = 0;

  // Boxes of the metrics without a mode in their name, and of "localization".
  BoxMode box_mode = BoxMode::kLargestContour;
  // See SelectionMetric (split_metrics.h).
  std::string select_by = "localization";
  // Distance of thresholds.
  double val_tau_interval = 0.001;
  double test_tau_interval = 0.001;
  // Whether the test's maps are kept as files.
  bool save_test_maps = false;
  // Names of the model folders.
  std::string best_folder = "best";
  std::string last_folder = "last";
  // Writes a state every so many batches too; 0: after epochs alone.
  int64_t checkpoint_batches = 0;

  int num_threads = 1;
  bool show_progress = true;
  // Asked often; true stops with kCancelled. May be empty.
  std::function<bool()> should_stop;

  // kInvalidArgument names the flag.
  absl::Status Validate() const;
};

// What an experiment does with a model.
struct ModelFunctions {
  // Maps and logits of a batch, in evaluation mode.
  std::function<absl::StatusOr<BatchScores>(const Batch&)> score;
  // Writes the model folder `dir`, with the thresholds that were best.
  std::function<absl::Status(const std::string& dir,
                             const std::map<std::string, double>& taus)>
      save;
  // Reads the weights of the model folder `dir` into the model.
  std::function<absl::Status(const std::string& dir)> load;
};

// Not thread-safe.
class Experiment {
 public:
  // Opens the data; nothing is written yet. Errors of the options and the
  // data.
  static absl::StatusOr<std::unique_ptr<Experiment>> Open(
      ExperimentOptions options);

  // Opens or creates the folder, when all else is known to be right.
  // kAlreadyExists if the experiment in it is done; kFailedPrecondition if it
  // is in use, or has a state that is not to be resumed or of other options;
  // errors of the folder.
  absl::Status Begin();

  const ExperimentData& data() const { return data_; }
  // After Begin().
  RunLog& log() { return *log_; }

  // Sets everything of `loop` but what it trains and for how long: state file,
  // callbacks, validation, choice. `functions` must live as long as the loop;
  // `num_batches` is the training loader's.
  void Attach(const ModelFunctions& functions, int64_t num_batches,
              TrainingLoop* loop);

  // After training: tests the best and the last model, thresholds chosen on the
  // validation split beside the best ones, writes the results, and returns the
  // tables for the terminal. Errors: those of evaluation and files.
  absl::StatusOr<std::string> Finish(const ModelFunctions& functions);

  // The metrics on the test split of a folder that Finish() tested.
  const NamedValues& best_test() const { return best_test_; }

  std::string Path(absl::string_view name) const;

 private:
  explicit Experiment(ExperimentOptions options);

  // `label` is shown with the progress, if it is not empty. `map_dir`: folder
  // for the maps, or empty.
  absl::StatusOr<SplitEvaluation> Evaluate(const EvaluationSplit& split,
                                           double tau_interval,
                                           const ModelFunctions& functions,
                                           absl::string_view label,
                                           const std::string& map_dir);
  absl::StatusOr<NamedValues> ValidateEpoch(const ModelFunctions& functions,
                                            int64_t epoch);
  void FinishEpoch(const EpochRecord& record);
  // What a full disk can do is noted, in the log and for the user; the training
  // goes on.
  void NoteIfFailed(const absl::Status& status, absl::string_view consequence);
  absl::StatusOr<std::string> Test(const ModelFunctions& functions,
                                   const std::string& folder,
                                   absl::string_view name);

  const ExperimentOptions options_;
  // What must be the same to resume.
  std::vector<std::pair<std::string, std::string>> config_;
  std::string metric_;
  ExperimentData data_;
  std::unique_ptr<RunLog> log_;
  std::unique_ptr<vision::Progress> progress_;
  std::vector<EpochRecord> history_;
  std::map<std::string, double> taus_;
  NamedValues best_test_;
};

}  // namespace wsol

#endif  // WSOL_EXPERIMENT_EXPERIMENT_H_
