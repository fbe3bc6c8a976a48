#include "vision/nn/remap_state_dict.h"

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/weights/key_rules.h"

namespace vision {
namespace {

// Bit for bit, so that NaNs agree with themselves.
bool SameValues(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) {
    return false;
  }
  if (a.data_ptr() == b.data_ptr() && a.strides() == b.strides()) return true;
  if (a.numel() == 0) return true;
  if (a.dim() == 0) return SameValues(a.view({1}), b.view({1}));
  return at::equal(a.contiguous().view(at::kByte),
                   b.contiguous().view(at::kByte));
}

}  // namespace

absl::StatusOr<StateDict> RemapStateDict(absl::string_view rule,
                                         const StateDict& dict,
                                         const StateDict& like) {
  VISION_ASSIGN_OR_RETURN(const KeyMap map,
                          ApplyKeyRule(rule, dict.keys(), like.keys()));
  return CallTorch("renaming weights", [&]() -> absl::StatusOr<StateDict> {
    for (const auto& [kept, dropped] : map.duplicates) {
      const auto& a = dict[kept];
      const auto& b = dict[dropped];
      if (!SameValues(a.value(), b.value())) {
        return absl::InvalidArgumentError(
            absl::StrCat(a.key(), " and ", b.key(),
                         " should be the same, and have different values"));
      }
    }
    StateDict renamed;
    for (const KeyMap::Entry& entry : map.entries) {
      renamed.insert(entry.name, dict[entry.source].value());
    }
    return renamed;
  });
}

}  // namespace vision
