#include "fcam/losses/self_learning_loss.h"

#include <cmath>
#include <cstdint>
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
#include "testing/tensor_matchers.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::TensorNear;

TEST(SelfLearningLossTest, AveragesTheLabelledPixelsByHand) {
  // One image, 1 x 3 pixels, the last one ignored.
  const at::Tensor logits = at::zeros({1, 2, 1, 3}, at::kDouble);
  logits[0][1][0][0] = std::log(3.0);  // Foreground probability 3/4.
  logits[0][0][0][1] = std::log(4.0);  // Background probability 4/5.
  logits[0][1][0][2] = 1000;
  const at::Tensor labels = at::tensor({1, 0, -255}, at::kLong).view({1, 1, 3});
  EXPECT_NEAR(SelfLearningLoss(logits, labels).item<double>(),
              (std::log(4.0 / 3) + std::log(5.0 / 4)) / 2, 1e-15);
}

// The figure was computed in float32.
TEST(SelfLearningLossTest, EqualsThePublishedFigure) {
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
  at::Tensor labels = at::full({2, 6, 8}, -255, at::kLong);
  labels[0].slice(0, 1, 4).slice(1, 1, 4).fill_(1);
  labels[0].slice(0, 4, 6).slice(1, 5, 8).fill_(0);
  labels[1].slice(0, 0, 2).slice(1, 0, 2).fill_(0);
  EXPECT_NEAR(SelfLearningLoss(logits, labels).item<double>(), .72969848, 1e-7);
}

TEST(SelfLearningLossTest, EqualsTheGoldenValues) {
  const std::vector<nlohmann::json> cases = LossCases("sl-");
  EXPECT_EQ(cases.size(), 2u);
  for (const nlohmann::json& c : cases) {
    SCOPED_TRACE(c.at("id").get<std::string>());
    const nlohmann::json& inputs = c.at("inputs");
    const at::Tensor fcams =
        TensorFromGolden(inputs.at("fcams")).set_requires_grad(true);
    const at::Tensor seeds = SeedsFromGolden(inputs.at("seeds"), fcams);
    EXPECT_EQ((seeds == 1).sum().item<int64_t>(),
              c.at("expect").at("n_fg").get<int64_t>());
    const at::Tensor loss =
        SelfLearningLoss(fcams, seeds, inputs.at("ignore").get<int64_t>()) *
        inputs.at("lambda").get<double>();
    loss.backward();
    EXPECT_NEAR(loss.item<double>(), c.at("expect").at("value").get<double>(),
                1e-12);
    EXPECT_EQ(
        ::testing::CompareWithGolden(c.at("expect").at("grad_fcams"),
                                     ToVector(fcams.grad()), 1e-12, 1e-14),
        "");
  }
}

TEST(SelfLearningLossTest, IsZeroWithoutLabelledPixels) {
  const at::Tensor logits =
      at::randn({2, 2, 3, 4}, at::kDouble).set_requires_grad(true);
  const at::Tensor loss =
      SelfLearningLoss(logits, at::full({2, 3, 4}, -255, at::kLong));
  EXPECT_EQ(loss.item<double>(), 0);
  loss.backward();
  EXPECT_TRUE((logits.grad() == 0).all().item<bool>());
}

TEST(SelfLearningLossTest, UnlabelledPixelsDoNotMatter) {
  const at::Tensor labels =
      at::tensor({1, -255, 0, -255}, at::kLong).view({1, 2, 2});
  const at::Tensor logits = at::randn({1, 2, 2, 2}, at::kDouble);
  const at::Tensor other = logits.clone();
  other.select(3, 1).fill_(1e6);
  EXPECT_EQ(SelfLearningLoss(logits, labels).item<double>(),
            SelfLearningLoss(other, labels).item<double>());
}

TEST(SelfLearningLossTest, MatchesCrossEntropyOfLibTorch) {
  at::manual_seed(3);
  for (int64_t classes : {2, 5}) {
    // A channels-last map, whose memory order the pixel list must not depend
    // on.
    const at::Tensor logits = at::randn({3, classes, 7, 5}, at::kDouble)
                                  .contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor labels = at::randint(0, classes, {3, 7, 5}, at::kLong);
    labels.masked_fill_(at::rand({3, 7, 5}) < 0.7, 255);
    EXPECT_THAT(SelfLearningLoss(logits, labels, 255),
                TensorNear(at::cross_entropy_loss(logits, labels, {},
                                                  at::Reduction::Mean, 255),
                           1e-14));
  }
}

TEST(SelfLearningLossTest, GradientMatchesFiniteDifferences) {
  at::manual_seed(4);
  const at::Tensor labels =
      at::tensor({1, -255, 0, -255, 1, 1}, at::kLong).view({1, 2, 3});
  EXPECT_THAT(
      ::testing::CheckGradient(
          [&](const at::Tensor& x) { return SelfLearningLoss(x, labels); },
          at::randn({1, 2, 2, 3}, at::kDouble)),
      IsOk());
}

TEST(SelfLearningLossTest, IsFiniteAtSaturatedLogits) {
  at::Tensor logits = at::zeros({1, 2, 1, 2});
  logits.select(1, 0).fill_(1e30);
  logits.set_requires_grad(true);
  const at::Tensor loss =
      SelfLearningLoss(logits, at::ones({1, 1, 2}, at::kLong));
  loss.backward();
  EXPECT_TRUE(std::isfinite(loss.item<double>()));
  EXPECT_TRUE(logits.grad().isfinite().all().item<bool>());
}

TEST(SelfLearningLossTest, RefusesWhatDoesNotFit) {
  const at::Tensor logits = at::zeros({1, 2, 3, 4});
  const auto message = [](const at::Tensor& a,
                          const at::Tensor& b) -> std::string {
    try {
      SelfLearningLoss(a, b);
    } catch (const c10::Error& error) {
      return error.what_without_backtrace();
    }
    return "nothing thrown";
  };
  EXPECT_THAT(message(logits[0], at::zeros({1, 3, 4}, at::kLong)),
              HasSubstr("logits have shape [2, 3, 4], expected [N, C, H, W]"));
  EXPECT_THAT(message(logits, at::zeros({1, 4, 3}, at::kLong)),
              HasSubstr("labels have shape [1, 4, 3], expected [1, 3, 4]"));
  EXPECT_THAT(message(logits, at::zeros({1, 3, 4})),
              HasSubstr("labels have dtype Float, expected int64"));
  EXPECT_THAT(message(logits, at::full({1, 3, 4}, 2, at::kLong)),
              HasSubstr("index 2 is out of bounds"));
}

}  // namespace
}  // namespace fcam
