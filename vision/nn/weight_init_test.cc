#include "vision/nn/weight_init.h"

#include <cmath>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"

namespace vision {
namespace {

using ::testing::Not;
using ::testing::TensorEq;

// 64 outputs, 32 inputs, 3 x 3: fan_in 288, fan_out 576, 18432 values.
at::Tensor Weight() { return at::zeros({64, 32, 3, 3}, at::kDouble); }

// The k-th moment of n values is off by a few 1 / sqrt(n), here below 3 %.
constexpr double kSampling = 0.03;

void ExpectUniform(const at::Tensor& weight, double bound) {
  EXPECT_LE(weight.abs().max().item<double>(), bound);
  EXPECT_GE(weight.abs().max().item<double>(), bound * (1 - kSampling));
  EXPECT_NEAR(weight.mean().item<double>() / bound, 0, kSampling);
  // A uniform variable in [-a, a] has variance a^2 / 3.
  EXPECT_NEAR(weight.pow(2).mean().item<double>() / (bound * bound / 3), 1,
              kSampling);
}

TEST(WeightInitTest, KaimingNormalHasVarianceTwoOverFanOut) {
  const at::Tensor weight = Weight();
  at::Generator generator = MakeGenerator(1);
  KaimingNormal(weight, generator);
  const double variance = 2.0 / 576;
  EXPECT_NEAR(weight.mean().item<double>() / std::sqrt(variance), 0, kSampling);
  EXPECT_NEAR(weight.pow(2).mean().item<double>() / variance, 1, kSampling);
  // Normal, not uniform: the fourth moment is 3 variance^2 (uniform: 1.8).
  EXPECT_NEAR(weight.pow(4).mean().item<double>() / (variance * variance), 3,
              0.2);
}

TEST(WeightInitTest, UniformBoundsFollowTheFans) {
  const at::Tensor weight = Weight();
  at::Generator generator = MakeGenerator(1);
  KaimingUniform(weight, generator);
  ExpectUniform(weight, std::sqrt(6.0 / 288));
  XavierUniform(weight, generator);
  ExpectUniform(weight, std::sqrt(6.0 / (288 + 576)));
}

TEST(WeightInitTest, MatrixHasItsSidesAsFans) {
  const at::Tensor weight = at::zeros({100, 200}, at::kDouble);
  at::Generator generator = MakeGenerator(1);
  XavierUniform(weight, generator);
  ExpectUniform(weight, std::sqrt(6.0 / 300));
}

TEST(WeightInitTest, NormalAndDefaultTakeAnyShape) {
  const at::Tensor bias = at::zeros({20000}, at::kDouble);
  at::Generator generator = MakeGenerator(1);
  NormalInit(bias, 0.5, generator);
  EXPECT_NEAR(bias.std().item<double>(), 0.5, 0.02);
  EXPECT_NEAR(bias.mean().item<double>(), 0, 0.02);
  DefaultUniform(bias, /*fan_in=*/16, generator);
  ExpectUniform(bias, 0.25);
}

TEST(WeightInitTest, SameSeedSameWeights) {
  at::manual_seed(5);
  const at::Tensor a = Weight();
  at::Generator generator = MakeGenerator(3);
  KaimingNormal(a, generator);

  at::manual_seed(6);  // The global generator has no say.
  const at::Tensor b = Weight();
  generator = MakeGenerator(3);
  KaimingNormal(b, generator);
  EXPECT_THAT(b, TensorEq(a));

  KaimingNormal(b, generator);  // The next draw is another one.
  EXPECT_THAT(b, Not(TensorEq(a)));
}

TEST(WeightInitTest, OverwritesParametersOutsideOfAutograd) {
  const at::Tensor weight = at::zeros({2, 2}).requires_grad_();
  at::Generator generator = MakeGenerator(0);
  XavierUniform(weight, generator);
  FillConstant(weight, 2);
  EXPECT_THAT(weight.detach(), TensorEq(at::full({2, 2}, 2.f)));
  EXPECT_TRUE(weight.is_leaf());
}

TEST(WeightInitTest, RejectsTensorsWithoutFans) {
  at::Generator generator = MakeGenerator(0);
  EXPECT_THROW(XavierUniform(at::zeros({3}), generator), c10::Error);
}

}  // namespace
}  // namespace vision
