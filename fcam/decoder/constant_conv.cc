#include "fcam/decoder/constant_conv.h"

#include <algorithm>
#include <cstdint>

#include "ATen/ATen.h"
#include "ATen/Parallel.h"
#include "torch/csrc/autograd/custom_function.h"

namespace fcam {
namespace {

// Channels that are transformed at a time, to bound the memory.
constexpr int64_t kSlice = 256;
// Pixels of a tile's side in the output and in the input.
constexpr int64_t kOut = 4;
constexpr int64_t kIn = 6;
// Products for each tile.
constexpr int64_t kProducts = kIn * kIn;
// Channels that are transformed together: their values stay in registers or in
// the first cache.
constexpr int64_t kLane = 16;

// How an image is cut to tiles of 4 x 4 pixels, the last ones past its borders.
struct Tiling {
  Tiling(int64_t num_images, int64_t image_height, int64_t image_width)
      : images(num_images),
        height(image_height),
        width(image_width),
        rows((image_height + kOut - 1) / kOut),
        columns((image_width + kOut - 1) / kOut) {}

  int64_t size() const { return images * rows * columns; }

  int64_t images, height, width;
  // Of tiles.
  int64_t rows, columns;
};

// [36, 9]: the products' weights from those of the 3 x 3 taps, G x G with
// G = [1/4 0 0; -1/6 -1/6 -1/6; -1/6 1/6 -1/6; 1/24 1/12 1/6; 1/24 -1/12 1/6;
//      0 0 1].
at::Tensor WeightTransform() {
  static const at::Tensor& transform = *new at::Tensor([] {
    const at::Tensor g = at::tensor({1 / 4., 0., 0.,             //
                                     -1 / 6., -1 / 6., -1 / 6.,  //
                                     -1 / 6., 1 / 6., -1 / 6.,   //
                                     1 / 24., 1 / 12., 1 / 6.,   //
                                     1 / 24., -1 / 12., 1 / 6.,  //
                                     0., 0., 1.},
                                    at::kDouble)
                             .view({6, 3});
    return at::kron(g, g).to(at::kFloat);
  }());
  return transform;
}

// out = B^T in for six vectors of kLane floats that lie `stride` apart.
inline void TransformInput(const float* in, int64_t in_stride, float* out,
                           int64_t out_stride) {
  for (int64_t i = 0; i < kLane; ++i) {
    const float d0 = in[i];
    const float d1 = in[in_stride + i];
    const float d2 = in[2 * in_stride + i];
    const float d3 = in[3 * in_stride + i];
    const float d4 = in[4 * in_stride + i];
    const float d5 = in[5 * in_stride + i];
    const float even = d4 - 4 * d2;
    const float odd = d3 - 4 * d1;
    const float difference = d4 - d2;
    const float twice = 2 * (d3 - d1);
    out[i] = 4 * d0 - 5 * d2 + d4;
    out[out_stride + i] = even + odd;
    out[2 * out_stride + i] = even - odd;
    out[3 * out_stride + i] = difference + twice;
    out[4 * out_stride + i] = difference - twice;
    out[5 * out_stride + i] = 4 * d1 - 5 * d3 + d5;
  }
}

// out = A^T in: six vectors to four.
inline void TransformOutput(const float* in, int64_t in_stride, float* out,
                            int64_t out_stride) {
  for (int64_t i = 0; i < kLane; ++i) {
    const float m1 = in[in_stride + i];
    const float m2 = in[2 * in_stride + i];
    const float m3 = in[3 * in_stride + i];
    const float m4 = in[4 * in_stride + i];
    const float sum1 = m1 + m2;
    const float difference1 = m1 - m2;
    const float sum2 = m3 + m4;
    const float difference2 = m3 - m4;
    out[i] = in[i] + sum1 + sum2;
    out[out_stride + i] = difference1 + 2 * difference2;
    out[2 * out_stride + i] = sum1 + 4 * sum2;
    out[3 * out_stride + i] =
        difference1 + 8 * difference2 + in[5 * in_stride + i];
  }
}

// out = A in: four vectors to six.
inline void TransformGradient(const float* in, int64_t in_stride, float* out,
                              int64_t out_stride) {
  for (int64_t i = 0; i < kLane; ++i) {
    const float y0 = in[i];
    const float y1 = in[in_stride + i];
    const float y2 = in[2 * in_stride + i];
    const float y3 = in[3 * in_stride + i];
    const float even1 = y0 + y2;
    const float odd1 = y1 + y3;
    const float even2 = y0 + 4 * y2;
    const float odd2 = 2 * y1 + 8 * y3;
    out[i] = y0;
    out[out_stride + i] = even1 + odd1;
    out[2 * out_stride + i] = even1 - odd1;
    out[3 * out_stride + i] = even2 + odd2;
    out[4 * out_stride + i] = even2 - odd2;
    out[5 * out_stride + i] = y3;
  }
}

// Copies a square of `side` pixels of lane `channel` from a channels-last map,
// 0 where it is outside.
void LoadSquare(const float* image, const Tiling& tiling, int64_t channels,
                int64_t channel, int64_t y0, int64_t x0, int64_t side,
                float* square) {
  const int64_t count = std::min(kLane, channels - channel);
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x, square += kLane) {
      const bool inside = y0 + y >= 0 && y0 + y < tiling.height &&
                          x0 + x >= 0 && x0 + x < tiling.width;
      if (!inside) {
        std::fill_n(square, kLane, 0.f);
        continue;
      }
      std::copy_n(
          image + ((y0 + y) * tiling.width + x0 + x) * channels + channel,
          count, square);
      std::fill_n(square + count, kLane - count, 0.f);
    }
  }
}

