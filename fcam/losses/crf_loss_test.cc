#include "fcam/losses/crf_loss.h"

#include <cmath>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "fcam/losses/golden_inputs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/crf/dense_crf_loss.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using Method = vision::BilateralFilterMethod;

CrfLossOptions OptionsFromGolden(const nlohmann::json& inputs, Method method) {
  CrfLossOptions options;
  options.dense.filter.sigma_rgb = inputs.at("sigma_rgb");
  options.dense.filter.sigma_xy_pixels = inputs.at("sigma_xy");
  options.dense.scale = inputs.at("scale");
  options.dense.filter.method = method;
  options.published_strength = false;
  return options;
}

TEST(CrfLossTest, ComputesTwoPixelsByHand) {
  // Equal colours, distance 1, sigma 1: w = exp(-1/2) off the diagonal, 1 on
  // it. Foreground (1, 0), background (0, 1): S^T W S = 1 for each channel; two
  // channels make -2.
  const at::Tensor p =
      at::tensor({0.0, 1.0, 1.0, 0.0}, at::kDouble).view({1, 2, 1, 2});
  const at::Tensor image = at::full({1, 3, 1, 2}, 50.0);
  CrfLossOptions options;
  options.dense.filter.sigma_xy_pixels = 1;
  options.dense.filter.method = Method::kExact;
  options.published_strength = false;
  EXPECT_NEAR(CrfLoss(p, image, options).item<double>(), -2, 1e-6);
  // All foreground: 2 + 2 exp(-1/2) for channel 1, nothing for channel 0.
  const at::Tensor one =
      at::tensor({0.0, 0.0, 1.0, 1.0}, at::kDouble).view({1, 2, 1, 2});
  EXPECT_NEAR(CrfLoss(one, image, options).item<double>(),
              -2 - 2 * std::exp(-0.5), 1e-6);
}

// Figures of the published code: image and logits are small integers' formulas.
TEST(CrfLossTest, EqualsThePublishedFigures) {
  at::Tensor image = at::empty({2, 3, 6, 8}, at::kDouble);
  at::Tensor logits = at::empty({2, 2, 6, 8}, at::kDouble);
  for (int n = 0; n < 2; ++n) {
    for (int y = 0; y < 6; ++y) {
      for (int x = 0; x < 8; ++x) {
        for (int c = 0; c < 3; ++c) {
          image[n][c][y][x] = (37 * x + 91 * y + 53 * c + 17 * n) % 256;
        }
        for (int k = 0; k < 2; ++k) {
          logits[n][k][y][x] = ((3 * x + 5 * y + 7 * k + 11 * n) % 8) / 4.0 - 1;
        }
      }
    }
  }
  logits.set_requires_grad(true);
  CrfLossOptions options;
  options.dense.filter.method = Method::kLattice;
  const at::Tensor loss = CrfLoss(logits.softmax(1), image, options) * 2e-9;
  loss.backward();
  EXPECT_NEAR(loss.item<double>(), -1.0194204e-07, 1e-12);
  EXPECT_NEAR(logits.grad().abs().sum().item<double>(), 2.691006e-08, 1e-12);
  const double row[] = {3.85960e-10,  -1.20791e-10, -9.76365e-11, -1.42386e-10,
                        -4.82067e-11, -1.28064e-10, -1.13976e-10, 5.64773e-10};
  for (int x = 0; x < 8; ++x) {
    EXPECT_NEAR(logits.grad()[0][0][0][x].item<double>(), row[x], 2e-14) << x;
  }

  const at::Tensor p = logits.detach().softmax(1);
  options.dense.filter.sigma_rgb = 60;
  options.dense.filter.sigma_xy_pixels = 5;
  EXPECT_NEAR(CrfLoss(p, image, options).item<double>(), -107.296974, 2e-3);
  options.dense.filter.method = Method::kExact;
  options.published_strength = false;
  EXPECT_NEAR(CrfLoss(p, image, options).item<double>(), -210.9594, 1e-4);
  options.dense.filter.sigma_rgb = 15;
  options.dense.filter.sigma_xy_pixels = 100;
  EXPECT_NEAR(CrfLoss(p, image, options).item<double>(), -101.2005, 1e-4);
  // 3 x 4 pixels.
  options.dense.filter.sigma_rgb = 60;
  options.dense.filter.sigma_xy_pixels = 5;
  options.dense.filter.method = Method::kLattice;
  options.dense.scale = 0.5;
  EXPECT_NEAR(CrfLoss(p, image, options).item<double>(), -7.2345424, 2e-4);
}

