#include "wsol/training_run/classifier_run.h"

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "vision/base/status_util.h"
#include "wsol/baselines/factory.h"
#include "wsol/cam/classifier_network.h"
#include "wsol/cam/factory.h"
#include "wsol/evaluation/cam_scores.h"
#include "wsol/model_folder/classifier_folder.h"

namespace wsol {

ImagePreprocessing PreprocessingOf(const LoaderOptions& options) {
  return {options.resize, options.crop, options.normalization};
}

LoaderOptions EvaluationLoaderOf(LoaderOptions options) {
  options.shuffle = false;
  options.augment = false;
  options.raw_images = false;
  options.cache_in_memory = false;
  return options;
}

absl::Status ClassifierRunOptions::Validate() const {
  VISION_RETURN_IF_ERROR(training.Validate());
  VISION_RETURN_IF_ERROR(train_loader.Validate());
  VISION_RETURN_IF_ERROR(cam.Validate());
  return CheckTrainingMethod(training.method, classifier.pooling.name);
}

absl::StatusOr<RunResult> RunClassifierTraining(ClassifierRunOptions options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_ASSIGN_OR_RETURN(const std::unique_ptr<CamMethod> method,
                          MakeCamMethod(options.cam));
  options.train_loader.shuffle = true;
  options.train_loader.augment = true;
  options.train_loader.raw_images = false;
  options.experiment.evaluation_loader =
      EvaluationLoaderOf(options.train_loader);
  VISION_ASSIGN_OR_RETURN(const std::unique_ptr<Experiment> experiment,
                          Experiment::Open(options.experiment));
  const Dataset& train = *experiment->data().train;
  options.classifier.num_classes = train.num_classes();
  VISION_ASSIGN_OR_RETURN(const std::shared_ptr<Classifier> classifier,
                          MakeClassifier(options.classifier));
  VISION_ASSIGN_OR_RETURN(const std::string initial_weights,
                          LoadInitialWeights(options.initial_weights,
                                             options.classifier, *classifier));
  VISION_ASSIGN_OR_RETURN(const std::unique_ptr<Loader> loader,
                          Loader::Create(&train, options.train_loader));
  VISION_RETURN_IF_ERROR(experiment->Begin());
  experiment->log().Message(
      absl::StrCat("training ", options.classifier.backbone, " with ",
                   options.classifier.pooling.name, " on ", train.size(),
                   " images of ", train.num_classes(), " classes",
                   initial_weights.empty() ? "" : "; ", initial_weights));

  ClassifierFolderInfo info;
  info.classifier = options.classifier;
  info.preprocessing = PreprocessingOf(options.train_loader);
  info.class_names = train.class_names();
  info.cam_method = options.cam.method;
  ClassifierNetwork network(*classifier);
  ModelFunctions functions;
  functions.score = [&](const Batch& batch) {
    return CamScores(*method, network, batch);
  };
  functions.save = [&](const std::string& dir,
                       const std::map<std::string, double>& taus) {
    info.taus = taus;
    return SaveClassifierFolder(dir, *classifier, info);
  };
  functions.load = [&](const std::string& dir) {
    return LoadClassifierWeights(dir, *classifier);
  };
  experiment->Attach(functions, loader->NumBatches(), &options.training.loop);
  VISION_RETURN_IF_ERROR(
      TrainClassifier(*classifier, *loader, options.training).status());
  RunResult result;
  VISION_ASSIGN_OR_RETURN(result.text, experiment->Finish(functions));
  result.best_test = experiment->best_test();
  return result;
}

}  // namespace wsol
