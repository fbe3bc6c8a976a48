#include "testing/tensor_matchers.h"

#include "ATen/ATen.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace testing {

std::string DescribeTensorType(const at::Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  return absl::StrCat(c10::toString(tensor.scalar_type()), " [",
                      absl::StrJoin(tensor.sizes().vec(), ", "), "]");
}

std::string DescribeTensorDifference(const at::Tensor& expected,
                                     const at::Tensor& actual, double atol,
                                     double rtol) {
  if (!expected.defined() || !actual.defined() ||
      expected.sizes() != actual.sizes() ||
      expected.scalar_type() != actual.scalar_type()) {
    return absl::StrCat("expected ", DescribeTensorType(expected), ", got ",
                        DescribeTensorType(actual));
  }
  if (expected.numel() == 0) return "";
  const at::Tensor e = expected.detach().cpu().to(at::kDouble).flatten();
  const at::Tensor a = actual.detach().cpu().to(at::kDouble).flatten();
  const at::Tensor same = e.eq(a).logical_or(e.isnan().logical_and(a.isnan()));
  const at::Tensor excess = at::where(
      same, at::zeros_like(e) - 1,
      at::nan_to_num((e - a).abs() - atol - rtol * e.abs(), 1e300, 1e300));
  const int64_t mismatches = excess.gt(0).sum().item<int64_t>();
  if (mismatches == 0) return "";
  int64_t flat = excess.argmax().item<int64_t>();
  const double worst_expected = e[flat].item<double>();
  const double worst_actual = a[flat].item<double>();
  std::vector<int64_t> index(expected.dim());
  for (int64_t d = expected.dim() - 1; d >= 0; --d) {
    index[d] = flat % expected.size(d);
    flat /= expected.size(d);
  }
  return absl::StrCat(DescribeTensorType(expected), ": ", mismatches, " of ",
                      e.numel(), " differ, worst at [",
                      absl::StrJoin(index, ", "), "]: expected ",
                      worst_expected, ", got ", worst_actual);
}

}  // namespace testing
