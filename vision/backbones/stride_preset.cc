#include "vision/backbones/stride_preset.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/base/nearest_names.h"

namespace vision {

absl::StatusOr<StridePreset> ParseStridePreset(absl::string_view name) {
  for (const StridePreset preset :
       {StridePreset::kWsol28, StridePreset::kImageNet}) {
    if (name == StridePresetName(preset)) return preset;
  }
  return UnknownNameError("stride preset", name, {"wsol28", "imagenet"});
}

absl::string_view StridePresetName(StridePreset preset) {
  return preset == StridePreset::kWsol28 ? "wsol28" : "imagenet";
}

}  // namespace vision
