// A trained classifier as a folder:
//   encoder.pt              the backbone's weights, for torch.load
//   classification_head.pt  the head's
//   model.json              what they are weights of
//
//   VISION_ASSIGN_OR_RETURN(const wsol::LoadedClassifier loaded,
//                           wsol::LoadClassifierFolder("run/best"));
//   loaded.classifier->forward(images);
//
// Names and keys of the .pt files are those of the published code, which does
// not write a description: its folders are read by LoadClassifierWeights.

#ifndef WSOL_MODEL_FOLDER_CLASSIFIER_FOLDER_H_
#define WSOL_MODEL_FOLDER_CLASSIFIER_FOLDER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "torch/nn/module.h"
#include "wsol/classifier/classifier.h"
#include "wsol/model_folder/classifier_info.h"

namespace wsol {

inline constexpr char kModelFile[] = "model.json";
inline constexpr char kEncoderFile[] = "encoder.pt";
inline constexpr char kClassificationHeadFile[] = "classification_head.pt";

// Replaces folder `dir`, whose parent must exist, by the classifier; it is the
// old or the new one at any moment (vision/base/replace_folder.h).
absl::Status SaveClassifierFolder(const std::string& dir,
                                  const Classifier& classifier,
                                  const ClassifierFolderInfo& info);

struct LoadedClassifier {
  // In evaluation mode.
  std::shared_ptr<Classifier> classifier;
  ClassifierFolderInfo info;
};

// Reads the folder, or the classifier of an F-CAM folder
// (fcam/model_folder/fcam_folder.h). kNotFound if there is none, or no
// model.json in it; kInvalidArgument for a description that is none, and for
// weights of another network, naming the keys; kDataLoss for damaged files.
absl::StatusOr<LoadedClassifier> LoadClassifierFolder(const std::string& dir);

// Reads encoder.pt and classification_head.pt of `dir`, with the keys of this
// project or of the published code, which lists the tensors of VGG-16 and
// Inception v3 twice. Errors as above; `classifier` is then to be thrown away.
absl::Status LoadClassifierWeights(const std::string& dir,
                                   Classifier& classifier);

// The encoder.pt of the above alone, into the encoder of a classifier: the
// published F-CAM folders have no classification_head.pt.
absl::Status LoadEncoderWeights(const std::string& dir,
                                torch::nn::Module& encoder);

// The parts of the above, for folders that hold more.

// Writes encoder.pt and classification_head.pt, with the published code's keys.
// `dir` must exist.
absl::Status SaveClassifierWeights(const std::string& dir,
                                   const Classifier& classifier);

// Reads file `name` of `dir` into `module`, which must have the same keys and
// shapes, or writes it.
absl::Status LoadModuleFile(const std::string& dir, const std::string& name,
                            torch::nn::Module& module);
absl::Status SaveModuleFile(const std::string& dir, const std::string& name,
                            const torch::nn::Module& module);

// model.json: "schema_version", "tool_version", then `parts`, of which
// "classifier" is ClassifierInfoToJson's. Reading returns the parts.
absl::Status WriteModelJson(const std::string& dir,
                            const nlohmann::ordered_json& parts);
absl::StatusOr<nlohmann::ordered_json> ReadModelJson(const std::string& dir);

// The classifier of these parts, with the weights of `dir`.
absl::StatusOr<LoadedClassifier> LoadClassifierPart(
    const std::string& dir, const nlohmann::ordered_json& parts);

}  // namespace wsol

#endif  // WSOL_MODEL_FOLDER_CLASSIFIER_FOLDER_H_
