#include "fcam/losses/size_bounds_loss.h"

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "fcam/losses/elb.h"

namespace fcam {

absl::Status SizeBoundsOptions::Validate() const {
  // Written so that NaN is refused.
  if (!(lower >= 0 && lower < upper && upper <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("size bounds are ", lower, " and ", upper,
                     ", expected 0 <= lower < upper <= 1"));
  }
  if (lower == 0 && upper == 1) {
    return absl::InvalidArgumentError(
        "size bounds are 0 and 1, which bounds nothing");
  }
  return absl::OkStatus();
}

at::Tensor SizeBoundsLoss(const at::Tensor& probabilities,
                          const SizeBoundsOptions& bounds, double t) {
  TORCH_CHECK(probabilities.dim() == 4 && probabilities.size(1) == 2 &&
                  probabilities.numel() > 0,
              "probabilities have shape ", probabilities.sizes(),
              ", expected [N, 2, H, W] with N, H, W > 0");
  const at::Tensor area = probabilities.select(1, 1).mean({1, 2});
  at::Tensor loss;
  if (bounds.lower > 0) loss = ExtendedLogBarrier(bounds.lower - area, t);
  if (bounds.upper < 1) {
    const at::Tensor upper = ExtendedLogBarrier(area - bounds.upper, t);
    loss = loss.defined() ? loss + upper : upper;
  }
  TORCH_CHECK(loss.defined(), "size bounds 0 and 1 bound nothing");
  return loss;
}

}  // namespace fcam
