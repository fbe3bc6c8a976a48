#include "fcam/decoder/constant_conv.h"

#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/Parallel.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"

namespace fcam {
namespace {

using ::testing::TensorEq;
using ::testing::TensorNear;

at::Tensor Input(int64_t n, int64_t channels, int64_t height, int64_t width) {
  return at::randn({n, channels, height, width})
      .contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor Expected(const std::vector<at::Tensor>& inputs,
                    const at::Tensor& weight) {
  return at::conv2d(at::cat(inputs, 1).to(at::kDouble), weight.to(at::kDouble),
                    {}, 1, 1);
}

TEST(ConstantConvTest, SumsTheWindowByHand) {
  // Ones everywhere and a single tap for each output: the sum of 64 channels,
  // or 0 where the tap is outside.
  const at::Tensor x =
      at::ones({1, 64, 5, 6}).contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor weight = at::zeros({2, 64, 3, 3});
  weight.select(0, 0).select(1, 0).select(1, 1).fill_(1);    // The pixel above.
  weight.select(0, 1).select(1, 1).select(1, 2).fill_(0.5);  // To the right.
  const at::Tensor y = ConvolveConstants({x}, weight);
  at::Tensor expected = at::zeros({1, 2, 5, 6});
  expected.select(1, 0).slice(1, 1).fill_(64);
  expected.select(1, 1).slice(2, 0, 5).fill_(32);
  EXPECT_THAT(y, TensorNear(expected, 1e-4));
}

TEST(ConstantConvTest, EqualsConvolutionAndItsGradient) {
  at::manual_seed(1);
  struct Case {
    std::vector<int64_t> channels;
    int64_t outputs, n, height, width;
  };
  const Case cases[] = {
      {{64}, 16, 1, 4, 4},             // One tile.
      {{64, 80}, 7, 2, 5, 9},          // Tiles past the borders, odd channels.
      {{512, 70, 1100}, 20, 1, 3, 2},  // Several slices.
      {{64}, 3, 3, 1, 1},              // One pixel.
      {{100}, 33, 2, 29, 29},
      {{1, 3}, 1, 1, 8, 5},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.height);
    std::vector<at::Tensor> inputs;
    int64_t all = 0;
    for (const int64_t channels : c.channels) {
      inputs.push_back(Input(c.n, channels, c.height, c.width));
      all += channels;
    }
    at::Tensor weight =
        (at::randn({c.outputs, all, 3, 3}) / 30).set_requires_grad(true);
    const at::Tensor y = ConvolveConstants(inputs, weight);
    EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
    const at::Tensor exact = Expected(inputs, weight);
    const double scale = exact.abs().max().item<double>();
    // Rounding of float32, some ten times that of a direct sum.
    EXPECT_THAT(y.detach().to(at::kDouble),
                TensorNear(exact.detach(), 2e-5 * scale));

    const at::Tensor weights = at::randn_like(y);
    (y * weights).sum().backward();
    const at::Tensor gradient = weight.grad().clone();
    weight.mutable_grad() = at::Tensor();
    (exact * weights.to(at::kDouble)).sum().backward();
    const double largest = weight.grad().abs().max().item<double>();
    EXPECT_THAT(gradient, TensorNear(weight.grad(), 5e-5 * largest));
  }
}

TEST(ConstantConvTest, TakesAViewOfTheWeightsAndAnyGradient) {
  at::manual_seed(2);
  const at::Tensor x = Input(2, 64, 6, 6);
  at::Tensor weight = (at::randn({5, 100, 3, 3}) / 20).set_requires_grad(true);
  const at::Tensor part = weight.narrow(1, 30, 64);
  // The sum's gradient is expanded from a scalar.
  ConvolveConstants({x}, part).sum().backward();
  const at::Tensor gradient = weight.grad().clone();
  weight.mutable_grad() = at::Tensor();
  Expected({x}, part).sum().backward();
  EXPECT_THAT(gradient, TensorNear(weight.grad(), 1e-3));
  EXPECT_EQ(gradient.narrow(1, 0, 30).abs().max().item<float>(), 0);
}

TEST(ConstantConvTest, DoesNotDependOnThreads) {
  at::manual_seed(3);
  const at::Tensor x = Input(2, 64, 13, 11);
  const at::Tensor weight = at::randn({16, 64, 3, 3});
  const at::Tensor one = ConvolveConstants({x}, weight);
  EXPECT_THAT(ConvolveConstants({x}, weight), TensorEq(one));
  const int threads = at::get_num_threads();
  at::set_num_threads(3);
  EXPECT_THAT(ConvolveConstants({x}, weight), TensorNear(one, 1e-4));
  at::set_num_threads(threads);
}

TEST(ConstantConvTest, KnowsWhatItTakes) {
  const at::Tensor x = Input(1, 64, 4, 4);
  EXPECT_TRUE(IsConstantInput(x));
  EXPECT_FALSE(IsConstantInput(at::Tensor()));
  EXPECT_FALSE(IsConstantInput(x.contiguous()));  // NCHW.
  EXPECT_FALSE(IsConstantInput(x.to(at::kDouble)));
  EXPECT_FALSE(IsConstantInput(x.clone().set_requires_grad(true)));
  const at::Tensor weight = at::zeros({2, 64, 3, 3});
  EXPECT_THROW(ConvolveConstants({}, weight), c10::Error);
  EXPECT_THROW(ConvolveConstants({x.contiguous()}, weight), c10::Error);
  EXPECT_THROW(ConvolveConstants({x, x}, weight), c10::Error);
  EXPECT_THROW(ConvolveConstants({x, Input(1, 64, 4, 5)}, weight), c10::Error);
  EXPECT_THROW(ConvolveConstants({x}, at::zeros({2, 64, 1, 1})), c10::Error);
  EXPECT_THROW(ConvolveConstants({x}, weight.to(at::kDouble)), c10::Error);
}

}  // namespace
}  // namespace fcam
