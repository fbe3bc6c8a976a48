// Which files hold pretrained weights, and whether they are there.
//
//   VISION_ASSIGN_OR_RETURN(
//       const PretrainedFile file,
//       FindPretrained("resnet50", PretrainedDir(flag)));
//   ReadStateDict(file.path);
//
// Nothing is downloaded. vision/nn/pretrained_state_dict.h reads the weights.

#ifndef VISION_WEIGHTS_PRETRAINED_H_
#define VISION_WEIGHTS_PRETRAINED_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace vision {

// A file that people publish.
struct PretrainedUpload {
  // As published, which ends in the first digits of the file's SHA-256:
  // "resnet50-19c8e357.pth".
  std::string file_name;
  // "19c8e357", lower case.
  std::string sha256_prefix;
  // In MiB (2^20 bytes), to three digits; not set where it is not documented.
  std::optional<double> size_mib;
};

struct PretrainedWeights {
  // "resnet50"; "resnet50_v2" for a second training of the same network.
  std::string name;
  // As vision/backbones/backbone_list.h has it: "resnet50".
  std::string backbone;
  // Any of these will do, the published F-CAM code's first.
  std::vector<PretrainedUpload> uploads;
  // What its makers call it, for their documentation:
  // "torchvision.models.ResNet50_Weights.IMAGENET1K_V1".
  std::string origin;
  // Rules of vision/weights/key_rules.h that make the names fit the WSOL form
  // and the ImageNet form of the backbone.
  std::string wsol_rule;
  std::string imagenet_rule;
};

// By name.
const std::vector<PretrainedWeights>& ListPretrained();

// kInvalidArgument for an unknown name; the nearest ones are named.
absl::StatusOr<PretrainedWeights> GetPretrained(absl::string_view name);

struct PretrainedFile {
  PretrainedWeights weights;
  PretrainedUpload upload;
  std::string path;
};

// `flag` if it is not empty, else the environment's FCAM_WEIGHTS; "" if neither
// is set.
std::string PretrainedDir(absl::string_view flag);

// The file of weights `name` in folder `dir`, with its size and hash checked
// (about 200 MB/s). Errors: kNotFound if it is not there, kFailedPrecondition
// if `dir` is "", and both tell which file is expected, where it was looked for
// and whose documentation leads to it; kDataLoss if the file is not the one
// published; kInvalidArgument for an unknown name.
absl::StatusOr<PretrainedFile> FindPretrained(absl::string_view name,
                                              absl::string_view dir);

}  // namespace vision

#endif  // VISION_WEIGHTS_PRETRAINED_H_
