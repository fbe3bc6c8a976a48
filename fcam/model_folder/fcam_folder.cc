#include "fcam/model_folder/fcam_folder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "vision/base/file_io.h"
#include "vision/base/replace_folder.h"
#include "vision/base/status_util.h"
#include "wsol/model_folder/classifier_folder.h"
#include "wsol/model_folder/json_fields.h"

namespace fcam {
namespace {

using ::nlohmann::ordered_json;

constexpr char kClassifierPart[] = "classifier";
constexpr char kDecoderPart[] = "fcam";

ordered_json OptionsToJson(const FcamModelOptions& options) {
  return {
      {"channels", options.decoder.channels},
      {"center", options.decoder.center},
      {"finest_skip", options.decoder.finest_skip},
      {"freeze_classifier", options.freeze_classifier},
  };
}

absl::StatusOr<FcamModelOptions> OptionsFromJson(const ordered_json& json,
                                                 const std::string& where) {
  FcamModelOptions options;
  wsol::JsonFields fields(json, where);
  fields.Read("channels", &options.decoder.channels);
  fields.Read("center", &options.decoder.center);
  fields.Read("finest_skip", &options.decoder.finest_skip);
  fields.Read("freeze_classifier", &options.freeze_classifier);
  VISION_RETURN_IF_ERROR(fields.Finish());
  VISION_RETURN_IF_ERROR(vision::Annotate(options.Validate(), where));
  return options;
}

}  // namespace

absl::Status SaveFcamFolder(const std::string& dir, const FcamModel& model,
                            const FcamFolderInfo& info) {
  return vision::ReplaceFolder(dir, [&](const std::string& fresh) {
    VISION_RETURN_IF_ERROR(
        wsol::SaveClassifierWeights(fresh, model.classifier()));
    VISION_RETURN_IF_ERROR(
        wsol::SaveModuleFile(fresh, kDecoderFile, model.decoder()));
    VISION_RETURN_IF_ERROR(wsol::SaveModuleFile(fresh, kSegmentationHeadFile,
                                                model.segmentation_head()));
    return wsol::WriteModelJson(
        fresh, {{kClassifierPart, wsol::ClassifierInfoToJson(info.classifier)},
                {kDecoderPart, OptionsToJson(info.fcam)}});
  });
}

absl::Status LoadDecoderWeights(const std::string& dir, FcamModel& model) {
  VISION_RETURN_IF_ERROR(
      wsol::LoadModuleFile(dir, kDecoderFile, model.decoder()));
  return wsol::LoadModuleFile(dir, kSegmentationHeadFile,
                              model.segmentation_head());
}

absl::StatusOr<LoadedFcam> LoadFcamFolder(const std::string& dir) {
  VISION_ASSIGN_OR_RETURN(const ordered_json parts, wsol::ReadModelJson(dir));
  const auto part = parts.find(kDecoderPart);
  if (part == parts.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", dir, "' holds a classifier alone, without decoder"));
  }
  const std::string where =
      absl::StrCat(vision::JoinPath(dir, wsol::kModelFile), ": ", kDecoderPart);
  LoadedFcam loaded;
  VISION_ASSIGN_OR_RETURN(loaded.info.fcam, OptionsFromJson(*part, where));
  VISION_ASSIGN_OR_RETURN(wsol::LoadedClassifier classifier,
                          wsol::LoadClassifierPart(dir, parts));
  loaded.info.classifier = std::move(classifier.info);
  absl::StatusOr<std::shared_ptr<FcamModel>> model =
      MakeFcamModel(std::move(classifier.classifier), loaded.info.fcam);
  VISION_RETURN_IF_ERROR(vision::Annotate(model.status(), where));
  loaded.model = *std::move(model);
  VISION_RETURN_IF_ERROR(LoadDecoderWeights(dir, *loaded.model));
  loaded.model->eval();
  return loaded;
}

absl::StatusOr<bool> IsFcamFolder(const std::string& dir) {
  VISION_ASSIGN_OR_RETURN(const ordered_json parts, wsol::ReadModelJson(dir));
  return parts.contains(kDecoderPart);
}

}  // namespace fcam
