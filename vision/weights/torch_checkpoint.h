// Files of Python's torch.save: which tensors they hold, and where.
//
//   VISION_ASSIGN_OR_RETURN(const CheckpointIndex index,
//                           IndexTorchZip(bytes, CheckpointOptions()));
//   for (const TensorEntry& tensor : index.tensors) ...
//
// Runs no code (vision/weights/pickle.h). vision/weights/checkpoint.h finds out
// the format; vision/nn/state_dict.h makes tensors.

#ifndef VISION_WEIGHTS_TORCH_CHECKPOINT_H_
#define VISION_WEIGHTS_TORCH_CHECKPOINT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/weights/tensor_entry.h"

namespace vision {

// The format since PyTorch 1.6: a zip archive with data.pkl and one member for
// each storage. Both functions return kDataLoss for damaged files,
// kInvalidArgument for what is no dictionary of tensors, for other names than
// those of tensors and plain containers, and for an options.entry that is not
// there, kResourceExhausted if describing the tensors takes more memory than
// the file has bytes. The index does not refer to `bytes`.
absl::StatusOr<CheckpointIndex> IndexTorchZip(absl::string_view bytes,
                                              const CheckpointOptions& options);

// The format before: five pickles (a magic number, the version, the machine,
// the object, the names of storages), then each storage's length and bytes. It
// has no checksums.
absl::StatusOr<CheckpointIndex> IndexTorchLegacy(
    absl::string_view bytes, const CheckpointOptions& options);

// Whether `bytes` starts with the old format's magic number.
bool LooksLikeTorchLegacy(absl::string_view bytes);

}  // namespace vision

#endif  // VISION_WEIGHTS_TORCH_CHECKPOINT_H_
