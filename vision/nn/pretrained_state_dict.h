// Published weights, under the names of this project's backbones.
//
//   VISION_ASSIGN_OR_RETURN(
//       StateDict dict,
//       ReadPretrainedStateDict("vgg16", PretrainedDir(flag),
//                               PretrainedForm::kWsol));
//   VISION_RETURN_IF_ERROR(AdaptInputChannels(*backbone, dict));
//   VISION_ASSIGN_OR_RETURN(const StateDictReport report,
//                           LoadMatchingStateDict(dict, *backbone));

#ifndef VISION_NN_PRETRAINED_STATE_DICT_H_
#define VISION_NN_PRETRAINED_STATE_DICT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/nn/state_dict.h"

namespace vision {

// What the weights are for.
enum class PretrainedForm {
  // Backbones with WSOL strides. The report of loading will then miss what is
  // not in the published networks: conv6 of VGGs, SPG_A3 of Inception.
  kWsol,
  // The published network without its classifier.
  kImageNet,
};

// Finds the file of weights `name` in folder `dir`, checks its hash, reads it
// and applies the rule of names. Errors are those of FindPretrained()
// (vision/weights/pretrained.h), ReadStateDict() and RemapStateDict().
absl::StatusOr<StateDict> ReadPretrainedStateDict(absl::string_view name,
                                                  absl::string_view dir,
                                                  PretrainedForm form);

}  // namespace vision

#endif  // VISION_NN_PRETRAINED_STATE_DICT_H_
