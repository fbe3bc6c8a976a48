// Weights made for RGB, for images with another number of channels.
//
//   VISION_ASSIGN_OR_RETURN(vision::StateDict dict,
//                           vision::ReadStateDict("resnet50.pth"));
//   VISION_RETURN_IF_ERROR(vision::AdaptInputChannels(*backbone, dict));
//   VISION_RETURN_IF_ERROR(vision::LoadStateDict(dict, *backbone));

#ifndef VISION_BACKBONES_INPUT_CHANNELS_H_
#define VISION_BACKBONES_INPUT_CHANNELS_H_

#include "absl/status/status.h"
#include "vision/backbones/backbone.h"
#include "vision/nn/state_dict.h"

namespace vision {

// Makes the first weight of `dict` fit `backbone`, which was built for C
// channels. From 3 channels to
//   1: the sum over RGB, so that grey images give what they gave as RGB;
//   2: the first two, times 1.5;
//   others: the backbone's own, which are random at first.
// Does nothing if they agree. kInvalidArgument if the entry is missing, is not
// of 3 or C channels, or differs in anything else.
absl::Status AdaptInputChannels(const Backbone& backbone, StateDict& dict);

}  // namespace vision

#endif  // VISION_BACKBONES_INPUT_CHANNELS_H_
