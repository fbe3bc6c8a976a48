// Convolutions without bias and batch norm, the brick of backbones and
// decoders.
//
//   auto block = register_module(
//       "conv1", std::make_shared<vision::ConvNormRelu>(64, 128, 3));
//   at::Tensor y = block->forward(x);  // [N, 64, H, W] -> [N, 128, H, W]

#ifndef VISION_NN_CONV_BLOCK_H_
#define VISION_NN_CONV_BLOCK_H_

#include <cstdint>
#include <memory>

#include "ATen/core/Tensor.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/batchnorm.h"
#include "torch/nn/modules/conv.h"
#include "vision/nn/conv_norm_pair.h"

namespace vision {

// A square convolution without bias, padded by kernel / 2 on each side, so that
// an odd kernel at stride 1 keeps the size. Its weights hold LibTorch's own
// random values until the owner sets them (vision/nn/weight_init.h).
std::shared_ptr<torch::nn::Conv2dImpl> MakeConv2d(int64_t in_channels,
                                                  int64_t out_channels,
                                                  int64_t kernel,
                                                  int64_t stride = 1,
                                                  int64_t groups = 1);

// Batch norm with LibTorch's defaults: eps 1e-5, momentum 0.1, weight 1, bias
// 0.
std::shared_ptr<torch::nn::BatchNorm2dImpl> MakeBatchNorm2d(int64_t channels);

// Convolution and batch norm, children "0" and "1" as in a torch Sequential.
//   y = norm(conv(x)), [N, in, H, W] -> [N, out, ceil(H / s), ceil(W / s)].
class ConvNorm : public torch::nn::Module, public ConvNormOwner {
 public:
  ConvNorm(int64_t in_channels, int64_t out_channels, int64_t kernel,
           int64_t stride = 1);

  at::Tensor forward(const at::Tensor& x);

  torch::nn::Conv2dImpl& conv() { return pair_->conv(); }
  // Throws c10::Error once the norm is folded.
  torch::nn::BatchNorm2dImpl& norm() { return pair_->norm(); }

 protected:
  const ConvNormPair& pair() const { return *pair_; }

 private:
  std::shared_ptr<ConvNormPair> pair_;
};

// ConvNorm followed by max(0, .); the same children and keys.
class ConvNormRelu : public ConvNorm {
 public:
  using ConvNorm::ConvNorm;

  at::Tensor forward(const at::Tensor& x);
};

}  // namespace vision

#endif  // VISION_NN_CONV_BLOCK_H_
