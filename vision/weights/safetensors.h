// The .safetensors format: eight bytes with the length of a header, the header
// in JSON ({"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
// ..., "__metadata__": {"key": "text"}}), then the values.
//
//   VISION_ASSIGN_OR_RETURN(const CheckpointIndex index,
//                           IndexSafetensors(bytes));

#ifndef VISION_WEIGHTS_SAFETENSORS_H_
#define VISION_WEIGHTS_SAFETENSORS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/weights/tensor_entry.h"

namespace vision {

// Whether `bytes` has a brace where a header starts.
bool LooksLikeSafetensors(absl::string_view bytes);

// The tensors, in the header's order; the entries of __metadata__ are among
// `others`. As the format demands, values follow each other without overlaps,
// gaps or bytes at the end; anything else is kDataLoss, as is a header that is
// longer than the file or 100 MB, no JSON, or lacks a field, and a shape that
// does not have the stated number of bytes. kInvalidArgument for an element
// type that is not in vision/weights/dtype.h, kResourceExhausted if describing
// the tensors takes more memory than the file has bytes.
absl::StatusOr<CheckpointIndex> IndexSafetensors(absl::string_view bytes);

}  // namespace vision

#endif  // VISION_WEIGHTS_SAFETENSORS_H_
