// Where F_CL finds the classifier that it starts from.
//
//   VISION_ASSIGN_OR_RETURN(const PretrainedClassifier found,
//                           FindPretrainedClassifier(root, flags));
//   found.dir;  // "pretrained/CUB-resnet50-CAM-WGAP-cp_best-boxv2_False"

#ifndef FCAM_PUBLISHED_PRETRAINED_SEARCH_H_
#define FCAM_PUBLISHED_PRETRAINED_SEARCH_H_

#include <string>

#include "absl/status/statusor.h"
#include "fcam/published/published_flags.h"

namespace fcam {

struct PretrainedClassifier {
  // A folder whose name is the TAG of the flags.
  std::string dir;
  // Why this one, for the user: "of the flag --folder_pre_trained_cl".
  std::string reason;
};

// File of an F_CL experiment's folder with the path of its classifier.
inline constexpr char kPretrainedFile[] = "pretrained.txt";

// The first of:
//   --folder_pre_trained_cl
//   the one that this experiment began with (kPretrainedFile)
//   <root>/pretrained/<TAG>, as published
//   <TAG> of the STD_CL experiment below <root>/exps of the same data set,
//   encoder and method that passed last
// kNotFound names these paths and the TAG; kInvalidArgument for a given folder
// of another name.
absl::StatusOr<PretrainedClassifier> FindPretrainedClassifier(
    const std::string& root, const PublishedFlags& flags);

}  // namespace fcam

#endif  // FCAM_PUBLISHED_PRETRAINED_SEARCH_H_
