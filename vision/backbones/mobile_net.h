// Light networks of inverted residual blocks, in torchvision's form:
// MobileNetV3-Large (Howard et al., ICCV 2019) and EfficientNet-B0 (Tan and Le,
// ICML 2019).
//
// Each block widens, convolves each channel by itself, weighs the channels by
// what the whole map holds (squeeze and excitation), and narrows again.
// State-dict keys are torchvision's ("features.1.block.0.0.weight") without the
// classifier.
//
//   VISION_ASSIGN_OR_RETURN(auto options, vision::MobileNetPreset(
//       "efficientnet_b0", StridePreset::kWsol28));
//   VISION_ASSIGN_OR_RETURN(auto net, vision::MakeMobileNet(options));

#ifndef VISION_BACKBONES_MOBILE_NET_H_
#define VISION_BACKBONES_MOBILE_NET_H_

#include <array>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/stride_preset.h"

namespace vision {

enum class MobileNetKind { kMobileNetV3Large, kEfficientNetB0 };

struct MobileNetOptions {
  MobileNetKind kind = MobileNetKind::kMobileNetV3Large;
  // Strides between f1 and f2, f2 and f3, ..., f4 and f5; 1 or 2. The first
  // convolution's is 2.
  std::array<int64_t, 4> strides = {2, 2, 1, 1};

  int64_t in_channels = 3;
  // Probability of dropout on the last map, in [0, 1).
  double dropout = 0;
  // Probability that training drops the last block, in [0, 1); it falls to 0 in
  // proportion towards the first (stochastic_depth.h).
  double stochastic_depth = 0;
  // Of the initial weights: Kaiming normal (fan out), biases 0, norms 1 and 0.
  uint64_t seed = 0;

  // kInvalidArgument names the field, its value and what is allowed.
  absl::Status Validate() const;
};

// Options of mobilenet_v3_large and efficientnet_b0 (stochastic depth 0.2 as in
// torchvision). WSOL strides are 1 in the last two stages.
absl::StatusOr<MobileNetOptions> MobileNetPreset(absl::string_view name,
                                                 StridePreset strides);

// Builds the network with initial weights. Its pyramid is the images and the
// last map before each stride, so f1 has half their size; f5 includes the last
// convolution. The last stage begins at the last stride.
absl::StatusOr<std::shared_ptr<Backbone>> MakeMobileNet(
    const MobileNetOptions& options);

}  // namespace vision

#endif  // VISION_BACKBONES_MOBILE_NET_H_
