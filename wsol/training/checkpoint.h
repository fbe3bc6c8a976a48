// The state of a training on disk: model, optimizer and progress in one file.
//
// The file is written under a temporary name and renamed, so that it is whole
// at any moment; a checksum over its content finds damage before LibTorch's
// reader sees it.

#ifndef WSOL_TRAINING_CHECKPOINT_H_
#define WSOL_TRAINING_CHECKPOINT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "torch/nn/module.h"
#include "wsol/training/optimizer.h"

namespace wsol {

// Writes parameters and buffers of `model`, the state of `optimizer` and the
// text `progress` (opaque here) to `path`. Errors are those of
// vision::WriteFileAtomically; an older file at `path` stays whole.
absl::Status SaveCheckpoint(const std::string& path, torch::nn::Module& model,
                            const Optimizer& optimizer,
                            absl::string_view progress);

// Reads the file back into a model and an optimizer of the same structure and
// returns the progress text. kNotFound if there is no file; kDataLoss if it is
// damaged (nothing is touched then); kFailedPrecondition if it belongs to
// another model or optimizer, which may then be half overwritten.
absl::StatusOr<std::string> LoadCheckpoint(const std::string& path,
                                           torch::nn::Module& model,
                                           Optimizer& optimizer);

}  // namespace wsol

#endif  // WSOL_TRAINING_CHECKPOINT_H_
