#include "wsol/metrics/image_state.h"

#include <cstdint>
#include <limits>

namespace wsol {
namespace {

bool IsIntFrom(int low, int64_t value) {
  return value >= low && value <= std::numeric_limits<int>::max();
}

}  // namespace

void PutImageInfo(const ImageInfo& info, StateWriter* writer) {
  writer->PutString(info.id);
  writer->PutSigned(info.label);
  writer->PutSigned(info.true_class_rank.value_or(-1));
  writer->PutUnsigned(static_cast<uint64_t>(info.size));
}

absl::StatusOr<ImageInfo> GetImageInfo(StateReader* reader) {
  ImageInfo info;
  info.id = reader->GetString();
  const int64_t label = reader->GetSigned();
  const int64_t rank = reader->GetSigned();
  const uint64_t size = reader->GetUnsigned();
  if (!IsIntFrom(-1, label) || !IsIntFrom(-1, rank) ||
      size >= kObjectSizes.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("state of an evaluator: image '", info.id, "' has label ",
                     label, ", rank ", rank, " and object size ", size));
  }
  info.label = static_cast<int>(label);
  if (rank >= 0) info.true_class_rank = static_cast<int>(rank);
  info.size = kObjectSizes[size];
  return info;
}

absl::StatusOr<EvaluationMode> GetEvaluationMode(StateReader* reader) {
  const uint64_t mode = reader->GetUnsigned();
  if (mode > static_cast<uint64_t>(EvaluationMode::kNative)) {
    return absl::InvalidArgumentError(
        absl::StrCat("state of an evaluator: got mode ", mode));
  }
  return static_cast<EvaluationMode>(mode);
}

}  // namespace wsol
