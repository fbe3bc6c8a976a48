#include "wsol/pooling/wgap.h"

#include <memory>

#include "ATen/ATen.h"
#include "c10/util/Exception.h"
#include "torch/nn/modules/linear.h"
#include "vision/nn/weight_init.h"

namespace wsol {

WgapHead::WgapHead(const PoolingOptions& options)
    : PoolingHead(options.in_channels, options.num_classes),
      fc_(register_module(
          "fc", std::make_shared<torch::nn::LinearImpl>(options.in_channels,
                                                        options.num_classes))) {
  at::Generator generator = vision::MakeGenerator(options.seed);
  vision::XavierUniform(fc_->weight, generator);
  vision::FillConstant(fc_->bias, 0);
}

at::Tensor WgapHead::forward(const at::Tensor& features) {
  CheckFeatures(features);
  return fc_->forward(features.mean(at::IntArrayRef({2, 3})));
}

at::Tensor WgapHead::Maps(const at::Tensor& /*features*/) {
  TORCH_CHECK(false, "WGAP has no maps; use the class activation map");
}

at::Tensor WgapHead::class_weights() const { return fc_->weight; }

}  // namespace wsol
