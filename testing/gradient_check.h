// Compares a gradient of autograd with central differences.
//
//   EXPECT_THAT(CheckGradient(
//       [](const at::Tensor& x) { return x.pow(2).sum(); }, x), IsOk());

#ifndef TESTING_GRADIENT_CHECK_H_
#define TESTING_GRADIENT_CHECK_H_

#include <cstdint>
#include <functional>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"

namespace testing {

struct GradientCheckOptions {
  // Half the distance of the two evaluations, in units of x.
  double step = 1e-6;
  // Largest |numeric - analytic| / max(1, |numeric|, |analytic|) accepted.
  double tolerance = 1e-6;
  // Elements of x that are probed, drawn at random; all if x has fewer.
  int probes = 50;
  uint64_t seed = 0;
};

// Checks d f(x) / dx of a scalar function at the float64 tensor `x`, which is
// not modified. Returns kFailedPrecondition naming the worst element if a probe
// misses the tolerance, kInvalidArgument if x is not float64 or f not a scalar.
absl::Status CheckGradient(
    const std::function<at::Tensor(const at::Tensor&)>& f, const at::Tensor& x,
    const GradientCheckOptions& options = {});

}  // namespace testing

#endif  // TESTING_GRADIENT_CHECK_H_
