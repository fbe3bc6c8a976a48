// A trained F-CAM network as a folder: the files of its classifier
// (wsol/model_folder/classifier_folder.h) and
//   decoder.pt            the decoder's weights, for torch.load
//   segmentation_head.pt  the head's
//   model.json            also describes the decoder
//
//   VISION_ASSIGN_OR_RETURN(const fcam::LoadedFcam loaded,
//                           fcam::LoadFcamFolder("run/best"));
//   loaded.model->forward(images);
//
// Names and keys of the .pt files are those of the published code. Unlike it,
// the classification head is there too.

#ifndef FCAM_MODEL_FOLDER_FCAM_FOLDER_H_
#define FCAM_MODEL_FOLDER_FCAM_FOLDER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/decoder/fcam_model.h"
#include "wsol/model_folder/classifier_info.h"

namespace fcam {

inline constexpr char kDecoderFile[] = "decoder.pt";
inline constexpr char kSegmentationHeadFile[] = "segmentation_head.pt";
// Of networks with such a head.
inline constexpr char kReconstructionHeadFile[] = "reconstruction_head.pt";

struct FcamFolderInfo {
  // Of the classifier below; its thresholds are those of the F-CAM.
  wsol::ClassifierFolderInfo classifier;
  // Without its seed.
  FcamModelOptions fcam;
};

// Replaces folder `dir`, whose parent must exist, by the network; it is the old
// or the new one at any moment (vision/base/replace_folder.h).
absl::Status SaveFcamFolder(const std::string& dir, const FcamModel& model,
                            const FcamFolderInfo& info);

struct LoadedFcam {
  // In evaluation mode.
  std::shared_ptr<FcamModel> model;
  FcamFolderInfo info;
};

// Errors are those of wsol::LoadClassifierFolder; kInvalidArgument for the
// folder of a classifier alone.
absl::StatusOr<LoadedFcam> LoadFcamFolder(const std::string& dir);

// Whether model.json of `dir` describes a decoder: an F-CAM, not a classifier
// alone. Errors if it cannot be read.
absl::StatusOr<bool> IsFcamFolder(const std::string& dir);

// Reads all weights of `dir` into a `model` of the same network.
absl::Status LoadFcamWeights(const std::string& dir, FcamModel& model);

}  // namespace fcam

#endif  // FCAM_MODEL_FOLDER_FCAM_FOLDER_H_
