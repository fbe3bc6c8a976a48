// For the fuzz targets: what holds for every index of a file.

#ifndef VISION_WEIGHTS_CHECK_INDEX_H_
#define VISION_WEIGHTS_CHECK_INDEX_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "vision/weights/tensor_entry.h"

namespace vision {

// Stops the process if a tensor of `index` does not lie inside of `file_size`
// bytes. Errors are fine.
void CheckIndex(const absl::StatusOr<CheckpointIndex>& index,
                uint64_t file_size);

}  // namespace vision

#endif  // VISION_WEIGHTS_CHECK_INDEX_H_
