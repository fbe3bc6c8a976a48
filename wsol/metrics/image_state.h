// What the evaluators that keep images have in common: their state as bytes,
// and the order of images.
//
//   wsol::PutImageInfo(image.info, &writer);
//   VISION_RETURN_IF_ERROR(wsol::SortById(&images));

#ifndef WSOL_METRICS_IMAGE_STATE_H_
#define WSOL_METRICS_IMAGE_STATE_H_

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/state_codec.h"

namespace wsol {

void PutImageInfo(const ImageInfo& info, StateWriter* writer);

// kInvalidArgument for numbers that are no object size, label or rank.
absl::StatusOr<ImageInfo> GetImageInfo(StateReader* reader);

// kInvalidArgument for a number that is no mode.
absl::StatusOr<EvaluationMode> GetEvaluationMode(StateReader* reader);

// Sorts images by info.id, so that results do not depend on the order in which
// they came. kInvalidArgument, naming it, if two have one id.
template <typename Image>
absl::Status SortById(std::vector<Image>* images) {
  std::sort(images->begin(), images->end(), [](const Image& a, const Image& b) {
    return a.info.id < b.info.id;
  });
  const auto twice = std::adjacent_find(
      images->begin(), images->end(),
      [](const Image& a, const Image& b) { return a.info.id == b.info.id; });
  if (twice == images->end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("image '", twice->info.id,
                   "': evaluated twice, expected each image once"));
}

}  // namespace wsol

#endif  // WSOL_METRICS_IMAGE_STATE_H_
