#include "wsol/evaluation_run/evaluate_checkpoint.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "vision/backbones/stride_preset.h"
#include "vision/base/status_util.h"
#include "vision/image/transforms.h"
#include "vision/nn/state_dict.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/classifier_network.h"
#include "wsol/cam/factory.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/evaluation/cam_scores.h"
#include "wsol/evaluation/split_evaluation.h"
#include "wsol/model_folder/classifier_folder.h"

namespace wsol {
namespace {

constexpr char kEncoder[] = "encoder.";
constexpr char kHead[] = "classification_head.";

// The state of a training is a file of ours that no other reader knows.
absl::Status CheckIsNoTrainingState(const std::string& path) {
  constexpr char kBegin[] = "fcam checkpoint";
  std::ifstream file(path, std::ios::binary);
  std::string begin(sizeof(kBegin) - 1, '\0');
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  if (begin != kBegin) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--checkpoint: '", path,
      "' is the state of a training, which does not describe its network; "
      "expected the model folder beside it, such as best, or weights alone "
      "(.pt, .pth, .safetensors)"));
}

// Those of the classifier.
vision::StateDict ClassifierWeights(const vision::StateDict& all) {
  vision::StateDict weights;
  for (const auto& item : all) {
    if (absl::StartsWith(item.key(), kEncoder) ||
        absl::StartsWith(item.key(), kHead)) {
      weights.insert(item.key(), item.value());
    }
  }
  return weights;
}

// A classifier and how its images are prepared.
struct Loaded {
  std::shared_ptr<Classifier> classifier;
  int image_size = 0;
  vision::Normalization normalization;
};

bool IsFolder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

// A model folder describes its network itself.
absl::StatusOr<Loaded> LoadFolder(const std::string& folder) {
  const absl::StatusOr<LoadedClassifier> loaded = LoadClassifierFolder(folder);
  VISION_RETURN_IF_ERROR(vision::Annotate(loaded.status(), "--checkpoint"));
  return Loaded{loaded->classifier, loaded->info.preprocessing.crop,
                loaded->info.preprocessing.normalization};
}

absl::StatusOr<Loaded> LoadWeights(const EvaluateOptions& options,
                                   int num_classes) {
  VISION_RETURN_IF_ERROR(CheckIsNoTrainingState(options.checkpoint));
  VISION_ASSIGN_OR_RETURN(const vision::StateDict all,
                          vision::ReadStateDict(options.checkpoint));
  const vision::StateDict weights = ClassifierWeights(all);
  if (weights.is_empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--checkpoint: '", options.checkpoint, "' has no weights named ",
        kEncoder, "... or ", kHead, "..."));
  }
  ClassifierOptions classifier_options;
  classifier_options.backbone = options.checkpoint_options.backbone;
  VISION_ASSIGN_OR_RETURN(
      classifier_options.backbone_options.strides,
      vision::ParseStridePreset(options.checkpoint_options.strides));
  classifier_options.pooling.name = options.checkpoint_options.pooling;
  classifier_options.num_classes = num_classes;
  // The split may lack classes that the classifier knows.
  const at::Tensor* const head = weights.find(absl::StrCat(kHead, "fc.weight"));
  if (head != nullptr && head->dim() > 0) {
    classifier_options.num_classes = head->size(0);
  }
  VISION_ASSIGN_OR_RETURN(const std::shared_ptr<Classifier> classifier,
                          MakeClassifier(classifier_options));
  const absl::Status loaded = vision::LoadStateDict(weights, *classifier);
  if (!loaded.ok()) {
    return vision::Annotate(
        loaded,
        absl::StrCat(
            "--checkpoint: '", options.checkpoint,
            "' does not fit --backbone=", options.checkpoint_options.backbone,
            " --pooling=", options.checkpoint_options.pooling));
  }
  classifier->eval();
  return Loaded{classifier, options.checkpoint_options.image_size, {}};
}

}  // namespace

absl::StatusOr<MapEvaluation> EvaluateCheckpoint(
    const EvaluateOptions& options, const Dataset& split,
    const MapEvaluationOptions& map_options) {
  VISION_ASSIGN_OR_RETURN(const Loaded loaded,
                          IsFolder(options.checkpoint)
                              ? LoadFolder(options.checkpoint)
                              : LoadWeights(options, split.num_classes()));
  const std::shared_ptr<Classifier>& classifier = loaded.classifier;
  if (classifier->num_classes() < split.num_classes()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--checkpoint: '", options.checkpoint, "' knows ",
                     classifier->num_classes(), " classes, the split has ",
                     split.num_classes()));
  }
  CamOptions cam_options;
  cam_options.method = options.checkpoint_options.cam_method;
  VISION_ASSIGN_OR_RETURN(const std::unique_ptr<CamMethod> method,
                          MakeCamMethod(cam_options));
  DatasetOptions dataset_options;
  dataset_options.num_classes = options.num_classes;
  dataset_options.proxy = options.proxy;
  VISION_ASSIGN_OR_RETURN(
      const Dataset images,
      Dataset::Open(options.metadata_dir, options.checkpoint_options.image_root,
                    dataset_options));
  LoaderOptions loader_options;
  loader_options.batch_size = options.checkpoint_options.batch_size;
  loader_options.crop = loaded.image_size;
  loader_options.resize = loaded.image_size;
  loader_options.normalization = loaded.normalization;
  loader_options.num_threads = map_options.num_threads;
  loader_options.raw_images = false;
  VISION_ASSIGN_OR_RETURN(const std::unique_ptr<Loader> loader,
                          Loader::Create(&images, loader_options));

  MapEvaluation result;
  VISION_ASSIGN_OR_RETURN(result.mask_checksums,
                          MaskChecksums(split, map_options.num_threads));
  const bool has_masks = !split.record(0).mask_paths.empty();
  const SplitTruth truth = {has_masks ? nullptr : &split,
                            has_masks ? &split : nullptr};
  SplitEvaluationOptions split_options;
  split_options.metrics = map_options.metrics;
  split_options.num_threads = map_options.num_threads;
  split_options.should_stop = map_options.should_stop;
  split_options.on_images = [&](int64_t count) {
    for (int64_t i = 0; map_options.on_image && i < count; ++i) {
      map_options.on_image();
    }
  };
  ClassifierNetwork network(*classifier);
  const auto score = [&](const Batch& batch) {
    return CamScores(*method, network, batch);
  };
  VISION_ASSIGN_OR_RETURN(SplitEvaluation evaluation,
                          EvaluateSplit(truth, *loader, score, split_options));
  result.localization = std::move(evaluation.localization);
  result.classification = std::move(evaluation.classification);
  return result;
}

}  // namespace wsol
