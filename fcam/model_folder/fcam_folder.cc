#include "fcam/model_folder/fcam_folder.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fcam/decoder/reconstruction_head.h"
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
  ordered_json json = {
      {"channels", options.decoder.channels},
      {"center", options.decoder.center},
      {"finest_skip", options.decoder.finest_skip},
      {"light", options.decoder.light},
      {"freeze_classifier", options.freeze_classifier},
  };
  if (options.reconstruction.has_value()) {
    json["reconstruction"] =
        std::string(ReconstructionRangeName(*options.reconstruction));
  }
  return json;
}

absl::StatusOr<FcamModelOptions> OptionsFromJson(const ordered_json& json,
                                                 const std::string& where) {
  FcamModelOptions options;
  wsol::JsonFields fields(json, where);
  fields.Read("channels", &options.decoder.channels);
  fields.Read("center", &options.decoder.center);
  fields.Read("finest_skip", &options.decoder.finest_skip);
  fields.Read("light", &options.decoder.light);
  fields.Read("freeze_classifier", &options.freeze_classifier);
  std::string range;
  fields.Read("reconstruction", &range);
  if (!range.empty()) {
    const absl::StatusOr<ReconstructionRange> parsed =
        ParseReconstructionRange(range);
    if (parsed.ok()) {
      options.reconstruction = *parsed;
    } else {
      fields.AddError("reconstruction", parsed.status().message());
    }
  }
  VISION_RETURN_IF_ERROR(fields.Finish());
  VISION_RETURN_IF_ERROR(vision::Annotate(options.Validate(), where));
  return options;
}

// The classifier's are elsewhere.
absl::Status LoadDecoderWeights(const std::string& dir, FcamModel& model) {
  VISION_RETURN_IF_ERROR(
      wsol::LoadModuleFile(dir, kDecoderFile, model.decoder()));
  VISION_RETURN_IF_ERROR(wsol::LoadModuleFile(dir, kSegmentationHeadFile,
                                              model.segmentation_head()));
  if (model.reconstruction_head() == nullptr) return absl::OkStatus();
  return wsol::LoadModuleFile(dir, kReconstructionHeadFile,
                              *model.reconstruction_head());
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
    if (model.reconstruction_head() != nullptr) {
      VISION_RETURN_IF_ERROR(wsol::SaveModuleFile(
          fresh, kReconstructionHeadFile, *model.reconstruction_head()));
    }
    return wsol::WriteModelJson(
        fresh, {{kClassifierPart, wsol::ClassifierInfoToJson(info.classifier)},
                {kDecoderPart, OptionsToJson(info.fcam)}});
  });
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

absl::Status LoadFcamWeights(const std::string& dir, FcamModel& model) {
  VISION_RETURN_IF_ERROR(wsol::LoadClassifierWeights(dir, model.classifier()));
  return LoadDecoderWeights(dir, model);
}

absl::StatusOr<bool> IsFcamFolder(const std::string& dir) {
  VISION_ASSIGN_OR_RETURN(const ordered_json parts, wsol::ReadModelJson(dir));
  return parts.contains(kDecoderPart);
}

}  // namespace fcam
