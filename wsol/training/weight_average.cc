#include "wsol/training/weight_average.h"

#include "ATen/ATen.h"
#include "torch/nn/module.h"

namespace wsol {

WeightAverage::WeightAverage(torch::nn::Module& model, double decay)
    : decay_(decay) {
  weights_ = model.parameters();
  for (const at::Tensor& buffer : model.buffers()) weights_.push_back(buffer);
  for (const at::Tensor& weight : weights_) {
    averages_.push_back(weight.detach().clone());
  }
}

void WeightAverage::Update() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i].is_floating_point()) {
      averages_[i].lerp_(weights_[i], 1 - decay_);
    } else {
      averages_[i].copy_(weights_[i]);
    }
  }
}

void WeightAverage::Swap() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const at::Tensor copy = weights_[i].clone();
    weights_[i].copy_(averages_[i]);
    averages_[i].copy_(copy);
  }
}

}  // namespace wsol
