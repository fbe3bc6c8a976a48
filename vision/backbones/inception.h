// Inception v3: torchvision's network, and the published WSOL form.
//
// Szegedy et al., Rethinking the Inception Architecture, CVPR 2016. State-dict
// keys are torchvision's ("Mixed_5b.branch1x1.conv.weight") without fc and
// AuxLogits. In the WSOL form every 3 x 3 convolution and max pool is padded by
// 1, so that maps of 224 x 224 images are 29 x 29 at the end, Mixed_6a keeps
// the size, and two convolutions with 1024 channels (Zhang et al.,
// Self-produced Guidance, ECCV 2018; keys "SPG_A3_1b.1.weight") replace
// Mixed_7a to Mixed_7c.
//
// torchvision's ImageNet weights expect images normalised to [-1, 1]: its own
// network converts them first (transform_input). Neither the published code nor
// this does; give them with Normalization{.5, .5} where that matters.
//
//   VISION_ASSIGN_OR_RETURN(auto inception, vision::MakeInceptionV3(
//       vision::InceptionV3Preset(StridePreset::kWsol28)));

#ifndef VISION_BACKBONES_INCEPTION_H_
#define VISION_BACKBONES_INCEPTION_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/stride_preset.h"

namespace vision {

// The defaults are the published WSOL form.
struct InceptionV3Options {
  // Strides of the two max pools, of Mixed_6a and, without SPG layers, of
  // Mixed_7a; 1 to 8 each. The first convolution's is 2.
  std::vector<int64_t> strides = {2, 2, 1};
  // Pad what torchvision does not: the first two convolutions, Conv2d_4a, the
  // max pools (which then round up) and Mixed_6a and Mixed_7a by 1.
  bool padded = true;
  // The two SPG layers instead of Mixed_7a, b, c.
  bool spg = true;

  int64_t in_channels = 3;
  // Probability of dropout, in [0, 1): before each of the SPG layers, or on the
  // last map without them.
  double dropout = 0.5;
  // Of the initial weights: Xavier uniform, biases 0.
  uint64_t seed = 0;

  // kInvalidArgument names the field, its value and what is allowed.
  absl::Status Validate() const;
};

// torchvision's network has no dropout in front of its pooling layer: 0.
InceptionV3Options InceptionV3Preset(StridePreset strides);

// Builds the network with initial weights. Its pyramid: the images, the outputs
// of Conv2d_2b (64 channels), Conv2d_3b (80), Mixed_5c (288), Mixed_6e (768)
// and of the last layer (SPG_A3_2b: 1024, Mixed_7c: 2048). The last stage are
// the SPG layers, or Mixed_7a, b, c. forward() throws c10::Error for images too
// small for a layer without padding (below 75 pixels in torchvision's form).
absl::StatusOr<std::shared_ptr<Backbone>> MakeInceptionV3(
    const InceptionV3Options& options);

}  // namespace vision

#endif  // VISION_BACKBONES_INCEPTION_H_
