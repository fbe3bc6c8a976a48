#include "vision/nn/fold_norms.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/batchnorm.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/nn/conv_norm_pair.h"

namespace vision {
namespace {

// Module::modules() needs a module that a shared_ptr owns; this does not.
absl::Status Collect(torch::nn::Module& module, const std::string& name,
                     std::vector<std::shared_ptr<ConvNormPair>>& pairs) {
  if (const auto* owner = dynamic_cast<const ConvNormOwner*>(&module)) {
    for (const auto& pair : owner->conv_norm_pairs()) {
      if (pair->folded()) continue;
      if (pair->norm().is_training()) {
        return absl::FailedPreconditionError(absl::StrCat(
            "a batch norm of ", name.empty() ? "the network" : name,
            " is in training mode, expected eval mode before it is folded"));
      }
      pairs.push_back(pair);
    }
  }
  for (const auto& child : module.named_children()) {
    VISION_RETURN_IF_ERROR(Collect(
        *child.value(),
        name.empty() ? child.key() : absl::StrCat(name, ".", child.key()),
        pairs));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int64_t> FoldNorms(torch::nn::Module& module) {
  std::vector<std::shared_ptr<ConvNormPair>> pairs;
  VISION_RETURN_IF_ERROR(Collect(module, "", pairs));
  return CallTorch("folding batch norms", [&]() -> int64_t {
    for (const auto& pair : pairs) pair->Fold();
    return static_cast<int64_t>(pairs.size());
  });
}

int64_t PackFoldedConvolutions(torch::nn::Module& module, bool winograd) {
  int64_t packed = 0;
  if (const auto* owner = dynamic_cast<const ConvNormOwner*>(&module)) {
    for (const auto& pair : owner->conv_norm_pairs()) {
      if (pair->Pack(winograd)) ++packed;
    }
  }
  for (const auto& child : module.children()) {
    packed += PackFoldedConvolutions(*child, winograd);
  }
  return packed;
}

}  // namespace vision
