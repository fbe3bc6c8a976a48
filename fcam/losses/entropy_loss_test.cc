#include "fcam/losses/entropy_loss.h"

#include <cmath>
#include <string>
#include <vector>

#include "ATen/ATen.h"
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

TEST(EntropyLossTest, CountsBitsByHand) {
  // Probabilities (1/2, 1/2): 1 bit. (3/4, 1/4): .75 log2(4/3) + .25 * 2 =
  // .8112781 bits. The mean of both.
  const at::Tensor logits = at::zeros({1, 2, 1, 2}, at::kDouble);
  logits[0][0][0][1] = std::log(3.0);
  const double second = .75 * std::log2(4.0 / 3) + .5;
  EXPECT_NEAR(EntropyLoss(logits).item<double>(), (1 + second) / 2, 1e-15);
}

// The figure was computed in float32.
TEST(EntropyLossTest, EqualsThePublishedFigure) {
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
  EXPECT_NEAR(EntropyLoss(logits).item<double>(), .94083077, 1e-7);
}

TEST(EntropyLossTest, EqualsTheGoldenValues) {
  const std::vector<nlohmann::json> cases = LossCases("entropy-");
  EXPECT_EQ(cases.size(), 2u);
  for (const nlohmann::json& c : cases) {
    SCOPED_TRACE(c.at("id").get<std::string>());
    const at::Tensor fcams =
        TensorFromGolden(c.at("inputs").at("fcams")).set_requires_grad(true);
    const at::Tensor loss =
        EntropyLoss(fcams) * c.at("inputs").at("lambda").get<double>();
    loss.backward();
    EXPECT_NEAR(loss.item<double>(), c.at("expect").at("value").get<double>(),
                1e-12);
    EXPECT_EQ(
        ::testing::CompareWithGolden(c.at("expect").at("grad_fcams"),
                                     ToVector(fcams.grad()), 1e-12, 1e-14),
        "");
  }
}

TEST(EntropyLossTest, LiesBetweenZeroAndTheLogarithmOfTheChannels) {
  at::manual_seed(1);
  for (const int64_t channels : {1, 2, 4}) {
    const double loss =
        EntropyLoss(at::randn({2, channels, 5, 3}, at::kDouble) * 5)
            .item<double>();
    EXPECT_GE(loss, 0);
    EXPECT_LE(loss, std::log2(channels));
  }
}

TEST(EntropyLossTest, DoesNotDependOnTheOrderOfChannelsOrAShift) {
  at::manual_seed(2);
  const at::Tensor logits = at::randn({2, 2, 4, 4}, at::kDouble);
  const double loss = EntropyLoss(logits).item<double>();
  EXPECT_NEAR(EntropyLoss(logits.flip(1) + 17).item<double>(), loss, 1e-14);
}

TEST(EntropyLossTest, GradientMatchesFiniteDifferences) {
  at::manual_seed(3);
  EXPECT_THAT(::testing::CheckGradient(EntropyLoss,
                                       at::randn({2, 3, 2, 3}, at::kDouble)),
              IsOk());
}

TEST(EntropyLossTest, IsFiniteAtSaturatedSoftmax) {
  for (const float scale : {100.f, 1e4f, 1e30f}) {
    const at::Tensor logits =
        (at::tensor({1, 0, -1, 0, 0, 1, 0, -1}, at::kFloat).view({1, 2, 2, 2}) *
         scale)
            .set_requires_grad(true);
    const at::Tensor loss = EntropyLoss(logits);
    loss.backward();
    // All four pixels are decided.
    EXPECT_TRUE(std::isfinite(loss.item<double>())) << scale;
    EXPECT_TRUE(logits.grad().isfinite().all().item<bool>()) << scale;
    EXPECT_NEAR(loss.item<double>(), 0, 1e-6) << scale;
  }
}

TEST(EntropyLossTest, RefusesOtherShapes) {
  EXPECT_THROW(EntropyLoss(at::zeros({2, 3, 3})), c10::Error);
  EXPECT_THROW(EntropyLoss(at::zeros({0, 2, 3, 3})), c10::Error);
}

}  // namespace
}  // namespace fcam