// Calls f(tile, image, first row, first column of the tile's output).
template <typename F>
void ForEachTile(const Tiling& tiling, const F& f) {
  at::parallel_for(0, tiling.size(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t column = tile % tiling.columns;
      const int64_t row = tile / tiling.columns % tiling.rows;
      f(tile, tile / (tiling.columns * tiling.rows), row * kOut, column * kOut);
    }
  });
}

// Stores lane `channel` of the 36 values of a tile to products [36, tiles,
// channels].
void StoreProducts(const float* values, int64_t tiles, int64_t tile,
                   int64_t channels, int64_t channel, float* products) {
  const int64_t count = std::min(kLane, channels - channel);
  for (int64_t k = 0; k < kProducts; ++k) {
    std::copy_n(values + k * kLane, count,
                products + (k * tiles + tile) * channels + channel);
  }
}

// Channels [first, first + channels) of a channels-last input as [36, tiles,
// channels].
at::Tensor TransformInputs(const at::Tensor& input, const Tiling& tiling,
                           int64_t first, int64_t channels) {
  const at::Tensor products =
      at::empty({kProducts, tiling.size(), channels}, input.options());
  const int64_t all = input.size(1);
  const float* const in = input.data_ptr<float>();
  float* const out = products.data_ptr<float>();
  ForEachTile(tiling, [&](int64_t tile, int64_t n, int64_t y, int64_t x) {
    const float* image = in + n * tiling.height * tiling.width * all;
    float square[kProducts * kLane];
    float half[kProducts * kLane];
    for (int64_t c = 0; c < channels; c += kLane) {
      // `first` + c is within the lane's bounds: slices end with the input or
      // are multiples of the lane.
      LoadSquare(image, tiling, all, first + c, y - 1, x - 1, kIn, square);
      for (int64_t i = 0; i < kIn; ++i) {  // Columns, then rows.
        TransformInput(square + i * kLane, kIn * kLane, half + i * kLane,
                       kIn * kLane);
      }
      for (int64_t i = 0; i < kIn; ++i) {
        TransformInput(half + i * kIn * kLane, kLane, square + i * kIn * kLane,
                       kLane);
      }
      StoreProducts(square, tiling.size(), tile, channels, c, out);
    }
  });
  return products;
}

