#include "vision/backbones/input_channels.h"

#include <cstdint>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "glog/logging.h"
#include "vision/backbones/backbone.h"
#include "vision/nn/state_dict.h"

namespace vision {

absl::Status AdaptInputChannels(const Backbone& backbone, StateDict& dict) {
  constexpr int64_t kRgb = 3;
  const std::string name = backbone.input_weight();
  const auto parameters = backbone.named_parameters();
  const at::Tensor* own = parameters.find(name);
  CHECK(own != nullptr) << name;
  at::Tensor* weight = dict.find(name);
  if (weight == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("the state dict has no ", name));
  }
  std::vector<int64_t> expected = own->sizes().vec();
  if (weight->sizes() == own->sizes()) return absl::OkStatus();
  const int64_t channels = expected[1];
  expected[1] = kRgb;
  if (weight->sizes() != at::IntArrayRef(expected)) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " has shape [", absl::StrJoin(weight->sizes(), ", "),
                     "], expected [", absl::StrJoin(expected, ", "), "] or ",
                     channels, " channels"));
  }
  const at::NoGradGuard no_grad;
  if (channels == 1) {
    *weight = weight->sum(1, /*keepdim=*/true);
  } else if (channels == 2) {
    *weight = weight->slice(1, 0, 2) * 1.5;
  } else {
    *weight = own->detach().to(weight->options(), /*non_blocking=*/false,
                               /*copy=*/true);
  }
  return absl::OkStatus();
}

}  // namespace vision
