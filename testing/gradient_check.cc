#include "testing/gradient_check.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "ATen/ATen.h"
#include "absl/strings/str_cat.h"
#include "vision/base/rng.h"

namespace testing {

absl::Status CheckGradient(
    const std::function<at::Tensor(const at::Tensor&)>& f, const at::Tensor& x,
    const GradientCheckOptions& options) {
  if (x.scalar_type() != at::kDouble) {
    return absl::InvalidArgumentError("x must be float64");
  }
  at::Tensor leaf = x.detach().clone().contiguous().requires_grad_(true);
  const at::Tensor value = f(leaf);
  if (value.numel() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("f must be scalar, has ", value.numel(), " elements"));
  }
  value.backward();
  const at::Tensor analytic = leaf.grad().defined()
                                  ? leaf.grad().contiguous().flatten()
                                  : at::zeros({x.numel()}, at::kDouble);
  vision::Rng rng(options.seed);
  const int64_t probes = std::min<int64_t>(options.probes, x.numel());
  double worst = 0;
  std::string worst_message;
  for (int64_t p = 0; p < probes; ++p) {
    const int64_t k = probes == x.numel()
                          ? p
                          : static_cast<int64_t>(rng.UniformInt(x.numel()));
    const auto at_offset = [&](double offset) {
      at::Tensor moved = x.detach().clone().contiguous();
      moved.data_ptr<double>()[k] += offset;
      return f(moved).item<double>();
    };
    const double numeric =
        (at_offset(options.step) - at_offset(-options.step)) /
        (2 * options.step);
    const double got = analytic.data_ptr<double>()[k];
    const double error = std::abs(numeric - got) /
                         std::max({1.0, std::abs(numeric), std::abs(got)});
    // Negated, so that NaN counts as an error.
    if (!(error <= worst)) {
      worst = error;
      worst_message = absl::StrCat("element ", k, ": numeric ", numeric,
                                   ", autograd ", got, ", error ", error);
    }
  }
  if (!(worst <= options.tolerance)) {
    return absl::FailedPreconditionError(worst_message);
  }
  return absl::OkStatus();
}

}  // namespace testing
