#include "fcam/training_run/fcam_run.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fcam/decoder/fast_encoder.h"
#include "fcam/model_folder/fcam_folder.h"
#include "fcam/seeds/stored_cams.h"
#include "vision/backbones/backbone.h"
#include "vision/base/status_util.h"
#include "vision/nn/state_dict.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/dataset.h"
#include "wsol/evaluation/split_evaluation.h"
#include "wsol/model_folder/classifier_info.h"

namespace fcam {
namespace {

constexpr int64_t kPublishedWidths[] = {256, 128, 64, 32, 16};

// Side of the images that the published weights belong to.
constexpr double kPublishedSize = 224;

// The loss grows with the square of the number of pixels.
void AdjustCrf(int size, FcamRunOptions* options) {
  const double ratio = size / kPublishedSize;
  FcamLossOptions& loss = options->training.loss;
  if (options->adjust_crf_weight) {
    loss.crf.weight /= ratio * ratio * ratio * ratio;
  }
  if (options->adjust_crf_sigma) {
    loss.crf_options.dense.filter.sigma_xy_pixels *= ratio;
  }
}

// Has a frozen encoder run fast, and seeds drawn from what the options say.
absl::Status PrepareForTraining(const wsol::LoadedClassifier& classifier,
                                const wsol::Dataset& train,
                                FcamRunOptions* options, FcamModel* model,
                                std::unique_ptr<StoredCams>* stored_cams) {
  const wsol::ClassifierOptions& network = classifier.info.classifier;
  if (options->fcam.freeze_classifier) {
    if (options->fast_encoder) {
      vision::InferenceOptions inference;
      inference.precision = options->encoder_precision;
      VISION_ASSIGN_OR_RETURN(
          std::shared_ptr<vision::Backbone> fast,
          MakeFastEncoder(network, *classifier.classifier, inference));
      VISION_RETURN_IF_ERROR(model->UseFastEncoder(std::move(fast)));
    }
  } else if (options->stored_cams_dir.empty() &&
             options->training.cam_classifier == nullptr) {
    // As published: seeds come from the classifier as it was.
    VISION_ASSIGN_OR_RETURN(const std::shared_ptr<wsol::Classifier> copy,
                            wsol::MakeClassifier(network));
    VISION_RETURN_IF_ERROR(vision::LoadStateDict(
        vision::GetStateDict(*classifier.classifier), *copy));
    copy->eval();
    options->training.cam_classifier = copy;
  }
  if (!options->stored_cams_dir.empty()) {
    VISION_ASSIGN_OR_RETURN(
        *stored_cams,
        StoredCams::Open(&train, options->stored_cams_dir,
                         options->train_loader,
                         {/*cache=*/options->train_loader.cache_in_memory}));
    options->training.stored_cams = [stored_cams](const wsol::Batch& batch) {
      return (*stored_cams)->Maps(batch);
    };
  }
  return absl::OkStatus();
}

wsol::BatchScores ScoreBatch(FcamModel& model, const wsol::Batch& batch) {
  const FcamOutput output = model.forward(batch.images);
  return {ForegroundMap(output.fcams), output.logits};
}

}  // namespace

UnetDecoderOptions PublishedDecoder(absl::string_view backbone,
                                    int num_levels) {
  UnetDecoderOptions options;
  options.channels.clear();
  for (int i = 0; i + 1 < num_levels; ++i) {
    const size_t width = std::min<size_t>(static_cast<size_t>(i),
                                          std::size(kPublishedWidths) - 1);
    options.channels.push_back(kPublishedWidths[width]);
  }
  options.center = absl::StartsWith(backbone, "vgg");
  return options;
}

absl::Status FcamRunOptions::Validate() const {
  VISION_RETURN_IF_ERROR(training.Validate());
  VISION_RETURN_IF_ERROR(fcam.Validate());
  if (encoder_precision != vision::Precision::kFloat32 &&
      !(fast_encoder && fcam.freeze_classifier)) {
    return absl::InvalidArgumentError(
        "--encoder_precision=bfloat16 needs a frozen classifier and "
        "--fast_encoder");
  }
  return train_loader.Validate();
}

absl::StatusOr<wsol::RunResult> RunFcamTraining(FcamRunOptions options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  if (options.classifier_dir.empty()) {
    return absl::InvalidArgumentError(
        "--classifier is needed, the model folder of a classifier "
        "(//wsol:train writes <output_dir>/best)");
  }
  absl::StatusOr<wsol::LoadedClassifier> classifier =
      wsol::LoadClassifierFolder(options.classifier_dir);
  VISION_RETURN_IF_ERROR(vision::Annotate(classifier.status(), "--classifier"));
  return RunFcamTraining(std::move(options), *std::move(classifier));
}

absl::StatusOr<wsol::RunResult> RunFcamTraining(
    FcamRunOptions options, wsol::LoadedClassifier classifier) {
  wsol::LoaderOptions& loader_options = options.train_loader;
  const wsol::ImagePreprocessing& preprocessing = classifier.info.preprocessing;
  loader_options.resize = preprocessing.resize;
  loader_options.crop = preprocessing.crop;
  loader_options.normalization = preprocessing.normalization;
  loader_options.shuffle = true;
  loader_options.augment = true;
  loader_options.raw_images = true;
  AdjustCrf(preprocessing.crop, &options);
  VISION_RETURN_IF_ERROR(options.Validate());
  if (!options.set_decoder) {
    const UnetDecoderOptions published = PublishedDecoder(
        classifier.info.classifier.backbone,
        static_cast<int>(classifier.classifier->encoder().channels().size()));
    options.fcam.decoder.channels = published.channels;
    options.fcam.decoder.center = published.center;
  }
  options.experiment.evaluation_loader =
      wsol::EvaluationLoaderOf(loader_options);
  if (options.experiment.data.num_classes == 0) {
    options.experiment.data.num_classes =
        static_cast<int>(classifier.classifier->num_classes());
  }
  VISION_ASSIGN_OR_RETURN(const std::unique_ptr<wsol::Experiment> experiment,
                          wsol::Experiment::Open(options.experiment));
  const wsol::Dataset& train = *experiment->data().train;
  if (train.num_classes() != classifier.classifier->num_classes()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the classifier has ", classifier.classifier->num_classes(),
        " classes, the data ", train.num_classes()));
  }
  VISION_ASSIGN_OR_RETURN(const std::shared_ptr<FcamModel> model,
                          MakeFcamModel(classifier.classifier, options.fcam));
  std::unique_ptr<StoredCams> stored_cams;
  VISION_RETURN_IF_ERROR(PrepareForTraining(classifier, train, &options,
                                            model.get(), &stored_cams));
  VISION_ASSIGN_OR_RETURN(const std::unique_ptr<wsol::Loader> loader,
                          wsol::Loader::Create(&train, loader_options));
  VISION_RETURN_IF_ERROR(experiment->Begin());
  experiment->log().Message(
      absl::StrCat("training F-CAM on ",
                   options.fcam.freeze_classifier ? "the frozen " : "the ",
                   classifier.info.classifier.backbone, " classifier of '",
                   options.classifier_dir, "', ", train.size(), " images of ",
                   train.num_classes(), " classes"));

  FcamFolderInfo info;
  info.classifier = classifier.info;
  info.classifier.class_names = train.class_names();
  info.classifier.cam_method = options.training.cam.method;
  info.fcam = options.fcam;
  wsol::ModelFunctions functions;
  functions.score = [&](const wsol::Batch& batch) {
    return ScoreBatch(*model, batch);
  };
  functions.save = [&](const std::string& dir,
                       const std::map<std::string, double>& taus) {
    info.classifier.taus = taus;
    return SaveFcamFolder(dir, *model, info);
  };
  functions.load = [&](const std::string& dir) {
    return LoadFcamWeights(dir, *model);
  };
  experiment->Attach(functions, loader->NumBatches(), &options.training.loop);
  VISION_RETURN_IF_ERROR(TrainFcam(*model, *loader, options.training).status());
  wsol::RunResult result;
  VISION_ASSIGN_OR_RETURN(result.text, experiment->Finish(functions));
  result.best_test = experiment->best_test();
  return result;
}

}  // namespace fcam
