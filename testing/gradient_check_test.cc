#include "testing/gradient_check.h"

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace testing {
namespace {

at::Tensor Input() { return at::linspace(-1, 2, 12, at::kDouble).view({3, 4}); }

TEST(GradientCheckTest, AcceptsARightGradient) {
  EXPECT_THAT(
      CheckGradient([](const at::Tensor& x) { return (x.sin() * x).sum(); },
                    Input()),
      IsOk());
}

TEST(GradientCheckTest, RejectsAWrongGradientAndNamesTheElement) {
  // Half of x is hidden from autograd.
  EXPECT_THAT(
      CheckGradient([](const at::Tensor& x) { return (x.detach() * x).sum(); },
                    Input()),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("element")));
}

TEST(GradientCheckTest, RejectsUnsuitableArguments) {
  const auto sum = [](const at::Tensor& x) { return x.sum(); };
  EXPECT_THAT(CheckGradient(sum, Input().to(at::kFloat)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckGradient([](const at::Tensor& x) { return x * 2; }, Input()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace testing
