#include "fcam/losses/size_loss.h"

#include <cmath>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "fcam/losses/elb.h"
#include "fcam/losses/golden_inputs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"

namespace fcam {
namespace {

using ::testing::IsOk;

TEST(SizeLossTest, SumsTheRegionsByHand) {
  // Sizes: background 2 * .25 + 1 = 1.5, foreground 2 * .75 = 1.5; t = 1:
  // (-log 1.5 - log 1.5) / 2.
  const at::Tensor probabilities =
      at::tensor({.25, .25, 1.0, .75, .75, 0.0}, at::kDouble)
          .view({1, 2, 1, 3});
  EXPECT_NEAR(SizeLoss(probabilities, 1).item<double>(), -std::log(1.5), 1e-15);
}

// The figures were computed in float32.
TEST(SizeLossTest, EqualsThePublishedFigures) {
  at::Tensor logits = at::empty({2, 2, 6, 8}, at::kDouble);
  for (int n = 0; n < 2; ++n) {
    for (int k = 0; k < 2; ++k) {
      for (int y = 0; y < 6; ++y) {
        for (int x = 0; x < 8; ++x) {
          logits[n][k][y][x] = ((3 * x + 5 * y + 7 * k + 11 * n) % 8) / 4.0 - 1;
        }
      }
    }
  }
  logits.set_requires_grad(true);
  const at::Tensor loss = SizeLoss(logits.softmax(1), 1) * 0.1;
  loss.backward();
  EXPECT_NEAR(loss.item<double>(), -.31778368, 1e-7);
  const double expected[] = {5.473376e-06, 1.068104e-05, 1.068104e-05};
  for (int x = 0; x < 3; ++x) {
    EXPECT_NEAR(logits.grad()[0][0][0][x].item<double>(), expected[x], 1e-10);
  }
}

TEST(SizeLossTest, EqualsTheGoldenValues) {
  const std::vector<nlohmann::json> cases = LossCases("maxsize-");
  EXPECT_EQ(cases.size(), 6u);
  for (const nlohmann::json& c : cases) {
    SCOPED_TRACE(c.at("id").get<std::string>());
    const nlohmann::json& inputs = c.at("inputs");
    at::Tensor fcams = TensorFromGolden(inputs.at("fcams"));
    fcams.select(1, 1) += inputs.at("add_to_foreground").get<double>();
    fcams.set_requires_grad(true);
    ElbOptions options;
    options.init_t = inputs.at("elb").at("init");
    options.max_t = inputs.at("elb").at("max");
    options.mulcoef = inputs.at("elb").at("mul");
    ElbSchedule schedule(options);
    for (int i = 0; i < inputs.at("elb").at("updates").get<int>(); ++i) {
      schedule.Update();
    }
    const at::Tensor loss = SizeLoss(fcams.softmax(1), schedule.t()) *
                            inputs.at("lambda").get<double>();
    loss.backward();
    const nlohmann::json& expect = c.at("expect");
    const double value = expect.at("value");
    // The published t is a float32.
    const double rtol = 1e-5;
    EXPECT_NEAR(loss.item<double>(), value, rtol * std::abs(value));
    EXPECT_EQ(::testing::CompareWithGolden(
                  expect.at("sizes"), ToVector(fcams.softmax(1).sum({2, 3})),
                  1e-12, 1e-12),
              "");
    EXPECT_EQ(::testing::CompareWithGolden(expect.at("grad_fcams"),
                                           ToVector(fcams.grad()), rtol, 1e-13),
              "");
  }
}

TEST(SizeLossTest, IsTheMeanOfTwoBarriers) {
  at::manual_seed(1);
  const at::Tensor p = at::randn({3, 2, 4, 5}, at::kDouble).softmax(1);
  const at::Tensor sizes = p.sum({2, 3});
  for (const double t : {1.0, 4.0}) {
    EXPECT_NEAR(SizeLoss(p, t).item<double>(),
                (ExtendedLogBarrier(-sizes.select(1, 0), t) +
                 ExtendedLogBarrier(-sizes.select(1, 1), t))
                        .item<double>() /
                    2,
                1e-14);
  }
}

TEST(SizeLossTest, GradientMatchesFiniteDifferences) {
  at::manual_seed(2);
  EXPECT_THAT(
      ::testing::CheckGradient(
          [](const at::Tensor& x) { return SizeLoss(x.softmax(1), 1.6); },
          at::randn({2, 2, 3, 3}, at::kDouble)),
      IsOk());
}

TEST(SizeLossTest, IsFiniteWhereARegionIsEmpty) {
  at::Tensor p = at::zeros({1, 2, 3, 3});
  p.select(1, 1).fill_(1);
  p.set_requires_grad(true);
  const at::Tensor loss = SizeLoss(p, 10);
  loss.backward();
  EXPECT_TRUE(std::isfinite(loss.item<double>()));
  // The empty region is pushed to grow by t / 2.
  EXPECT_FLOAT_EQ(p.grad()[0][0][1][1].item<float>(), -5);
}

TEST(SizeLossTest, RefusesOtherShapes) {
  EXPECT_THROW(SizeLoss(at::zeros({2, 3, 3}), 1), c10::Error);
  EXPECT_THROW(SizeLoss(at::zeros({1, 3, 2, 2}), 1), c10::Error);
}

}  // namespace
}  // namespace fcam
