// Trained models as one TorchScript file, for programs without this library.
//
//   VISION_ASSIGN_OR_RETURN(const fcam::ExportReport report,
//       fcam::ExportModel("run/best", {}, "model.ts"));
//
// In Python:
//   files = {"model.json": ""}
//   model = torch.jit.load("model.ts", _extra_files=files)
//   logits, map = model(images)
// with images [N, 3, H, W] float32, normalised as model.json says; logits are
// [N, K] before softmax, map is [N, H, W] in [0, 1]. The weights are parameters
// and buffers under the names of the checkpoints ("encoder.layer1.0...."), so
// that .to(device) and state_dict() work.
//
// Any N. Any H and W where the network's operations depend on them by sizes of
// tensors alone, as those of all convolutional backbones do; otherwise the side
// that the model was trained for, which the file cannot check by itself.

#ifndef FCAM_LOCALIZER_EXPORT_MODEL_H_
#define FCAM_LOCALIZER_EXPORT_MODEL_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wsol {
class Classifier;
struct ClassifierFolderInfo;
}  // namespace wsol

namespace fcam {

class FcamModel;

struct ExportOptions {
  // "F-CAM", or "CAM" for the class activation map of the predicted class.
  // Empty: F-CAM where the model has a decoder.
  std::string method;
};

struct ExportReport {
  std::string method;
  // Whether images of any size may go in, or of this side alone.
  bool any_size = false;
  int side = 0;
  // Largest difference of logits and maps to the model's, over images of other
  // shapes than those that were recorded.
  double max_difference = 0;
};

// Records the model of a folder as Localizer::Open reads it and writes the file
// (replaced as a whole or not at all), after comparing what it computes with
// what the model does: kInternal if they differ by more than 1e-5 (of the
// largest logit, if that is more than 1). Takes seconds, and memory for the
// model twice. kUnimplemented for other methods. Errors of reading and writing.
absl::StatusOr<ExportReport> ExportModel(const std::string& model_dir,
                                         const ExportOptions& options,
                                         const std::string& path);

// The same of a network in memory, which is put in evaluation mode and frozen.
// Returns the bytes of the file in `file`.
absl::StatusOr<ExportReport> ExportModel(FcamModel& model,
                                         const wsol::ClassifierFolderInfo& info,
                                         const ExportOptions& options,
                                         std::string* file);
absl::StatusOr<ExportReport> ExportModel(wsol::Classifier& model,
                                         const wsol::ClassifierFolderInfo& info,
                                         const ExportOptions& options,
                                         std::string* file);

}  // namespace fcam

#endif  // FCAM_LOCALIZER_EXPORT_MODEL_H_