// The gradient of the products [36, tiles, O] from that of the output, in
// channels-last format.
at::Tensor TransformGradients(const at::Tensor& gradient,
                              const Tiling& tiling) {
  const int64_t channels = gradient.size(1);
  const at::Tensor products =
      at::empty({kProducts, tiling.size(), channels}, gradient.options());
  const float* const in = gradient.data_ptr<float>();
  float* const out = products.data_ptr<float>();
  ForEachTile(tiling, [&](int64_t tile, int64_t n, int64_t y, int64_t x) {
    const float* image = in + n * tiling.height * tiling.width * channels;
    float square[kOut * kOut * kLane];
    float half[kIn * kOut * kLane];
    float values[kProducts * kLane];
    for (int64_t c = 0; c < channels; c += kLane) {
      LoadSquare(image, tiling, channels, c, y, x, kOut, square);
      for (int64_t i = 0; i < kOut; ++i) {
        TransformGradient(square + i * kLane, kOut * kLane, half + i * kLane,
                          kOut * kLane);
      }
      for (int64_t i = 0; i < kIn; ++i) {
        TransformGradient(half + i * kOut * kLane, kLane,
                          values + i * kIn * kLane, kLane);
      }
      StoreProducts(values, tiling.size(), tile, channels, c, out);
    }
  });
  return products;
}

// The output [N, O, H, W], channels-last, from the products [36, tiles, O].
at::Tensor TransformProducts(const at::Tensor& products, const Tiling& tiling) {
  const int64_t channels = products.size(2);
  const at::Tensor output =
      at::empty({tiling.images, channels, tiling.height, tiling.width},
                products.options(), at::MemoryFormat::ChannelsLast);
  const float* const in = products.data_ptr<float>();
  float* const out = output.data_ptr<float>();
  const int64_t tiles = tiling.size();
  ForEachTile(tiling, [&](int64_t tile, int64_t n, int64_t y0, int64_t x0) {
    float* image = out + n * tiling.height * tiling.width * channels;
    float values[kProducts * kLane] = {};
    float half[kOut * kIn * kLane];
    float square[kOut * kOut * kLane];
    const int64_t rows = std::min(kOut, tiling.height - y0);
    const int64_t columns = std::min(kOut, tiling.width - x0);
    for (int64_t c = 0; c < channels; c += kLane) {
      const int64_t count = std::min(kLane, channels - c);
      for (int64_t k = 0; k < kProducts; ++k) {
        std::copy_n(in + (k * tiles + tile) * channels + c, count,
                    values + k * kLane);
      }
      for (int64_t i = 0; i < kIn; ++i) {
        TransformOutput(values + i * kLane, kIn * kLane, half + i * kLane,
                        kIn * kLane);
      }
      for (int64_t i = 0; i < kOut; ++i) {
        TransformOutput(half + i * kIn * kLane, kLane,
                        square + i * kOut * kLane, kLane);
      }
      for (int64_t y = 0; y < rows; ++y) {
        for (int64_t x = 0; x < columns; ++x) {
          std::copy_n(
              square + (y * kOut + x) * kLane, count,
              image + ((y0 + y) * tiling.width + x0 + x) * channels + c);
        }
      }
    }
  });
  return output;
}

// Calls f(input, first channel of the slice in it, channels, first channel in
// the weights) for slices of all inputs.
template <typename F>
void ForEachSlice(const std::vector<at::Tensor>& inputs, const F& f) {
  int64_t offset = 0;
  for (const at::Tensor& input : inputs) {
    for (int64_t first = 0; first < input.size(1); first += kSlice) {
      const int64_t channels = std::min(kSlice, input.size(1) - first);
      f(input, first, channels, offset + first);
    }
    offset += input.size(1);
  }
}

Tiling TilingOf(const at::Tensor& input) {
  return Tiling(input.size(0), input.size(2), input.size(3));
}

