#include "wsol/training_run/initial_weights.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "vision/backbones/input_channels.h"
#include "vision/backbones/stride_preset.h"
#include "vision/base/status_util.h"
#include "vision/nn/pretrained_state_dict.h"
#include "vision/nn/remap_state_dict.h"
#include "vision/nn/state_dict.h"
#include "vision/weights/pretrained.h"
#include "wsol/model_folder/classifier_folder.h"

namespace wsol {
namespace {

constexpr char kNone[] = "none";
constexpr char kImageNet[] = "imagenet";

// Copies what fits, and says what did not.
absl::StatusOr<std::string> LoadMatching(const vision::StateDict& dict,
                                         Classifier& classifier) {
  VISION_ASSIGN_OR_RETURN(
      const vision::StateDictReport report,
      vision::LoadMatchingStateDict(dict, classifier.encoder()));
  return report.empty() ? std::string()
                        : absl::StrCat("; but for ", report.ToString());
}

absl::StatusOr<std::string> LoadImageNet(
    const InitialWeightsOptions& options,
    const ClassifierOptions& classifier_options, Classifier& classifier) {
  const vision::PretrainedForm form =
      classifier_options.backbone_options.strides ==
              vision::StridePreset::kWsol28
          ? vision::PretrainedForm::kWsol
          : vision::PretrainedForm::kImageNet;
  VISION_ASSIGN_OR_RETURN(
      vision::StateDict dict,
      vision::ReadPretrainedStateDict(
          classifier_options.backbone,
          vision::PretrainedDir(options.weights_dir), form));
  VISION_RETURN_IF_ERROR(
      vision::AdaptInputChannels(classifier.encoder(), dict));
  VISION_ASSIGN_OR_RETURN(const std::string rest,
                          LoadMatching(dict, classifier));
  return absl::StrCat("ImageNet weights of ", classifier_options.backbone,
                      rest);
}

absl::StatusOr<std::string> LoadFolder(const std::string& dir,
                                       Classifier& classifier) {
  VISION_RETURN_IF_ERROR(LoadClassifierWeights(dir, classifier));
  return absl::StrCat("weights of ", dir);
}

absl::StatusOr<std::string> LoadFile(const InitialWeightsOptions& options,
                                     Classifier& classifier) {
  VISION_ASSIGN_OR_RETURN(vision::StateDict dict,
                          vision::ReadStateDict(options.weights));
  VISION_RETURN_IF_ERROR(
      vision::AdaptInputChannels(classifier.encoder(), dict));
  if (options.strict) {
    // What classifiers of other libraries have besides is no use here.
    const absl::StatusOr<vision::StateDict> without_head =
        vision::RemapStateDict("drop_head", dict);
    if (without_head.ok()) dict = *without_head;
    VISION_RETURN_IF_ERROR(vision::LoadStateDict(dict, classifier.encoder()));
    return absl::StrCat("weights of ", options.weights);
  }
  VISION_ASSIGN_OR_RETURN(const std::string rest,
                          LoadMatching(dict, classifier));
  return absl::StrCat("weights of ", options.weights, rest);
}

absl::StatusOr<std::string> Load(const InitialWeightsOptions& options,
                                 const ClassifierOptions& classifier_options,
                                 Classifier& classifier) {
  if (options.weights == kImageNet) {
    return LoadImageNet(options, classifier_options, classifier);
  }
  std::error_code error;
  if (std::filesystem::is_directory(options.weights, error)) {
    return LoadFolder(options.weights, classifier);
  }
  return LoadFile(options, classifier);
}

}  // namespace

absl::StatusOr<std::string> LoadInitialWeights(
    const InitialWeightsOptions& options,
    const ClassifierOptions& classifier_options, Classifier& classifier) {
  if (options.weights.empty() || options.weights == kNone) {
    return std::string();
  }
  absl::StatusOr<std::string> text =
      Load(options, classifier_options, classifier);
  if (!text.ok()) {
    return vision::Annotate(text.status(),
                            absl::StrCat("--weights=", options.weights));
  }
  return text;
}

}  // namespace wsol
