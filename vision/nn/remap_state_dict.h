// Weights of one code under the names of another.
//
//   VISION_ASSIGN_OR_RETURN(const StateDict dict, ReadStateDict("encoder.pt"));
//   VISION_ASSIGN_OR_RETURN(const StateDict own,
//                           RemapStateDict("published_vgg16", dict));
//   VISION_RETURN_IF_ERROR(LoadStateDict(own, *backbone));
//
// The rules are those of vision/weights/key_rules.h.

#ifndef VISION_NN_REMAP_STATE_DICT_H_
#define VISION_NN_REMAP_STATE_DICT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/nn/state_dict.h"

namespace vision {

// `dict` by the names that `rule` gives; tensors are shared, not copied. `like`
// has the names of a published file for the rules that write one (may be
// empty). kInvalidArgument if the rule is unknown or not made for such names,
// or if two tensors that it holds for the same have different values.
absl::StatusOr<StateDict> RemapStateDict(absl::string_view rule,
                                         const StateDict& dict,
                                         const StateDict& like = StateDict());

}  // namespace vision

#endif  // VISION_NN_REMAP_STATE_DICT_H_
