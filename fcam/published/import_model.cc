#include "fcam/published/import_model.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/model_folder/fcam_folder.h"
#include "fcam/published/pretrained_search.h"
#include "fcam/published/published_options.h"
#include "fcam/published/published_rules.h"
#include "fcam/training_run/fcam_run.h"
#include "vision/backbones/backbone_list.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/cam/factory.h"
#include "wsol/classifier/classifier.h"

namespace fcam {
namespace {

using ::vision::JoinPath;

// OK if a model folder's network is that of the flags.
absl::Status CheckNetwork(const wsol::ClassifierOptions& found,
                          const wsol::ClassifierOptions& wanted,
                          const std::string& dir) {
  const auto differ = [&](absl::string_view flag, absl::string_view is,
                          absl::string_view expected) {
    return absl::InvalidArgumentError(
        absl::StrCat("the pretrained classifier '", dir, "' has ", is,
                     ", expected ", expected, " of --", flag));
  };
  VISION_ASSIGN_OR_RETURN(const std::string backbone,
                          vision::FindBackboneName(wanted.backbone));
  VISION_ASSIGN_OR_RETURN(const std::string found_backbone,
                          vision::FindBackboneName(found.backbone));
  if (found_backbone != backbone) {
    return differ("encoder_name", absl::StrCat("the backbone ", found_backbone),
                  backbone);
  }
  if (found.backbone_options.strides != wanted.backbone_options.strides) {
    return differ("encoder_name", "other strides", "those of WSOL");
  }
  if (found.pooling.name != wanted.pooling.name) {
    return differ("spatial_pooling",
                  absl::StrCat("the pooling head ", found.pooling.name),
                  wanted.pooling.name);
  }
  if (found.num_classes != wanted.num_classes) {
    return differ("num_classes", absl::StrCat(found.num_classes, " classes"),
                  absl::StrCat("the ", wanted.num_classes));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<wsol::LoadedClassifier> LoadPublishedClassifier(
    const std::string& dir, const PublishedFlags& flags) {
  const wsol::ClassifierOptions wanted = PublishedClassifier(flags);
  wsol::LoadedClassifier loaded;
  if (vision::FileExists(JoinPath(dir, wsol::kModelFile))) {
    VISION_ASSIGN_OR_RETURN(loaded, wsol::LoadClassifierFolder(dir));
    VISION_RETURN_IF_ERROR(CheckNetwork(loaded.info.classifier, wanted, dir));
  } else {
    VISION_ASSIGN_OR_RETURN(loaded.classifier, wsol::MakeClassifier(wanted));
    VISION_RETURN_IF_ERROR(vision::Annotate(
        wsol::LoadClassifierWeights(dir, *loaded.classifier),
        "the pretrained classifier must be of the network and the number of "
        "classes of the flags"));
    loaded.info.classifier = wanted;
    loaded.classifier->eval();
  }
  loaded.info.preprocessing = PublishedPreprocessing(flags);
  return loaded;
}

absl::Status ImportPublishedModel(const PublishedFlags& flags,
                                  const std::string& root) {
  const std::string& from = flags.import_from;
  const std::string& to = flags.import_to;
  if (!vision::FileExists(JoinPath(from, wsol::kEncoderFile))) {
    return absl::NotFoundError(absl::StrCat("--import_from: '", from,
                                            "' has no ", wsol::kEncoderFile));
  }
  if (vision::FileExists(to)) {
    return absl::AlreadyExistsError(
        absl::StrCat("--import_to: '", to, "' is there already"));
  }
  // The published program does not save the head of an F-CAM.
  std::string head_dir = from;
  if (flags.task == kFcamTask &&
      !vision::FileExists(JoinPath(from, wsol::kClassificationHeadFile))) {
    VISION_ASSIGN_OR_RETURN(const PretrainedClassifier found,
                            FindPretrainedClassifier(root, flags));
    head_dir = found.dir;
  }
  VISION_ASSIGN_OR_RETURN(wsol::LoadedClassifier loaded,
                          LoadPublishedClassifier(head_dir, flags));
  if (head_dir != from) {
    VISION_RETURN_IF_ERROR(
        wsol::LoadEncoderWeights(from, loaded.classifier->encoder()));
  }
  VISION_ASSIGN_OR_RETURN(loaded.info.cam_method,
                          wsol::ParseCamMethod(flags.method));
  if (flags.task != kFcamTask) {
    return wsol::SaveClassifierFolder(to, *loaded.classifier, loaded.info);
  }
  FcamFolderInfo info;
  info.classifier = loaded.info;
  info.fcam.freeze_classifier = flags.freeze_cl;
  info.fcam.decoder = PublishedDecoder(
      flags.encoder_name,
      static_cast<int>(loaded.classifier->encoder().channels().size()));
  VISION_ASSIGN_OR_RETURN(
      const std::shared_ptr<FcamModel> model,
      MakeFcamModel(std::move(loaded.classifier), info.fcam));
  VISION_RETURN_IF_ERROR(
      wsol::LoadModuleFile(from, kDecoderFile, model->decoder()));
  VISION_RETURN_IF_ERROR(wsol::LoadModuleFile(from, kSegmentationHeadFile,
                                              model->segmentation_head()));
  model->eval();
  return SaveFcamFolder(to, *model, info);
}

}  // namespace fcam
