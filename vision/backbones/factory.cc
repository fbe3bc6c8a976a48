#include "vision/backbones/factory.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/backbone_list.h"
#include "vision/backbones/inception.h"
#include "vision/backbones/mobile_net.h"
#include "vision/backbones/resnet.h"
#include "vision/backbones/stride_preset.h"
#include "vision/backbones/vgg.h"
#include "vision/backbones/vision_transformer.h"
#include "vision/base/status_util.h"

namespace vision {
namespace {

using BackboneOr = absl::StatusOr<std::shared_ptr<Backbone>>;

constexpr absl::string_view kResNetSmall = "resnet_small";

absl::Status StridesError(absl::string_view name,
                          const BackboneOptions& options,
                          absl::string_view expected) {
  return absl::InvalidArgumentError(
      absl::StrCat("BackboneOptions.stage_strides is {",
                   absl::StrJoin(options.stage_strides, ", "), "}, expected ",
                   expected, " for ", name));
}

// What a family does not have must not be set.
absl::Status CheckUnused(absl::string_view name, const BackboneOptions& options,
                         bool has_stochastic_depth,
                         bool has_zero_init_last_norm) {
  if (!has_stochastic_depth && options.stochastic_depth.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "BackboneOptions.stochastic_depth is ", *options.stochastic_depth,
        ", but ", name, " has no blocks to drop: expected none"));
  }
  if (!has_zero_init_last_norm && options.zero_init_last_norm) {
    return absl::InvalidArgumentError(
        absl::StrCat("BackboneOptions.zero_init_last_norm is true, but ", name,
                     " is no ResNet: expected false"));
  }
  return absl::OkStatus();
}

BackboneOr MakeNamedResNet(absl::string_view name,
                           const BackboneOptions& options) {
  VISION_RETURN_IF_ERROR(CheckUnused(name, options, false, true));
  ResNetOptions resnet = options.resnet_small;
  if (name != kResNetSmall) {
    VISION_ASSIGN_OR_RETURN(resnet, ResNetPreset(name, options.strides));
  }
  if (!options.stage_strides.empty()) resnet.strides = options.stage_strides;
  resnet.in_channels = options.in_channels;
  resnet.dropout = options.dropout.value_or(resnet.dropout);
  resnet.zero_init_last_norm = options.zero_init_last_norm;
  resnet.seed = options.seed;
  return MakeResNet(resnet);
}

BackboneOr MakeNamedVgg(absl::string_view name,
                        const BackboneOptions& options) {
  VISION_RETURN_IF_ERROR(CheckUnused(name, options, false, false));
  VISION_ASSIGN_OR_RETURN(VggOptions vgg, VggPreset(name, options.strides));
  if (!options.stage_strides.empty()) vgg.strides = options.stage_strides;
  vgg.in_channels = options.in_channels;
  vgg.dropout = options.dropout.value_or(vgg.dropout);
  vgg.seed = options.seed;
  return MakeVgg(vgg);
}

BackboneOr MakeNamedInception(absl::string_view name,
                              const BackboneOptions& options) {
  VISION_RETURN_IF_ERROR(CheckUnused(name, options, false, false));
  InceptionV3Options inception = InceptionV3Preset(options.strides);
  if (!options.stage_strides.empty()) inception.strides = options.stage_strides;
  inception.in_channels = options.in_channels;
  inception.dropout = options.dropout.value_or(inception.dropout);
  inception.seed = options.seed;
  return MakeInceptionV3(inception);
}

BackboneOr MakeNamedMobileNet(absl::string_view name,
                              const BackboneOptions& options) {
  VISION_RETURN_IF_ERROR(CheckUnused(name, options, true, false));
  VISION_ASSIGN_OR_RETURN(MobileNetOptions mobile,
                          MobileNetPreset(name, options.strides));
  if (!options.stage_strides.empty()) {
    if (options.stage_strides.size() != mobile.strides.size()) {
      return StridesError(name, options, "4 values");
    }
    std::copy(options.stage_strides.begin(), options.stage_strides.end(),
              mobile.strides.begin());
  }
  mobile.in_channels = options.in_channels;
  mobile.dropout = options.dropout.value_or(mobile.dropout);
  mobile.stochastic_depth =
      options.stochastic_depth.value_or(mobile.stochastic_depth);
  mobile.seed = options.seed;
  return MakeMobileNet(mobile);
}

BackboneOr MakeNamedTransformer(absl::string_view name,
                                const BackboneOptions& options) {
  VISION_RETURN_IF_ERROR(CheckUnused(name, options, true, false));
  VISION_ASSIGN_OR_RETURN(VisionTransformerOptions vit,
                          VisionTransformerPreset(name, options.strides));
  if (!options.stage_strides.empty()) {
    if (options.stage_strides.size() != 1) {
      return StridesError(name, options, "1 value");
    }
    vit.stride = options.stage_strides[0];
  }
  vit.in_channels = options.in_channels;
  vit.dropout = options.dropout.value_or(vit.dropout);
  vit.stochastic_depth =
      options.stochastic_depth.value_or(vit.stochastic_depth);
  vit.seed = options.seed;
  VISION_ASSIGN_OR_RETURN(std::shared_ptr<Backbone> transformer,
                          MakeVisionTransformer(vit));
  return transformer;
}

BackboneOr MakeListed(absl::string_view name, const BackboneOptions& options) {
  if (absl::StrContains(name, "_patch")) {
    return MakeNamedTransformer(name, options);
  }
  if (absl::StartsWith(name, "vgg")) return MakeNamedVgg(name, options);
  if (absl::StartsWith(name, "inception")) {
    return MakeNamedInception(name, options);
  }
  if (absl::StartsWith(name, "mobilenet") ||
      absl::StartsWith(name, "efficientnet")) {
    return MakeNamedMobileNet(name, options);
  }
  return MakeNamedResNet(name, options);
}

}  // namespace

absl::StatusOr<std::shared_ptr<Backbone>> MakeBackbone(
    absl::string_view name, const BackboneOptions& options) {
  VISION_ASSIGN_OR_RETURN(const std::string listed, FindBackboneName(name));
  VISION_ASSIGN_OR_RETURN(std::shared_ptr<Backbone> backbone,
                          MakeListed(listed, options));
  if (options.freeze_norms) backbone->set_freeze_norms(true);
  return backbone;
}

}  // namespace vision
