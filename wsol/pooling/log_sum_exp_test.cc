#include "wsol/pooling/log_sum_exp.h"

#include <cmath>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

using ::testing::CheckGradient;
using ::testing::IsOk;
using ::testing::TensorNear;

// A head whose one map is the features themselves.
LogSumExpHead Identity(double sharpness) {
  PoolingOptions options;
  options.in_channels = 1;
  options.num_classes = 1;
  options.support_background = false;
  options.lse_sharpness = sharpness;
  LogSumExpHead head(options);
  head.to(at::kDouble);
  const at::NoGradGuard no_grad;
  head.class_weights().fill_(1);
  return head;
}

double Pool(LogSumExpHead& head, const at::Tensor& values) {
  return head.forward(values.view({1, 1, 1, -1})).item<double>();
}

TEST(LogSumExpTest, MatchesTheFormula) {
  LogSumExpHead head = Identity(/*sharpness=*/2);
  // log((e^0 + e^2) / 2) / 2 for the values 0 and 1.
  EXPECT_NEAR(Pool(head, at::tensor({0., 1.}, at::kDouble)),
              std::log((1 + std::exp(2.)) / 2) / 2, 1e-12);
}

TEST(LogSumExpTest, LiesBetweenMeanAndMaximum) {
  const at::Tensor values = at::tensor({0.2, -0.7, 1.1, 0.4}, at::kDouble);
  double previous = values.mean().item<double>();
  for (const double sharpness : {1e-4, 1., 10., 1e4}) {
    LogSumExpHead head = Identity(sharpness);
    const double pooled = Pool(head, values);
    EXPECT_GT(pooled, previous) << sharpness;
    previous = pooled;
  }
  EXPECT_NEAR(previous, 1.1, 1e-3);
  LogSumExpHead almost_mean = Identity(1e-6);
  EXPECT_NEAR(Pool(almost_mean, values), values.mean().item<double>(), 1e-5);
}

TEST(LogSumExpTest, DoesNotOverflow) {
  LogSumExpHead head = Identity(10);
  EXPECT_NEAR(Pool(head, at::full({4}, 1e6, at::kDouble)), 1e6, 1e-6);
  EXPECT_NEAR(Pool(head, at::full({4}, -1e6, at::kDouble)), -1e6, 1e-6);
}

TEST(LogSumExpTest, GradientMatchesFiniteDifferences) {
  LogSumExpHead head = Identity(10);
  EXPECT_THAT(
      CheckGradient([&](const at::Tensor& x) { return head.forward(x).sum(); },
                    at::rand({2, 1, 3, 4}, at::kDouble)),
      IsOk());
}

}  // namespace
}  // namespace wsol
