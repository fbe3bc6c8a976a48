#include "fcam/losses/reconstruction_loss.h"

#include <cmath>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "fcam/losses/elb.h"

namespace fcam {

absl::Status ReconstructionOptions::Validate() const {
  // Written so that NaN is refused.
  if (!(low < high && std::isfinite(low) && std::isfinite(high))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the range is ", low, " to ", high, ", expected low < high"));
  }
  return absl::OkStatus();
}

at::Tensor ReconstructionLoss(const at::Tensor& reconstruction,
                              const at::Tensor& images,
                              const ReconstructionOptions& options, double t) {
  TORCH_CHECK(reconstruction.dim() == 4 && reconstruction.size(1) == 3 &&
                  reconstruction.numel() > 0,
              "the reconstruction has shape ", reconstruction.sizes(),
              ", expected [N, 3, H, W] with N, H, W > 0");
  TORCH_CHECK(images.sizes() == reconstruction.sizes(), "images have shape ",
              images.sizes(), ", expected ", reconstruction.sizes(),
              " as the reconstruction");
  const at::Tensor target = images.to(reconstruction.options()) *
                                ((options.high - options.low) / 255) +
                            options.low;
  const at::Tensor errors = (reconstruction - target).square().mean({1, 2, 3});
  return options.use_elb ? ExtendedLogBarrier(errors, t) : errors.mean();
}

}  // namespace fcam
