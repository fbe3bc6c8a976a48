#include "wsol/score_maps/size_policy.h"

#include "absl/strings/str_cat.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {

absl::string_view SizePolicyName(SizePolicy policy) {
  switch (policy) {
    case SizePolicy::kFrame:
      return "frame";
    case SizePolicy::kImage:
      return "image";
    case SizePolicy::kAny:
      break;
  }
  return "any";
}

absl::StatusOr<SizePolicy> ParseSizePolicy(absl::string_view name) {
  for (const SizePolicy policy :
       {SizePolicy::kFrame, SizePolicy::kImage, SizePolicy::kAny}) {
    if (name == SizePolicyName(policy)) return policy;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown size policy \"", name, "\", expected frame, image or any"));
}

absl::Status CheckMapSize(SizePolicy policy, int map_width, int map_height,
                          int width, int height) {
  switch (policy) {
    case SizePolicy::kFrame:
      width = height = kFrameSize;
      break;
    case SizePolicy::kImage:
      if (width > 0 && height > 0) break;
      return absl::InvalidArgumentError(
          "the split does not tell the image's size, which the size policy "
          "\"image\" needs");
    case SizePolicy::kAny:
      return absl::OkStatus();
  }
  if (map_width == width && map_height == height) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the score map is ", map_width, "x", map_height,
                   " pixels, expected ", width, "x", height, " (size policy \"",
                   SizePolicyName(policy), "\"; \"any\" interpolates)"));
}

}  // namespace wsol
