// Backbones by name (vision/backbones/backbone_list.h has the list).
//
//   vision::BackboneOptions options;
//   options.seed = 1;
//   VISION_ASSIGN_OR_RETURN(auto backbone,
//                           vision::MakeBackbone("resnet50", options));

#ifndef VISION_BACKBONES_FACTORY_H_
#define VISION_BACKBONES_FACTORY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/resnet.h"
#include "vision/backbones/stride_preset.h"

namespace vision {

// What all backbones have in common. Networks that are wholly free
// (ResNetOptions) are made by MakeResNet.
struct BackboneOptions {
  // Named strides; resnet_small has its own.
  StridePreset strides = StridePreset::kWsol28;
  // Strides of the stages instead of the preset's, if not empty. How many and
  // which values is a matter of the family, see the `strides` of ResNetOptions,
  // VggOptions, InceptionV3Options and MobileNetOptions; for transformers one
  // value, that of the patches.
  std::vector<int64_t> stage_strides;
  // 1 to 65536. Weights for RGB are made to fit by AdaptInputChannels
  // (vision/backbones/input_channels.h).
  int64_t in_channels = 3;
  // Probability of dropout in [0, 1), where the family has it (Inception: in
  // the SPG layers, default 0.5; transformers: tokens, attention and MLP) or on
  // the last map; the family's default if not set, 0 but for Inception.
  std::optional<double> dropout;
  // Probability in [0, 1) that training drops the last block; light networks
  // and transformers only. The family's default if not set.
  std::optional<double> stochastic_depth;
  // Batch norms use and keep their running statistics in training mode too.
  bool freeze_norms = false;
  // ResNets only: each block starts as the identity.
  bool zero_init_last_norm = false;
  uint64_t seed = 0;
  // The network that "resnet_small" names; the fields above override its own.
  ResNetOptions resnet_small = ResNetSmallOptions();
};

// kInvalidArgument for a name that is not listed (the nearest ones are named),
// bad options, and options that the family does not have.
absl::StatusOr<std::shared_ptr<Backbone>> MakeBackbone(
    absl::string_view name, const BackboneOptions& options = {});

}  // namespace vision

#endif  // VISION_BACKBONES_FACTORY_H_