TEST(CrfLossTest, EqualsThePublishedLattice) {
  const std::vector<nlohmann::json> cases = LossCases("crf-");
  EXPECT_EQ(cases.size(), 8u);
  for (const nlohmann::json& c : cases) {
    SCOPED_TRACE(c.at("id").get<std::string>());
    const nlohmann::json& inputs = c.at("inputs");
    const at::Tensor fcams =
        TensorFromGolden(inputs.at("fcams")).set_requires_grad(true);
    const at::Tensor loss =
        CrfLoss(fcams.softmax(1), ImagesFromGolden(inputs.at("image")),
                OptionsFromGolden(inputs, Method::kLattice)) *
        inputs.at("lambda").get<double>();
    loss.backward();
    const double value = c.at("expect").at("value");
    // The published filter works in float32, as ours.
    EXPECT_NEAR(loss.item<double>(), value, 2e-5 * std::abs(value));
    EXPECT_EQ(::testing::CompareWithGolden(c.at("expect").at("grad_fcams"),
                                           ToVector(fcams.grad()), 2e-5, 0),
              "");
  }
}

TEST(CrfLossTest, ExactMethodEqualsBruteForce) {
  int checked = 0;
  for (const nlohmann::json& c : LossCases("crf-")) {
    if (!c.at("expect").contains("crf_exact_value_no_lambda")) continue;
    SCOPED_TRACE(c.at("id").get<std::string>());
    const nlohmann::json& inputs = c.at("inputs");
    const double value =
        CrfLoss(TensorFromGolden(inputs.at("fcams")).softmax(1),
                ImagesFromGolden(inputs.at("image")),
                OptionsFromGolden(inputs, Method::kExact))
            .item<double>();
    const double expected = c.at("expect").at("crf_exact_value_no_lambda");
    EXPECT_NEAR(value, expected, 1e-9 * std::abs(expected));
    ++checked;
  }
  EXPECT_EQ(checked, 7);
}

TEST(CrfLossTest, PublishedStrengthIsTheLatticesOwn) {
  at::manual_seed(1);
  const at::Tensor p = at::randn({1, 2, 8, 8}).softmax(1);
  const at::Tensor image = at::rand({1, 3, 8, 8}) * 255;
  CrfLossOptions options;
  for (const Method method : {Method::kExact, Method::kLattice}) {
    options.dense.filter.method = method;
    options.published_strength = false;
    const double plain = CrfLoss(p, image, options).item<double>();
    options.published_strength = true;
    const double scaled = CrfLoss(p, image, options).item<double>();
    const double gain =
        method == Method::kLattice ? 1 : vision::kDenseCrfCompatGain;
    EXPECT_NEAR(scaled, gain * plain, 1e-5 * std::abs(plain));
  }
}

TEST(CrfLossTest, GradientMatchesFiniteDifferences) {
  at::manual_seed(2);
  const at::Tensor image = at::rand({2, 3, 4, 5}) * 255;
  CrfLossOptions options;
  options.dense.filter.sigma_rgb = 60;
  options.dense.filter.sigma_xy_pixels = 3;
  options.dense.filter.method = Method::kExact;
  EXPECT_THAT(::testing::CheckGradient(
                  [&](const at::Tensor& x) {
                    return CrfLoss(x.softmax(1), image, options);
                  },
                  at::randn({2, 2, 4, 5}, at::kDouble)),
              IsOk());
}

TEST(CrfLossTest, RejectsBadOptions) {
  CrfLossOptions options;
  EXPECT_THAT(options.Validate(), IsOk());
  options.dense.filter.sigma_rgb = 0;
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("sigma_rgb")));
}

}  // namespace
}  // namespace fcam
