#include "vision/nn/conv_block.h"

#include <cstdint>
#include <memory>

#include "ATen/ATen.h"
#include "torch/nn/modules/batchnorm.h"
#include "torch/nn/modules/conv.h"
#include "torch/nn/options/batchnorm.h"
#include "torch/nn/options/conv.h"

namespace vision {

std::shared_ptr<torch::nn::Conv2dImpl> MakeConv2d(int64_t in_channels,
                                                  int64_t out_channels,
                                                  int64_t kernel,
                                                  int64_t stride,
                                                  int64_t groups) {
  return std::make_shared<torch::nn::Conv2dImpl>(
      torch::nn::Conv2dOptions(in_channels, out_channels, kernel)
          .stride(stride)
          .padding(kernel / 2)
          .groups(groups)
          .bias(false));
}

std::shared_ptr<torch::nn::BatchNorm2dImpl> MakeBatchNorm2d(int64_t channels) {
  return std::make_shared<torch::nn::BatchNorm2dImpl>(
      torch::nn::BatchNorm2dOptions(channels));
}

ConvNorm::ConvNorm(int64_t in_channels, int64_t out_channels, int64_t kernel,
                   int64_t stride)
    : pair_(RegisterConvNorm(
          *this, "0", MakeConv2d(in_channels, out_channels, kernel, stride),
          "1", MakeBatchNorm2d(out_channels))) {}

at::Tensor ConvNorm::forward(const at::Tensor& x) { return pair_->forward(x); }

at::Tensor ConvNormRelu::forward(const at::Tensor& x) {
  return pair().ForwardRelu(x);
}

}  // namespace vision
