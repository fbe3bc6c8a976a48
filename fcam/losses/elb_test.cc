#include "fcam/losses/elb.h"

#include <cmath>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "fcam/losses/golden_inputs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorNear;

struct ValueAndGradient {
  double value;
  at::Tensor gradient;
};

ValueAndGradient Barrier(const std::vector<double>& f, double t) {
  const at::Tensor x = at::tensor(f, at::kDouble).set_requires_grad(true);
  const at::Tensor loss = ExtendedLogBarrier(x, t);
  loss.backward();
  return {loss.item<double>(), x.grad()};
}

TEST(ElbTest, ComputesBothBranchesByHand) {
  // t = 2, switch at -1/4. f = -1: -(1/2) log 1 = 0, slope -1/(2 * -1) = 1/2.
  // f = 0: 0 - (1/2) log(1/4) + 1/2 = log 2 + 1/2, slope 2. Then the mean.
  const ValueAndGradient result = Barrier({-1, 0}, 2);
  EXPECT_NEAR(result.value, (std::log(2) + 0.5) / 2, 1e-15);
  EXPECT_THAT(result.gradient,
              TensorNear(at::tensor({0.25, 1.0}, at::kDouble), 1e-15));
}

// Figures of the published code, computed in float32.
TEST(ElbTest, EqualsThePublishedFigures) {
  ValueAndGradient result = Barrier({-2, -1, -.5, 0, 3}, 1);
  EXPECT_NEAR(result.value, 0.9613706, 5e-8);
  EXPECT_THAT(result.gradient,
              TensorNear(at::tensor({.1, .2, .2, .2, .2}, at::kDouble), 1e-15));
  EXPECT_NEAR(Barrier({-25088}, 1).value, -10.1301451, 1e-6);
  EXPECT_NEAR(Barrier({.01}, 1).value, 1.01, 5e-8);
  result = Barrier({-2, -1, -.05, -.04, -.03, 0, 3}, 5);
  EXPECT_NEAR(result.value, 2.6408024, 3e-7);
  EXPECT_THAT(result.gradient,
              TensorNear(at::tensor({.0142857, .0285714, .5714286, .7142858,
                                     .7142857, .7142857, .7142857},
                                    at::kDouble),
                         1.5e-7));
}

TEST(ElbTest, EqualsTheGoldenValues) {
  int checked = 0;
  for (const nlohmann::json& c : LossCases("elb-t")) {
    for (const nlohmann::json& expected : c.at("expect").at("results")) {
      const auto f = expected.at("f").get<std::vector<double>>();
      const ValueAndGradient result =
          Barrier(f, c.at("inputs").at("t").get<double>());
      const double value = expected.at("value");
      // The published code has t, 1/t and -1/t^2 in float32, and so the terms.
      EXPECT_NEAR(result.value, value, 2e-7 * std::max(1.0, std::abs(value)));
      EXPECT_THAT(
          result.gradient,
          TensorNear(at::tensor(expected.at("grad").get<std::vector<double>>(),
                                at::kDouble),
                     0, 2e-7));
      ++checked;
    }
  }
  EXPECT_EQ(checked, 16);
}

TEST(ElbTest, IsContinuousAtTheSwitch) {
  for (const double t : {1.0, 1.645, 5.0, 10.0}) {
    const double boundary = -1 / (t * t);
    const ValueAndGradient below = Barrier({boundary * (1 + 1e-9)}, t);
    const ValueAndGradient at = Barrier({boundary}, t);
    const ValueAndGradient above = Barrier({boundary * (1 - 1e-9)}, t);
    EXPECT_NEAR(below.value, at.value, 1e-8);
    EXPECT_NEAR(above.value, at.value, 1e-8);
    EXPECT_NEAR(below.gradient.item<double>(), t, 1e-7);
    EXPECT_NEAR(at.gradient.item<double>(), t, 1e-12);
    EXPECT_NEAR(above.gradient.item<double>(), t, 1e-12);
  }
}

TEST(ElbTest, GrowsWithTheViolation) {
  double last = -1e300;
  for (double f = -100; f < 100; f += 0.37) {
    const double value = Barrier({f}, 3).value;
    EXPECT_GT(value, last) << f;
    last = value;
  }
}

TEST(ElbTest, GradientMatchesFiniteDifferences) {
  for (const double t : {1.0, 2.5, 8.0}) {
    EXPECT_THAT(
        ::testing::CheckGradient(
            [t](const at::Tensor& x) { return ExtendedLogBarrier(x, t); },
            at::tensor({-3.0, -0.7, -0.2, -0.01, 0.1, 4.0}, at::kDouble)),
        IsOk());
  }
}

TEST(ElbTest, GradientIsFiniteOnBothSides) {
  const ValueAndGradient result = Barrier({0, 1e300, 5, -1e300}, 10);
  EXPECT_TRUE(result.gradient.isfinite().all().item<bool>());
}

TEST(ElbTest, RefusesWhatDoesNotFit) {
  EXPECT_THROW(ExtendedLogBarrier(at::zeros({2}), 0), c10::Error);
  EXPECT_THROW(ExtendedLogBarrier(at::zeros({0}), 1), c10::Error);
}

TEST(ElbScheduleTest, EqualsTheGoldenSchedules) {
  const std::vector<nlohmann::json> cases = LossCases("elb-schedule");
  EXPECT_EQ(cases.size(), 2u);
  for (const nlohmann::json& c : cases) {
    ElbOptions options;
    options.init_t = c.at("inputs").at("init");
    options.max_t = c.at("inputs").at("max");
    options.mulcoef = c.at("inputs").at("mul");
    ElbSchedule schedule(options);
    const nlohmann::json& expect = c.at("expect");
    size_t next = 0;
    for (int epoch = 0; next < expect.at("epochs").size(); ++epoch) {
      if (expect.at("epochs")[next] == epoch) {
        const double exact = expect.at("t_exact")[next];
        EXPECT_NEAR(schedule.t(), exact, 1e-12 * exact) << epoch;
        // The published t accumulates in float32.
        EXPECT_NEAR(schedule.t(), expect.at("t")[next].get<double>(),
                    1e-5 * exact)
            << epoch;
        ++next;
      }
      EXPECT_EQ(schedule.t() == options.max_t,
                epoch >= expect.at("first_epoch_at_max").get<int>())
          << epoch;
      schedule.Update();
    }
  }
}

TEST(ElbScheduleTest, ContinuesFromASavedT) {
  ElbSchedule schedule{ElbOptions{}};
  schedule.Update();
  ElbSchedule resumed{ElbOptions{}};
  resumed.set_t(schedule.t());
  schedule.Update();
  resumed.Update();
  EXPECT_EQ(schedule.t(), resumed.t());
}

TEST(ElbOptionsTest, RejectsBadValues) {
  EXPECT_THAT(ElbOptions().Validate(), IsOk());
  ElbOptions options;
  options.init_t = 0;
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("init_t is 0, expected > 0")));
  options = ElbOptions();
  options.max_t = 0.5;
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("max_t is 0.5, expected at least init_t, 1")));
  options = ElbOptions();
  options.mulcoef = std::nan("");
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("mulcoef is nan, expected >= 1")));
}

}  // namespace
}  // namespace fcam
