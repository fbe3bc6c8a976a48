#include "fcam/losses/local_color_loss.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

at::Tensor RandomMaps(at::IntArrayRef shape) {
  return at::randn(shape, at::kDouble).softmax(1);
}

// The definition, pair by pair.
double BruteForce(const at::Tensor& maps, const at::Tensor& images,
                  const LocalColorOptions& options) {
  const auto s = maps.accessor<double, 4>();
  const auto c = images.accessor<double, 4>();
  const int64_t height = maps.size(2), width = maps.size(3);
  double sum = 0;
  int64_t pairs = 0;
  for (int64_t n = 0; n < maps.size(0); ++n) {
    for (int64_t p = 0; p < height * width; ++p) {
      for (int64_t q = p + 1; q < height * width; ++q) {
        const int64_t dy = q / width - p / width;
        const int64_t dx = q % width - p % width;
        const int64_t reach = options.radius * options.dilation;
        if (dy > reach || std::abs(dx) > reach || dy % options.dilation != 0 ||
            dx % options.dilation != 0) {
          continue;
        }
        ++pairs;
        double color = 0;
        for (int k = 0; k < 3; ++k) {
          const double d =
              c[n][k][p / width][p % width] - c[n][k][q / width][q % width];
          color += d * d;
        }
        const double w = std::exp(
            -static_cast<double>(dy * dy + dx * dx) /
                (2 * options.sigma_xy_pixels * options.sigma_xy_pixels) -
            color / (2 * options.sigma_rgb * options.sigma_rgb));
        if (w < options.gate) continue;
        sum +=
            w * (s[n][0][p / width][p % width] * s[n][1][q / width][q % width] +
                 s[n][1][p / width][p % width] * s[n][0][q / width][q % width]);
      }
    }
  }
  return sum / static_cast<double>(pairs);
}

TEST(LocalColorLossTest, IsTheDisagreementOfTwoPixelsByHand) {
  // Foreground .9 and .2, colours that differ by (3, 4, 0): 25. Distance 1.
  // exp(-1 / 8 - 25 / 200) (.1 .2 + .9 .8) = exp(-.25) .74.
  const at::Tensor maps =
      at::tensor({.1, .8, .9, .2}, at::kDouble).view({1, 2, 1, 2});
  const at::Tensor images =
      at::tensor({10., 13., 20., 24., 7., 7.}, at::kDouble).view({1, 3, 1, 2});
  LocalColorOptions options;
  options.sigma_xy_pixels = 2;
  options.sigma_rgb = 10;
  EXPECT_NEAR(LocalColorLoss(maps, images, options).item<double>(),
              std::exp(-.25) * .74, 1e-15);
  options.gate = .77;  // exp(-.25) = .7788.
  EXPECT_NEAR(LocalColorLoss(maps, images, options).item<double>(),
              std::exp(-.25) * .74, 1e-15);
  options.gate = .78;
  EXPECT_EQ(LocalColorLoss(maps, images, options).item<double>(), 0);
}

TEST(LocalColorLossTest, MatchesTheDefinition) {
  at::manual_seed(1);
  for (const int radius : {1, 2, 4}) {
    for (const int dilation : {1, 2}) {
      LocalColorOptions options;
      options.radius = radius;
      options.dilation = dilation;
      options.sigma_rgb = 60;
      options.gate = radius == 2 ? 0.1 : 0;
      const at::Tensor maps = RandomMaps({2, 2, 5, 7});
      const at::Tensor images = at::rand({2, 3, 5, 7}, at::kDouble) * 255;
      EXPECT_NEAR(LocalColorLoss(maps, images, options).item<double>(),
                  BruteForce(maps, images, options), 1e-14)
          << radius << " " << dilation;
    }
  }
}

TEST(LocalColorLossTest, IsSmallestForOutlinesAlongEdges) {
  // Left half dark, right half bright.
  at::Tensor images = at::zeros({1, 3, 8, 8}, at::kDouble);
  images.slice(3, 4).fill_(200);
  const auto loss = [&](int64_t border) {
    at::Tensor map = at::zeros({1, 1, 8, 8}, at::kDouble);
    map.slice(3, border).fill_(1);
    return LocalColorLoss(at::cat({1 - map, map}, 1), images, {})
        .item<double>();
  };
  EXPECT_LT(loss(4), 1e-12);
  EXPECT_GT(loss(3), 0.01);
  EXPECT_GT(loss(5), 0.01);
  // All of one label costs nothing: the seeds have to prevent that.
  EXPECT_EQ(loss(0), 0);
}

TEST(LocalColorLossTest, LabelsMayChangePlaces) {
  at::manual_seed(2);
  const at::Tensor maps = RandomMaps({1, 2, 6, 6});
  const at::Tensor images = at::rand({1, 3, 6, 6}, at::kDouble) * 255;
  EXPECT_NEAR(LocalColorLoss(maps, images, {}).item<double>(),
              LocalColorLoss(maps.flip(1), images, {}).item<double>(), 1e-15);
}

TEST(LocalColorLossTest, GradientMatchesFiniteDifferences) {
  at::manual_seed(3);
  LocalColorOptions options;
  options.sigma_rgb = 80;
  const at::Tensor images = at::rand({2, 3, 4, 5}, at::kDouble) * 255;
  EXPECT_THAT(::testing::CheckGradient(
                  [&](const at::Tensor& logits) {
                    return LocalColorLoss(logits.softmax(1), images, options);
                  },
                  at::randn({2, 2, 4, 5}, at::kDouble)),
              IsOk());
}

TEST(LocalColorLossTest, TakesSmallImagesAndBytes) {
  const at::Tensor map = at::full({1, 2, 1, 1}, .5f).requires_grad_();
  const at::Tensor loss = LocalColorLoss(map, at::zeros({1, 3, 1, 1}), {});
  loss.backward();
  EXPECT_EQ(loss.item<float>(), 0);
  EXPECT_TRUE((map.grad() == 0).all().item<bool>());
  EXPECT_NEAR(LocalColorLoss(at::full({1, 2, 1, 3}, .5),
                             at::zeros({1, 3, 1, 3}, at::kByte), {})
                  .item<double>(),
              .5, .02);
}

TEST(LocalColorLossTest, RefusesBadArguments) {
  const at::Tensor map = at::zeros({1, 2, 3, 3});
  EXPECT_THROW(LocalColorLoss(at::zeros({1, 3, 3, 3}), map, {}), c10::Error);
  EXPECT_THROW(LocalColorLoss(map, at::zeros({1, 3, 3, 4}), {}), c10::Error);
  EXPECT_THROW(LocalColorLoss(map, at::zeros({2, 3, 3, 3}), {}), c10::Error);
  const auto check = [](auto change, const char* text) {
    LocalColorOptions options;
    change(&options);
    EXPECT_THAT(options.Validate(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text)));
  };
  EXPECT_THAT(LocalColorOptions().Validate(), IsOk());
  check([](auto* o) { o->radius = 0; }, "radius is 0");
  check([](auto* o) { o->radius = 65; }, "radius is 65");
  check([](auto* o) { o->dilation = 0; }, "dilation is 0");
  check([](auto* o) { o->sigma_xy_pixels = 0; }, "sigma_xy_pixels is 0");
  check(
      [](auto* o) { o->sigma_rgb = std::numeric_limits<double>::quiet_NaN(); },
      "sigma_rgb is nan");
  check([](auto* o) { o->gate = 1; }, "gate is 1");
}

}  // namespace
}  // namespace fcam
