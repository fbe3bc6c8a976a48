#include "wsol/model_folder/classifier_folder.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "vision/base/file_io.h"
#include "vision/base/replace_folder.h"
#include "vision/base/status_util.h"
#include "vision/base/version.h"
#include "vision/nn/remap_state_dict.h"
#include "vision/nn/state_dict.h"
#include "wsol/results/pretty_json.h"

namespace wsol {
namespace {

using ::nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;
constexpr char kClassifierPart[] = "classifier";

// The encoders that the published code writes with names of its own.
struct PublishedNames {
  // Keys that only its files have, and that only the network has.
  const char* file_prefix;
  const char* network_prefix;
  const char* reading_rule;
  const char* writing_rule;
};

constexpr PublishedNames kPublishedNames[] = {
    {"full_features.", "conv6.", "published_vgg16", "to_published_vgg16"},
    {"features.", "SPG_A3_1b.", "published_inception_v3",
     "to_published_inception_v3"},
};

bool HasPrefix(const vision::StateDict& dict, const char* prefix) {
  for (const auto& entry : dict) {
    if (absl::StartsWith(entry.key(), prefix)) return true;
  }
  return false;
}

// Which of them a dictionary of an encoder is, or null. VGG-16 is the one VGG
// of the published code, with 13 convolutions before conv6.
const PublishedNames* FindPublishedNames(const vision::StateDict& dict) {
  for (const PublishedNames& names : kPublishedNames) {
    if (HasPrefix(dict, names.network_prefix)) return &names;
  }
  return nullptr;
}

absl::Status SaveEncoder(const std::string& dir,
                         const torch::nn::Module& encoder) {
  const std::string path = vision::JoinPath(dir, kEncoderFile);
  const vision::StateDict dict = vision::GetStateDict(encoder);
  const PublishedNames* const names = FindPublishedNames(dict);
  if (names != nullptr) {
    const absl::StatusOr<vision::StateDict> published =
        vision::RemapStateDict(names->writing_rule, dict);
    // Networks of the same family that the published code does not have keep
    // their names.
    if (published.ok()) return vision::SaveStateDict(path, *published);
  }
  return vision::SaveStateDict(path, dict);
}

}  // namespace

absl::Status LoadEncoderWeights(const std::string& dir,
                                torch::nn::Module& encoder) {
  const std::string path = vision::JoinPath(dir, kEncoderFile);
  VISION_ASSIGN_OR_RETURN(vision::StateDict dict, vision::ReadStateDict(path));
  const PublishedNames* const names = FindPublishedNames(dict);
  if (names != nullptr && HasPrefix(dict, names->file_prefix)) {
    absl::StatusOr<vision::StateDict> own =
        vision::RemapStateDict(names->reading_rule, dict);
    VISION_RETURN_IF_ERROR(vision::Annotate(own.status(), path));
    dict = *std::move(own);
  }
  return vision::Annotate(vision::LoadStateDict(dict, encoder), path);
}

absl::Status SaveModuleFile(const std::string& dir, const std::string& name,
                            const torch::nn::Module& module) {
  return vision::SaveStateDict(vision::JoinPath(dir, name),
                               vision::GetStateDict(module));
}

absl::Status LoadModuleFile(const std::string& dir, const std::string& name,
                            torch::nn::Module& module) {
  const std::string path = vision::JoinPath(dir, name);
  VISION_ASSIGN_OR_RETURN(const vision::StateDict dict,
                          vision::ReadStateDict(path));
  return vision::Annotate(vision::LoadStateDict(dict, module), path);
}

absl::Status SaveClassifierWeights(const std::string& dir,
                                   const Classifier& classifier) {
  VISION_RETURN_IF_ERROR(SaveEncoder(dir, classifier.encoder()));
  return SaveModuleFile(dir, kClassificationHeadFile, classifier.head());
}

absl::Status LoadClassifierWeights(const std::string& dir,
                                   Classifier& classifier) {
  VISION_RETURN_IF_ERROR(LoadEncoderWeights(dir, classifier.encoder()));
  return LoadModuleFile(dir, kClassificationHeadFile, classifier.head());
}

absl::Status WriteModelJson(const std::string& dir, const ordered_json& parts) {
  ordered_json json = {{"schema_version", kSchemaVersion},
                       {"tool_version", vision::kVersion}};
  json.update(parts);
  return vision::WriteFileAtomically(vision::JoinPath(dir, kModelFile),
                                     PrettyJson(json));
}

absl::StatusOr<ordered_json> ReadModelJson(const std::string& dir) {
  const std::string path = vision::JoinPath(dir, kModelFile);
  if (!vision::FileExists(dir)) {
    return absl::NotFoundError(
        absl::StrCat("there is no model folder '", dir, "'"));
  }
  if (!vision::FileExists(path)) {
    return absl::NotFoundError(absl::StrCat("'", dir, "' has no ", kModelFile,
                                            ", so it is no model folder"));
  }
  VISION_ASSIGN_OR_RETURN(const std::string text, vision::ReadFile(path));
  ordered_json json = ordered_json::parse(text, /*cb=*/nullptr,
                                          /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) {
    return absl::DataLossError(
        absl::StrCat("'", path, "' is damaged: no JSON"));
  }
  const auto version = json.find("schema_version");
  if (version == json.end() || *version != kSchemaVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", path, "' has schema_version ",
                     version == json.end() ? "none" : version->dump(),
                     ", expected ", kSchemaVersion));
  }
  json.erase("schema_version");
  json.erase("tool_version");
  return json;
}

absl::StatusOr<LoadedClassifier> LoadClassifierPart(const std::string& dir,
                                                    const ordered_json& parts) {
  const std::string path = vision::JoinPath(dir, kModelFile);
  const auto part = parts.find(kClassifierPart);
  if (part == parts.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", path, "' describes no classifier"));
  }
  LoadedClassifier loaded;
  VISION_ASSIGN_OR_RETURN(
      loaded.info,
      ClassifierInfoFromJson(*part, absl::StrCat(path, ": ", kClassifierPart)));
  absl::StatusOr<std::shared_ptr<Classifier>> classifier =
      MakeClassifier(loaded.info.classifier);
  VISION_RETURN_IF_ERROR(vision::Annotate(classifier.status(), path));
  loaded.classifier = *std::move(classifier);
  VISION_RETURN_IF_ERROR(LoadClassifierWeights(dir, *loaded.classifier));
  loaded.classifier->eval();
  return loaded;
}

absl::Status SaveClassifierFolder(const std::string& dir,
                                  const Classifier& classifier,
                                  const ClassifierFolderInfo& info) {
  return vision::ReplaceFolder(dir, [&](const std::string& fresh) {
    VISION_RETURN_IF_ERROR(SaveClassifierWeights(fresh, classifier));
    return WriteModelJson(fresh,
                          {{kClassifierPart, ClassifierInfoToJson(info)}});
  });
}

absl::StatusOr<LoadedClassifier> LoadClassifierFolder(const std::string& dir) {
  VISION_ASSIGN_OR_RETURN(const ordered_json parts, ReadModelJson(dir));
  return LoadClassifierPart(dir, parts);
}

}  // namespace wsol
