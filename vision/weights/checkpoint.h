// A file of weights of any known format: which tensors it holds, and where.
//
//   VISION_ASSIGN_OR_RETURN(const auto file, MappedFile::Open("vgg16.pth"));
//   VISION_ASSIGN_OR_RETURN(const CheckpointIndex index,
//                           IndexCheckpoint(file->bytes()));
//
// Without LibTorch; vision/nn/state_dict.h makes tensors of it.

#ifndef VISION_WEIGHTS_CHECKPOINT_H_
#define VISION_WEIGHTS_CHECKPOINT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/weights/tensor_entry.h"

namespace vision {

// Tells the format by content: torch.save's zip archives and the format before
// PyTorch 1.6 (vision/weights/torch_checkpoint.h), and safetensors
// (vision/weights/safetensors.h), each with its errors. kDataLoss for anything
// else. Memory: at most about twice the size of `bytes` and a mebibyte, and
// much less for real files. The result does not refer to `bytes`.
absl::StatusOr<CheckpointIndex> IndexCheckpoint(
    absl::string_view bytes, const CheckpointOptions& options = {});

}  // namespace vision

#endif  // VISION_WEIGHTS_CHECKPOINT_H_