at::Tensor Forward(const std::vector<at::Tensor>& inputs,
                   const at::Tensor& weight) {
  const Tiling tiling = TilingOf(inputs[0]);
  const int64_t outputs = weight.size(0);
  at::Tensor products =
      at::zeros({kProducts, tiling.size(), outputs}, weight.options());
  ForEachSlice(inputs, [&](const at::Tensor& input, int64_t first,
                           int64_t channels, int64_t offset) {
    const at::Tensor taps = weight.narrow(1, offset, channels)
                                .permute({2, 3, 1, 0})
                                .reshape({9, channels * outputs});
    products.baddbmm_(
        TransformInputs(input, tiling, first, channels),
        at::mm(WeightTransform(), taps).view({kProducts, channels, outputs}));
  });
  return TransformProducts(products, tiling);
}

at::Tensor Backward(const std::vector<at::Tensor>& inputs,
                    const at::Tensor& gradient, at::IntArrayRef weight_size) {
  const Tiling tiling = TilingOf(inputs[0]);
  const int64_t outputs = weight_size[0];
  const at::Tensor products = TransformGradients(
      gradient.contiguous(at::MemoryFormat::ChannelsLast), tiling);
  const at::Tensor result = at::empty(weight_size, gradient.options());
  ForEachSlice(inputs, [&](const at::Tensor& input, int64_t first,
                           int64_t channels, int64_t offset) {
    const at::Tensor weights =
        at::bmm(TransformInputs(input, tiling, first, channels).transpose(1, 2),
                products);
    const at::Tensor taps = at::mm(
        WeightTransform().t(), weights.view({kProducts, channels * outputs}));
    result.narrow(1, offset, channels)
        .copy_(taps.view({3, 3, channels, outputs}).permute({3, 2, 0, 1}));
  });
  return result;
}

class ConstantConv : public torch::autograd::Function<ConstantConv> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context,
                            const std::vector<at::Tensor>& inputs,
                            const at::Tensor& weight) {
    // The inputs are nobody's outputs that want gradients: kept as they are.
    context->saved_data["inputs"] = inputs;
    context->saved_data["size"] = weight.sizes().vec();
    return Forward(inputs, weight.detach());
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* context,
      torch::autograd::variable_list gradients) {
    TORCH_CHECK(!at::GradMode::is_enabled(),
                "ConvolveConstants has no second derivative");
    return {at::Tensor(),
            Backward(context->saved_data["inputs"].toTensorVector(),
                     gradients[0], context->saved_data["size"].toIntVector())};
  }
};

}  // namespace

bool IsConstantInput(const at::Tensor& input) {
  return input.defined() && input.dim() == 4 && input.numel() > 0 &&
         !input.requires_grad() && input.device().is_cpu() &&
         input.scalar_type() == at::kFloat &&
         input.is_contiguous(at::MemoryFormat::ChannelsLast);
}

at::Tensor ConvolveConstants(const std::vector<at::Tensor>& inputs,
                             const at::Tensor& weight) {
  TORCH_CHECK(!inputs.empty(), "there are no inputs");
  int64_t channels = 0;
  for (const at::Tensor& input : inputs) {
    TORCH_CHECK(IsConstantInput(input),
                "an input is not float32 [N, C, H, W] in channels-last format "
                "without gradient");
    TORCH_CHECK(input.size(0) == inputs[0].size(0) &&
                    input.sizes().slice(2) == inputs[0].sizes().slice(2),
                "inputs have shapes ", inputs[0].sizes(), " and ",
                input.sizes(), ", expected equal N, H and W");
    channels += input.size(1);
  }
  TORCH_CHECK(weight.dim() == 4 && weight.size(1) == channels &&
                  weight.size(2) == 3 && weight.size(3) == 3 &&
                  weight.scalar_type() == at::kFloat,
              "the weight is ", weight.scalar_type(), " ", weight.sizes(),
              ", expected float32 [O, ", channels, ", 3, 3]");
  return ConstantConv::apply(inputs, weight);
}

}  // namespace fcam
