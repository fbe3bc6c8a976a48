// The state of a training on disk: model, optimizer and progress in one file.
//
// The file is written under a temporary name and renamed, so that it is whole
// at any moment; a checksum over its content finds damage before LibTorch's
// reader sees it.

#ifndef WSOL_TRAINING_CHECKPOINT_H_
#define WSOL_TRAINING_CHECKPOINT_H_

#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "torch/nn/module.h"
#include "wsol/training/optimizer.h"

namespace wsol {

// Writes parameters and buffers of `model`, the state of `optimizer`, the text
// `progress` (opaque here) and the tensors `extra` to `path`. A file that is
// there already becomes PreviousCheckpointPath(path); at any moment one of the
// two is whole. Errors are those of vision::WriteFileAtomically; the older file
// then stays.
absl::Status SaveCheckpoint(const std::string& path, torch::nn::Module& model,
                            const Optimizer& optimizer,
                            absl::string_view progress,
                            const std::vector<at::Tensor>& extra = {});

// Reads the file back into a model, an optimizer and tensors of the same
// structure and returns the progress text. kNotFound if there is no file;
// kDataLoss if it is damaged (nothing is touched then); kFailedPrecondition if
// it belongs to another model, optimizer or set of tensors, which may then be
// half overwritten.
absl::StatusOr<std::string> LoadCheckpoint(
    const std::string& path, torch::nn::Module& model, Optimizer& optimizer,
    const std::vector<at::Tensor>& extra = {});

// `path` with ".previous" at its end.
std::string PreviousCheckpointPath(const std::string& path);

}  // namespace wsol

#endif  // WSOL_TRAINING_CHECKPOINT_H_
