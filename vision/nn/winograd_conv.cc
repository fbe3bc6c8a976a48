#include "vision/nn/winograd_conv.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/Parallel.h"
#include "ATen/core/grad_mode.h"
#include "absl/functional/function_ref.h"
#include "c10/util/Exception.h"
#include "torch/nn/options/conv.h"
#include "vision/base/parallel_for.h"

namespace vision {
namespace {

constexpr int kIn = 6;   // Side of an input tile.
constexpr int kOut = 4;  // Side of an output tile.
constexpr int kProducts = kIn * kIn;
// Channels that are transformed together: a line of the cache.
constexpr int kLanes = 16;
// Below, transforms cost as much as they save.
constexpr int64_t kFewestChannels = 64;
// Transformed input that is kept at a time, in floats: 64 MB.
constexpr int64_t kBufferSize = int64_t{1} << 24;

constexpr double kA = 0.70710678118654752440;  // sqrt(1/2).
constexpr double kB = 1.41421356237309504880;  // sqrt(2).

using Lanes = std::array<float, kLanes>;

// B^T x for one line of six values, lane by lane:
//   1   0  -5/2   0   1  0
//   0  -b   -2    a   1  0      and with -b, a negated
//   0  -a  -1/2   b   1  0      and with -a, b negated
//   0   1    0  -5/2  0  1
inline void TransformInput(const Lanes& x0, const Lanes& x1, const Lanes& x2,
                           const Lanes& x3, const Lanes& x4, const Lanes& x5,
                           Lanes* y0, Lanes* y1, Lanes* y2, Lanes* y3,
                           Lanes* y4, Lanes* y5) {
  constexpr float a = static_cast<float>(kA);
  constexpr float b = static_cast<float>(kB);
  for (size_t i = 0; i < kLanes; ++i) {
    const float even_a = x4[i] - 2.0f * x2[i];
    const float odd_a = a * (x3[i] - 2.0f * x1[i]);
    const float even_b = x4[i] - 0.5f * x2[i];
    const float odd_b = b * (x3[i] - 0.5f * x1[i]);
    (*y0)[i] = x0[i] - 2.5f * x2[i] + x4[i];
    (*y1)[i] = even_a + odd_a;
    (*y2)[i] = even_a - odd_a;
    (*y3)[i] = even_b + odd_b;
    (*y4)[i] = even_b - odd_b;
    (*y5)[i] = x1[i] - 2.5f * x3[i] + x5[i];
  }
}

// A^T x for one line of six values:
//   1   1    1    1    1   0
//   0   a   -a    b   -b   0
//   0  1/2  1/2   2    2   0
//   0  a/2 -a/2  2b  -2b   1
inline void TransformOutput(const Lanes& x0, const Lanes& x1, const Lanes& x2,
                            const Lanes& x3, const Lanes& x4, const Lanes& x5,
                            Lanes* y0, Lanes* y1, Lanes* y2, Lanes* y3) {
  constexpr float a = static_cast<float>(kA);
  constexpr float b = static_cast<float>(kB);
  for (size_t i = 0; i < kLanes; ++i) {
    const float sum_a = x1[i] + x2[i];
    const float difference_a = a * (x1[i] - x2[i]);
    const float sum_b = x3[i] + x4[i];
    const float difference_b = b * (x3[i] - x4[i]);
    (*y0)[i] = x0[i] + sum_a + sum_b;
    (*y1)[i] = difference_a + difference_b;
    (*y2)[i] = 0.5f * sum_a + 2.0f * sum_b;
    (*y3)[i] = 0.5f * difference_a + 2.0f * difference_b + x5[i];
  }
}

// Where tile `index` of images that are cut into rows x columns tiles begins.
struct Place {
  int64_t image, y, x;
};

Place PlaceOf(int64_t index, int64_t rows, int64_t columns) {
  return {index / (rows * columns), index / columns % rows * kOut,
          index % columns * kOut};
}

// Calls body(from, to) for parts of [0, size) on LibTorch's number of threads.
// at::parallel_for would be serial here: its header needs OpenMP.
void ForTiles(int64_t size, absl::FunctionRef<void(int64_t, int64_t)> body) {
  const int64_t threads = std::min<int64_t>(at::get_num_threads(), size);
  ParallelFor(threads, static_cast<int>(threads), [&](int64_t i) {
    body(i * size / threads, (i + 1) * size / threads);
  });
}

// G g G^T for all filters, in double: [K, C, 3, 3] -> [36, C, K].
at::Tensor TransformWeight(const at::Tensor& weight) {
  const double p = -2.0 / 3;
  const double q = 1.0 / 6;
  const at::Tensor g =
      at::tensor({1.0, 0.0, 0.0, p, p * kA, p / 2, p, -p * kA, p / 2, q, q * kB,
                  q * 2, q, -q * kB, q * 2, 0.0, 0.0, 1.0},
                 at::kDouble)
          .view({kIn, 3});
  const at::Tensor transformed =
      at::matmul(at::matmul(g, weight.detach().to(at::kDouble)), g.t());
  return transformed.permute({2, 3, 1, 0})
      .reshape({kProducts, weight.size(1), weight.size(0)})
      .to(at::kFloat)
      .contiguous();
}

}  // namespace

bool WinogradConv::Fits(const torch::nn::Conv2dImpl& conv) {
  const auto& options = conv.options;
  const auto is = [](const torch::ExpandingArray<2>& pair, int64_t value) {
    return pair->at(0) == value && pair->at(1) == value;
  };
  const auto* const padding =
      c10::get_if<torch::ExpandingArray<2>>(&options.padding());
  return is(options.kernel_size(), 3) && is(options.stride(), 1) &&
         is(options.dilation(), 1) && padding != nullptr && is(*padding, 1) &&
         c10::get_if<torch::enumtype::kZeros>(&options.padding_mode()) !=
             nullptr &&
         options.groups() == 1 && conv.bias.defined() &&
         conv.weight.scalar_type() == at::kFloat &&
         conv.weight.device().is_cpu() &&
         options.in_channels() >= kFewestChannels &&
         options.out_channels() >= kFewestChannels;
}

WinogradConv::WinogradConv(const at::Tensor& weight, const at::Tensor& bias) {
  TORCH_CHECK(weight.dim() == 4 && weight.size(2) == 3 && weight.size(3) == 3 &&
                  bias.dim() == 1 && bias.size(0) == weight.size(0),
              "weight is ", weight.sizes(), " and bias ", bias.sizes(),
              ", expected [K, C, 3, 3] and [K]");
  const at::NoGradGuard no_grad;
  in_channels_ = weight.size(1);
  out_channels_ = weight.size(0);
  weight_ = TransformWeight(weight);
  bias_ = bias.detach().to(at::kFloat).contiguous();
}

at::Tensor WinogradConv::Run(const at::Tensor& x, bool relu) const {
  TORCH_CHECK(x.dim() == 4 && x.size(1) == in_channels_ && x.numel() > 0 &&
                  x.scalar_type() == at::kFloat && x.device().is_cpu(),
              "images are ", x.sizes(), ", expected float32 [N, ", in_channels_,
              ", H, W] on the CPU");
  const at::NoGradGuard no_grad;
  const at::Tensor input = x.contiguous(at::MemoryFormat::ChannelsLast);
  const int64_t count = x.size(0);
  const int64_t height = x.size(2);
  const int64_t width = x.size(3);
  const int64_t rows = (height + kOut - 1) / kOut;
  const int64_t columns = (width + kOut - 1) / kOut;
  const int64_t tiles = count * rows * columns;
  at::Tensor output =
      at::empty({count, out_channels_, height, width},
                x.options().memory_format(at::MemoryFormat::ChannelsLast));
  const float* const in = input.data_ptr<float>();
  const float* const bias = bias_.data_ptr<float>();
  float* const out = output.data_ptr<float>();

  const int64_t step =
      std::clamp<int64_t>(kBufferSize / (kProducts * in_channels_), 1, tiles);
  for (int64_t begin = 0; begin < tiles; begin += step) {
    const int64_t size = std::min(step, tiles - begin);
    const at::Tensor transformed =
        at::empty({kProducts, size, in_channels_}, x.options());
    float* const v = transformed.data_ptr<float>();
    ForTiles(size, [&](int64_t from, int64_t to) {
      Lanes d[kIn][kIn];
      Lanes t[kIn][kIn];
      for (int64_t tile = from; tile < to; ++tile) {
        const Place place = PlaceOf(begin + tile, rows, columns);
        for (int64_t c = 0; c < in_channels_; c += kLanes) {
          const int64_t lanes = std::min<int64_t>(kLanes, in_channels_ - c);
          for (int i = 0; i < kIn; ++i) {
            for (int j = 0; j < kIn; ++j) {
              const int64_t y = place.y + i - 1;
              const int64_t z = place.x + j - 1;
              if (y < 0 || z < 0 || y >= height || z >= width) {
                d[i][j].fill(0);
                continue;
              }
              const float* const pixel =
                  in + ((place.image * height + y) * width + z) * in_channels_ +
                  c;
              if (lanes == kLanes) {
                std::copy_n(pixel, kLanes, d[i][j].data());
              } else {
                d[i][j].fill(0);
                std::copy_n(pixel, lanes, d[i][j].data());
              }
            }
          }
          for (int j = 0; j < kIn; ++j) {
            TransformInput(d[0][j], d[1][j], d[2][j], d[3][j], d[4][j], d[5][j],
                           &t[0][j], &t[1][j], &t[2][j], &t[3][j], &t[4][j],
                           &t[5][j]);
          }
          for (int i = 0; i < kIn; ++i) {
            TransformInput(t[i][0], t[i][1], t[i][2], t[i][3], t[i][4], t[i][5],
                           &d[i][0], &d[i][1], &d[i][2], &d[i][3], &d[i][4],
                           &d[i][5]);
          }
          for (int k = 0; k < kProducts; ++k) {
            std::copy_n(d[k / kIn][k % kIn].data(), lanes,
                        v + (k * size + tile) * in_channels_ + c);
          }
        }
      }
    });
    const at::Tensor products = at::bmm(transformed, weight_);
    const float* const m = products.data_ptr<float>();
    ForTiles(size, [&](int64_t from, int64_t to) {
      Lanes d[kIn][kIn];
      Lanes t[kOut][kIn];
      Lanes r[kOut];
      for (int64_t tile = from; tile < to; ++tile) {
        const Place place = PlaceOf(begin + tile, rows, columns);
        const int64_t last_i = std::min<int64_t>(kOut, height - place.y);
        const int64_t last_j = std::min<int64_t>(kOut, width - place.x);
        for (int64_t c = 0; c < out_channels_; c += kLanes) {
          const int64_t lanes = std::min<int64_t>(kLanes, out_channels_ - c);
          for (int k = 0; k < kProducts; ++k) {
            Lanes& lane = d[k / kIn][k % kIn];
            if (lanes < kLanes) lane.fill(0);
            std::copy_n(m + (k * size + tile) * out_channels_ + c, lanes,
                        lane.data());
          }
          for (int j = 0; j < kIn; ++j) {
            TransformOutput(d[0][j], d[1][j], d[2][j], d[3][j], d[4][j],
                            d[5][j], &t[0][j], &t[1][j], &t[2][j], &t[3][j]);
          }
          for (int64_t i = 0; i < last_i; ++i) {
            TransformOutput(t[i][0], t[i][1], t[i][2], t[i][3], t[i][4],
                            t[i][5], &r[0], &r[1], &r[2], &r[3]);
            for (int64_t j = 0; j < last_j; ++j) {
              float* const pixel =
                  out +
                  ((place.image * height + place.y + i) * width + place.x + j) *
                      out_channels_ +
                  c;
              const Lanes& value = r[static_cast<size_t>(j)];
              for (int64_t k = 0; k < lanes; ++k) {
                const float sum = value[static_cast<size_t>(k)] + bias[c + k];
                // NaN stays, as in ATen's relu.
                pixel[k] = relu && sum < 0 ? 0 : sum;
              }
            }
          }
        }
      }
    });
  }
  return output;
}

}  // namespace vision
