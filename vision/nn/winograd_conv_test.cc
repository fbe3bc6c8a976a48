#include "vision/nn/winograd_conv.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <tuple>

#include "ATen/ATen.h"
#include "c10/util/Exception.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"
#include "torch/nn/modules/conv.h"

namespace vision {
namespace {

using ::testing::TensorNear;

// One channel, weight 1 in the middle, 10 on the left: 10 x_left + x + bias.
TEST(WinogradConvTest, ComputesASmallCase) {
  at::Tensor weight = at::zeros({1, 1, 3, 3});
  weight[0][0][1][1] = 1;
  weight[0][0][1][0] = 10;
  const WinogradConv conv(weight, at::full({1}, 0.5f));
  const at::Tensor x = at::tensor({1.f, 2.f, -3.f, 4.f, 5.f, 6.f});
  const at::Tensor y = conv.Run(x.view({1, 1, 2, 3}), /*relu=*/false);
  EXPECT_THAT(
      y.view({6}),
      TensorNear(at::tensor({1.5f, 12.5f, 17.5f, 4.5f, 45.5f, 56.5f}), 1e-4));
  EXPECT_THAT(conv.Run(x.neg().view({1, 1, 2, 3}), true).view({6}),
              TensorNear(at::tensor({0.f, 0.f, 0.f, 0.f, 0.f, 0.f}), 1e-4));
}

class WinogradSizesTest
    : public ::testing::TestWithParam<std::tuple<int, int, int, int>> {};

TEST_P(WinogradSizesTest, IsTheConvolution) {
  const auto [count, channels, height, width] = GetParam();
  at::manual_seed(1);
  const at::Tensor x = at::randn({count, channels, height, width});
  const at::Tensor weight = at::randn({37, channels, 3, 3}) /
                            std::sqrt(9.0 * static_cast<double>(channels));
  const at::Tensor bias = at::randn({37});
  const WinogradConv conv(weight, bias);
  const at::Tensor expected =
      at::conv2d(x.to(at::kDouble), weight.to(at::kDouble),
                 bias.to(at::kDouble), 1, 1)
          .to(at::kFloat);
  const at::Tensor y = conv.Run(x, false);
  EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_FALSE(y.requires_grad());
  EXPECT_THAT(y, TensorNear(expected, 2e-5));
  EXPECT_THAT(conv.Run(x.contiguous(at::MemoryFormat::ChannelsLast), true),
              TensorNear(expected.relu(), 2e-5));
}

INSTANTIATE_TEST_SUITE_P(Sizes, WinogradSizesTest,
                         ::testing::Values(std::make_tuple(1, 1, 1, 1),
                                           std::make_tuple(2, 16, 4, 4),
                                           std::make_tuple(3, 17, 5, 9),
                                           std::make_tuple(1, 80, 28, 28),
                                           std::make_tuple(2, 40, 7, 2)));

// More tiles than are transformed at a time.
TEST(WinogradConvTest, WorksInParts) {
  at::manual_seed(2);
  const at::Tensor x = at::randn({2, 2048, 41, 60});
  const at::Tensor weight = at::randn({3, 2048, 3, 3}) / 136;
  const at::Tensor bias = at::zeros({3});
  EXPECT_THAT(WinogradConv(weight, bias).Run(x, false),
              TensorNear(at::conv2d(x, weight, bias, 1, 1), 2e-5));
}

TEST(WinogradConvTest, NanStays) {
  at::Tensor x = at::zeros({1, 1, 4, 4});
  x[0][0][1][1] = std::numeric_limits<float>::quiet_NaN();
  const WinogradConv conv(at::ones({1, 1, 3, 3}), at::zeros({1}));
  EXPECT_TRUE(conv.Run(x, true).isnan().any().item<bool>());
}

TEST(WinogradConvTest, TellsWhatItFits) {
  const auto fits = [](const torch::nn::Conv2dOptions& options) {
    return WinogradConv::Fits(torch::nn::Conv2dImpl(options));
  };
  const auto plain = [](int64_t in, int64_t out, int64_t kernel) {
    return torch::nn::Conv2dOptions(in, out, kernel).padding(1);
  };
  EXPECT_TRUE(fits(plain(64, 64, 3)));
  EXPECT_FALSE(fits(plain(32, 64, 3)));
  EXPECT_FALSE(fits(plain(64, 32, 3)));
  EXPECT_FALSE(fits(plain(64, 64, 1)));
  EXPECT_FALSE(fits(plain(64, 64, 3).stride(2)));
  EXPECT_FALSE(fits(plain(64, 64, 3).padding(0)));
  EXPECT_FALSE(fits(plain(64, 64, 3).padding(torch::kSame)));
  EXPECT_FALSE(fits(plain(64, 64, 3).dilation(2)));
  EXPECT_FALSE(fits(plain(64, 64, 3).groups(2)));
  EXPECT_FALSE(fits(plain(64, 64, 3).bias(false)));
  EXPECT_FALSE(fits(plain(64, 64, 3).padding_mode(torch::kReflect)));
  torch::nn::Conv2dImpl conv(plain(64, 64, 3));
  conv.to(at::kDouble);
  EXPECT_FALSE(WinogradConv::Fits(conv));
}

TEST(WinogradConvTest, RefusesOtherShapes) {
  EXPECT_THROW(WinogradConv(at::zeros({2, 3, 3, 1}), at::zeros({2})),
               c10::Error);
  EXPECT_THROW(WinogradConv(at::zeros({2, 3, 3, 3}), at::zeros({3})),
               c10::Error);
  const WinogradConv conv(at::zeros({2, 3, 3, 3}), at::zeros({2}));
  EXPECT_THROW(conv.Run(at::zeros({1, 2, 4, 4}), false), c10::Error);
  EXPECT_THROW(conv.Run(at::zeros({1, 3, 0, 4}), false), c10::Error);
  EXPECT_THROW(conv.Run(at::zeros({1, 3, 4, 4}, at::kDouble), false),
               c10::Error);
}

}  // namespace
}  // namespace vision
