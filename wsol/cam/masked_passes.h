// How many passes of a network fit in memory at a time.
//
// For methods that run the network, or its head, once for each channel.

#ifndef WSOL_CAM_MASKED_PASSES_H_
#define WSOL_CAM_MASKED_PASSES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "wsol/cam/cam_network.h"

namespace wsol {

// Bytes that a pass over one image takes: the image and six times the largest
// feature map, an estimate of the feature maps that are kept and of what is
// alive at a time within a block (measured in ResNet-50: 37 MB, six times 6.4).
// `output` is of a batch of `num_images`, `image_bytes` of one image.
int64_t EstimatePassBytes(const CamNetwork::Output& output, int64_t num_images,
                          int64_t image_bytes);

// budget / bytes, at least 1 and at most `limit`. kInvalidArgument if the
// budget does not hold one.
absl::StatusOr<int64_t> PassesAtATime(int64_t budget_bytes,
                                      int64_t bytes_of_pass, int64_t limit);

}  // namespace wsol

#endif  // WSOL_CAM_MASKED_PASSES_H_
