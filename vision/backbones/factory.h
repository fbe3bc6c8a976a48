// Backbones by name.
//
//   vision::BackboneOptions options;
//   options.seed = 1;
//   VISION_ASSIGN_OR_RETURN(auto backbone,
//                           vision::MakeBackbone("resnet50", options));

#ifndef VISION_BACKBONES_FACTORY_H_
#define VISION_BACKBONES_FACTORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/resnet.h"

namespace vision {

// What all backbones have in common. Networks that are wholly free
// (ResNetOptions) are made by MakeResNet.
struct BackboneOptions {
  // Strides of the named ResNets; resnet_small has its own.
  StridePreset strides = StridePreset::kWsol28;
  int64_t in_channels = 3;
  bool zero_init_last_norm = false;
  uint64_t seed = 0;
  // The network that "resnet_small" names; the fields above override its own.
  ResNetOptions resnet_small = ResNetSmallOptions();
};

// kInvalidArgument for a name that is not listed (the nearest ones are named)
// or bad options.
absl::StatusOr<std::shared_ptr<Backbone>> MakeBackbone(
    absl::string_view name, const BackboneOptions& options = {});

struct BackboneInfo {
  std::string name;
  // Of the network with default options, without a classification head.
  int64_t num_parameters;
};

// All names that MakeBackbone takes, small ones first.
std::vector<BackboneInfo> ListBackbones();

}  // namespace vision

#endif  // VISION_BACKBONES_FACTORY_H_
