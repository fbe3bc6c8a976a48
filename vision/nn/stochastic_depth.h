// Drops whole residual branches of random images while training.
//
//   y = x + depth->forward(branch(x));
//
// Huang et al., Deep Networks with Stochastic Depth, ECCV 2016, with the branch
// scaled in training instead of in eval mode, as torchvision's "row" mode and
// timm's DropPath.

#ifndef VISION_NN_STOCHASTIC_DEPTH_H_
#define VISION_NN_STOCHASTIC_DEPTH_H_

#include "ATen/core/Tensor.h"
#include "torch/nn/module.h"

namespace vision {

// In training mode each image's branch becomes 0 with probability p, in [0, 1),
// and is divided by 1 - p otherwise, so that its mean stays. In eval mode the
// identity. Draws from LibTorch's default generator of the device, as its
// dropout layers do.
class StochasticDepth : public torch::nn::Module {
 public:
  explicit StochasticDepth(double p) : p_(p) {}

  // `branch`: [N, ...], may be overwritten.
  at::Tensor forward(const at::Tensor& branch) const;

  double p() const { return p_; }

 private:
  const double p_;
};

}  // namespace vision

#endif  // VISION_NN_STOCHASTIC_DEPTH_H_
