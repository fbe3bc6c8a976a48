// A convolution with the batch norm behind it, that can become one layer.
//
//   class Block : public torch::nn::Module, public vision::ConvNormOwner {
//    public:
//     Block() : conv1_(RegisterConvNorm(
//         *this, "conv1", MakeConv2d(8, 8, 3), "bn1", MakeBatchNorm2d(8))) {}
//     at::Tensor forward(const at::Tensor& x) { return conv1_->forward(x); }
//    private:
//     std::shared_ptr<vision::ConvNormPair> conv1_;
//   };
//
// Networks hold such pairs instead of the two layers, so that FoldNorms
// (vision/nn/fold_norms.h) finds all of them, whatever the layers are called.

#ifndef VISION_NN_CONV_NORM_PAIR_H_
#define VISION_NN_CONV_NORM_PAIR_H_

#include <memory>
#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/batchnorm.h"
#include "torch/nn/modules/conv.h"

namespace vision {

// Two layers of a module, not a module itself: their keys are the owner's.
class ConvNormPair {
 public:
  ConvNormPair(torch::nn::Module& owner, std::string conv_name,
               std::shared_ptr<torch::nn::Conv2dImpl> conv,
               std::string norm_name,
               std::shared_ptr<torch::nn::BatchNorm2dImpl> norm);

  // norm(conv(x)).
  at::Tensor forward(const at::Tensor& x) const;

  // max(0, norm(conv(x))), in place on the norm's output, which its backward
  // pass does not read.
  at::Tensor ForwardRelu(const at::Tensor& x) const;

  // Replaces the convolution by one with a bias that computes norm(conv(x)) of
  // eval mode, and removes the norm from the owner:
  //   weight <- weight g / sqrt(var + eps),
  //   bias <- (bias - mean) g / sqrt(var + eps) + beta, computed in double.
  // The new parameters need no gradient; gradients still flow through. Throws
  // c10::Error if the norm is in training mode or tracks no statistics. A
  // second call does nothing.
  void Fold();

  // For a folded pair on the CPU: keeps a second copy of the weights in the
  // order that oneDNN computes with, made at the first forward pass for a size
  // of maps and again when the size changes, and computes convolution and ReLU
  // in one go. Used only where no gradient is recorded; equal to the plain
  // computation up to rounding. False, and nothing changes, if the pair is not
  // folded or this LibTorch cannot do it. Weights must not change afterwards.
  //
  // With `winograd` convolutions that it suits are computed in float32 by
  // WinogradConv (winograd_conv.h) instead: in half the time, with errors of
  // 2e-6 instead of 3e-7 of the largest value. Its copy of the weights is four
  // times as large and serves all sizes.
  bool Pack(bool winograd = false);

  bool folded() const { return norm_ == nullptr; }
  bool packed() const { return packed_ != nullptr; }
  torch::nn::Conv2dImpl& conv() const { return *conv_; }
  // Throws c10::Error if folded.
  torch::nn::BatchNorm2dImpl& norm() const;

 private:
  class PackedWeights;

  // Outlives the pair: it holds it.
  torch::nn::Module& owner_;
  const std::string conv_name_;
  const std::string norm_name_;
  std::shared_ptr<torch::nn::Conv2dImpl> conv_;
  std::shared_ptr<torch::nn::BatchNorm2dImpl> norm_;
  std::shared_ptr<PackedWeights> packed_;  // Null unless Pack() was called.
};

// Second base of modules that own pairs. Modules with it must not be moved.
class ConvNormOwner {
 public:
  virtual ~ConvNormOwner() = default;

  const std::vector<std::shared_ptr<ConvNormPair>>& conv_norm_pairs() const {
    return pairs_;
  }

 protected:
  // Registers both layers as children of `self`, the module that this is a base
  // of, the convolution first.
  std::shared_ptr<ConvNormPair> RegisterConvNorm(
      torch::nn::Module& self, const std::string& conv_name,
      std::shared_ptr<torch::nn::Conv2dImpl> conv, const std::string& norm_name,
      std::shared_ptr<torch::nn::BatchNorm2dImpl> norm);

 private:
  std::vector<std::shared_ptr<ConvNormPair>> pairs_;
};

// max(0, x + y) in place of x, in one pass where no gradient is recorded.
at::Tensor AddRelu(at::Tensor x, const at::Tensor& y);

}  // namespace vision

#endif  // VISION_NN_CONV_NORM_PAIR_H_
