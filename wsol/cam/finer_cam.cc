#include "wsol/cam/finer_cam.h"

#include <cstdint>
#include <limits>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/grad_cam.h"

namespace wsol {

absl::Status FinerCam::Check(const Pass& pass) const {
  const int64_t num_classes = pass.output.logits.size(1);
  if (options().finer_classes >= num_classes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "finer_classes is ", options().finer_classes,
        ", expected fewer than the ", num_classes, " classes there are"));
  }
  return absl::OkStatus();
}

at::Tensor FinerCam::Targets(const Pass& pass) const {
  const at::Tensor own = GradCam::Targets(pass);              // [N, M, K]
  const at::Tensor logits = pass.output.logits.unsqueeze(1);  // [N, 1, K]
  const at::Tensor distances =
      (logits - logits.expand_as(own).gather(2, pass.classes.unsqueeze(2)))
          .abs()
          .masked_fill(own > 0, std::numeric_limits<double>::infinity());
  const at::Tensor nearest =
      at::argsort(distances, /*stable=*/true, /*dim=*/2, /*descending=*/false)
          .narrow(2, 0, options().finer_classes);
  return own.scatter_add(
      2, nearest,
      at::full(nearest.sizes(),
               -options().finer_alpha / options().finer_classes,
               own.options()));
}

}  // namespace wsol
