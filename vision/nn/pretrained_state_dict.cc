#include "vision/nn/pretrained_state_dict.h"

#include "vision/base/status_util.h"
#include "vision/nn/remap_state_dict.h"
#include "vision/weights/pretrained.h"

namespace vision {

absl::StatusOr<StateDict> ReadPretrainedStateDict(absl::string_view name,
                                                  absl::string_view dir,
                                                  PretrainedForm form) {
  VISION_ASSIGN_OR_RETURN(const PretrainedFile file, FindPretrained(name, dir));
  VISION_ASSIGN_OR_RETURN(const StateDict dict, ReadStateDict(file.path));
  absl::StatusOr<StateDict> renamed =
      RemapStateDict(form == PretrainedForm::kWsol ? file.weights.wsol_rule
                                                   : file.weights.imagenet_rule,
                     dict);
  if (!renamed.ok()) return Annotate(renamed.status(), file.path);
  return renamed;
}

}  // namespace vision
