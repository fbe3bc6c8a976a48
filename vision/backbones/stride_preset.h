// Strides of a backbone by name: fine maps for localization, or torchvision's.
//
//   VISION_ASSIGN_OR_RETURN(auto preset, vision::ParseStridePreset("wsol28"));

#ifndef VISION_BACKBONES_STRIDE_PRESET_H_
#define VISION_BACKBONES_STRIDE_PRESET_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace vision {

enum class StridePreset {
  // The published WSOL networks: a last map of 28 x 28 (Inception v3: 29 x 29)
  // for 224 x 224 images. Each family's header says what is changed; VGG and
  // Inception get layers of their own at the end.
  kWsol28,
  // torchvision's and timm's: 7 x 7 (Inception v3: 5 x 5; transformers with
  // patches of 16: 14 x 14).
  kImageNet,
};

// "wsol28", "imagenet"; kInvalidArgument names both.
absl::StatusOr<StridePreset> ParseStridePreset(absl::string_view name);
absl::string_view StridePresetName(StridePreset preset);

}  // namespace vision

#endif  // VISION_BACKBONES_STRIDE_PRESET_H_
