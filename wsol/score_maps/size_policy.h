// Which sizes score maps may have.
//
//   VISION_ASSIGN_OR_RETURN(const wsol::SizePolicy policy,
//                           wsol::ParseSizePolicy("frame"));

#ifndef WSOL_SCORE_MAPS_SIZE_POLICY_H_
#define WSOL_SCORE_MAPS_SIZE_POLICY_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace wsol {

// NOTE(reference): the published evaluator compares maps of any size with boxes
// of its frame of 224 x 224 pixels without noticing; only maps of that size
// give right numbers there.
enum class SizePolicy {
  // 224 x 224 pixels, so that nothing is interpolated in protocol mode.
  kFrame,
  // The image's own size, so that nothing is interpolated in native mode.
  kImage,
  // Any size. A map that is not of the size where it is compared (the frame, or
  // in native mode the image) goes there by bilinear interpolation.
  kAny,
};

// "frame", "image" or "any".
absl::string_view SizePolicyName(SizePolicy policy);

// The policy of that name; kInvalidArgument for any other.
absl::StatusOr<SizePolicy> ParseSizePolicy(absl::string_view name);

// kInvalidArgument if a map of map_width x map_height pixels of an image of
// width x height (0: unknown) is not what the policy asks for, or if kImage
// needs a size that is not known.
absl::Status CheckMapSize(SizePolicy policy, int map_width, int map_height,
                          int width, int height);

}  // namespace wsol

#endif  // WSOL_SCORE_MAPS_SIZE_POLICY_H_
