// What the weights of a classifier are weights of, as JSON.

#ifndef WSOL_MODEL_FOLDER_CLASSIFIER_INFO_H_
#define WSOL_MODEL_FOLDER_CLASSIFIER_INFO_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "vision/image/transforms.h"
#include "wsol/classifier/classifier.h"

namespace wsol {

// How images become input. Training resizes to resize x resize and cuts out
// crop x crop; evaluation resizes to crop x crop.
struct ImagePreprocessing {
  int resize = 256;
  int crop = 224;
  vision::Normalization normalization;
};

struct ClassifierFolderInfo {
  // Without its seeds, which are of no use for trained weights.
  ClassifierOptions classifier;
  ImagePreprocessing preprocessing;
  // One for each class, or none.
  std::vector<std::string> class_names;
  // The maps by which the weights were chosen.
  std::string cam_method = "CAM";
  // Thresholds in [0, 1) that were best on the validation split, by metric:
  // "MaxBoxAcc", "MaxBoxAccV2", "PxAP". May be empty.
  std::map<std::string, double> taus;
};

nlohmann::ordered_json ClassifierInfoToJson(const ClassifierFolderInfo& info);

// kInvalidArgument names `where` and the field.
absl::StatusOr<ClassifierFolderInfo> ClassifierInfoFromJson(
    const nlohmann::ordered_json& json, const std::string& where);

}  // namespace wsol

#endif  // WSOL_MODEL_FOLDER_CLASSIFIER_INFO_H_
