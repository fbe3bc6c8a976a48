// The whole of //wsol:train but its flags: a classifier trained, validated,
// chosen and tested.

#ifndef WSOL_TRAINING_RUN_CLASSIFIER_RUN_H_
#define WSOL_TRAINING_RUN_CLASSIFIER_RUN_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wsol/cam/cam_method.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/experiment/experiment.h"
#include "wsol/model_folder/classifier_info.h"
#include "wsol/training/classifier_trainer.h"
#include "wsol/training/engine.h"
#include "wsol/training_run/initial_weights.h"

namespace wsol {

struct ClassifierRunOptions {
  // Its evaluation_loader is set here, after train_loader.
  ExperimentOptions experiment;
  // num_classes is that of the data.
  ClassifierOptions classifier;
  InitialWeightsOptions initial_weights;
  ClassifierTrainingOptions training;
  // Batches, sizes, normalisation, threads; shuffles and augments.
  LoaderOptions train_loader;
  // The maps that are validated.
  CamOptions cam;

  // kInvalidArgument names the flag or field.
  absl::Status Validate() const;
};

struct RunResult {
  // Tables for the terminal.
  std::string text;
  // Of the test split with the best model: empty without test or validation.
  NamedValues best_test;
};

// Trains in options.experiment.output_dir; see experiment.h for what is there
// afterwards. kCancelled when stopped, after saving the state; errors of the
// options and the data before anything is written, and those of Experiment and
// TrainClassifier.
absl::StatusOr<RunResult> RunClassifierTraining(ClassifierRunOptions options);

// How the training loader `options` prepares images.
ImagePreprocessing PreprocessingOf(const LoaderOptions& options);

// The loader of validation and test that goes with it.
LoaderOptions EvaluationLoaderOf(LoaderOptions options);

}  // namespace wsol

#endif  // WSOL_TRAINING_RUN_CLASSIFIER_RUN_H_
