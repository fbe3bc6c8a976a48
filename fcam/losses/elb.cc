#include "fcam/losses/elb.h"

#include <algorithm>
#include <cmath>

#include "ATen/ATen.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace fcam {

at::Tensor ExtendedLogBarrier(const at::Tensor& f, double t) {
  TORCH_CHECK(t > 0, "t of the log barrier is ", t, ", expected > 0");
  TORCH_CHECK(f.numel() > 0, "the log barrier has no constraint, shape ",
              f.sizes());
  const double boundary = -1 / (t * t);
  // Both branches are evaluated everywhere. The clamp keeps the logarithm's
  // argument positive where it is not chosen: 0 * NaN would poison the
  // gradient.
  const at::Tensor barrier = at::log(-f.clamp_max(boundary)) * (-1 / t);
  const at::Tensor line = f * t + (2 * std::log(t) / t + 1 / t);
  return at::where(f <= boundary, barrier, line).mean();
}

absl::Status ElbOptions::Validate() const {
  // Written so that NaN is refused.
  if (!(init_t > 0 && std::isfinite(init_t))) {
    return absl::InvalidArgumentError(
        absl::StrCat("init_t is ", init_t, ", expected > 0"));
  }
  if (!(max_t >= init_t && std::isfinite(max_t))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_t is ", max_t, ", expected at least init_t, ", init_t));
  }
  if (!(mulcoef >= 1 && std::isfinite(mulcoef))) {
    return absl::InvalidArgumentError(
        absl::StrCat("mulcoef is ", mulcoef, ", expected >= 1"));
  }
  return absl::OkStatus();
}

void ElbSchedule::Update() {
  t_ = std::min(t_ * options_.mulcoef, options_.max_t);
}

void ElbSchedule::set_t(double t) {
  CHECK_GT(t, 0);
  t_ = t;
}

}  // namespace fcam
