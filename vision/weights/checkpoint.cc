#include "vision/weights/checkpoint.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "vision/weights/safetensors.h"
#include "vision/weights/torch_checkpoint.h"
#include "vision/weights/zip_archive.h"

namespace vision {

absl::StatusOr<CheckpointIndex> IndexCheckpoint(
    absl::string_view bytes, const CheckpointOptions& options) {
  if (ZipArchive::LooksLikeOne(bytes)) return IndexTorchZip(bytes, options);
  if (LooksLikeTorchLegacy(bytes)) return IndexTorchLegacy(bytes, options);
  if (LooksLikeSafetensors(bytes)) {
    if (!options.entry.empty()) {
      return absl::InvalidArgumentError(
          "is a safetensors file, which has no dictionaries to choose from");
    }
    return IndexSafetensors(bytes);
  }
  if (bytes.empty()) return absl::DataLossError("is empty");
  return absl::DataLossError(
      absl::StartsWith(bytes, "\x80")
          ? "is a pickle, but torch.save did not write it"
          : "is neither a file of torch.save nor a safetensors file");
}

}  // namespace vision
