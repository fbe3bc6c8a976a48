#include "vision/backbones/backbone.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "ATen/core/Tensor.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/dropout.h"
#include "vision/backbones/stage_transform.h"
#include "vision/nn/freeze.h"

namespace vision {

std::vector<int64_t> Backbone::FeatureSizes(int64_t size) const {
  std::vector<int64_t> sizes = strides();
  for (int64_t& stride : sizes) stride = (size + stride - 1) / stride;
  return sizes;
}

void Backbone::set_freeze_norms(bool freeze) {
  freeze_norms_ = freeze;
  train(is_training());
}

void Backbone::train(bool on) {
  torch::nn::Module::train(on);
  if (freeze_norms_) SetNormToEval(*this);
}

void Backbone::set_stage_transform(std::shared_ptr<StageTransform> transform) {
  stage_transform_ = std::move(transform);
}

at::Tensor Backbone::FinishStage(const at::Tensor& map, size_t level) const {
  if (!stage_transform_ || !is_training()) return map;
  return stage_transform_->Apply(map, static_cast<int64_t>(level));
}

void Backbone::RegisterDropout(double p) {
  dropout_ =
      register_module("dropout", std::make_shared<torch::nn::DropoutImpl>(p));
}

at::Tensor Backbone::ApplyDropout(const at::Tensor& map) const {
  return dropout_ ? dropout_->forward(map) : map;
}

}  // namespace vision
