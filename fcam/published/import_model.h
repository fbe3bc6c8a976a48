// Model folders of the published program, which hold weights alone: what they
// are weights of is said by the flags.
//
//   VISION_ASSIGN_OR_RETURN(
//       const wsol::LoadedClassifier loaded,
//       LoadPublishedClassifier("pretrained/<TAG>", flags));

#ifndef FCAM_PUBLISHED_IMPORT_MODEL_H_
#define FCAM_PUBLISHED_IMPORT_MODEL_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/published/published_flags.h"
#include "wsol/model_folder/classifier_folder.h"

namespace fcam {

// The classifier of a folder of the published program, or of one of this
// project, in evaluation mode; images are prepared as the flags say.
// kInvalidArgument for another network or number of classes than the flags';
// other errors as wsol::LoadClassifierFolder.
absl::StatusOr<wsol::LoadedClassifier> LoadPublishedClassifier(
    const std::string& dir, const PublishedFlags& flags);

// Writes flags.import_from as the model folder flags.import_to, a classifier's
// (task STD_CL) or an F-CAM's (F_CL), which all programs of this project take.
// If an F-CAM's folder has no classification head, as the published program
// leaves it, the head is that of the pretrained classifier that
// FindPretrainedClassifier(root, flags) finds: the right one if it was frozen.
// kNotFound and kAlreadyExists name the flag; errors as above.
absl::Status ImportPublishedModel(const PublishedFlags& flags,
                                  const std::string& root);

}  // namespace fcam

#endif  // FCAM_PUBLISHED_IMPORT_MODEL_H_
