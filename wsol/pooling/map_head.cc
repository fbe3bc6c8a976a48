#include "wsol/pooling/map_head.h"

#include <cstdint>
#include <memory>
#include <string>

#include "ATen/ATen.h"
#include "torch/nn/modules/conv.h"
#include "torch/nn/options/conv.h"
#include "vision/nn/weight_init.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

MapHead::MapHead(const PoolingOptions& options, const std::string& child,
                 int64_t modalities)
    : PoolingHead(options.in_channels, options.num_classes),
      modalities_(modalities),
      conv_(register_module(
          child,
          std::make_shared<torch::nn::Conv2dImpl>(torch::nn::Conv2dOptions(
              options.in_channels,
              (options.num_classes + (options.support_background ? 1 : 0)) *
                  modalities,
              /*kernel_size=*/1)))) {
  at::Generator generator = vision::MakeGenerator(options.seed);
  vision::XavierUniform(conv_->weight, generator);
  vision::FillConstant(conv_->bias, 0);
}

at::Tensor MapHead::forward(const at::Tensor& features) {
  return Pool(ClassMaps(features));
}

at::Tensor MapHead::Maps(const at::Tensor& features) {
  CheckFeatures(features);
  const at::Tensor maps = conv_->forward(features);
  if (modalities_ == 1) return maps;
  return maps
      .reshape({maps.size(0), maps.size(1) / modalities_, modalities_,
                maps.size(2), maps.size(3)})
      .mean(2);
}

at::Tensor MapHead::class_weights() const {
  const at::Tensor weights =
      conv_->weight.view({-1, modalities_, conv_->weight.size(1)});
  return (modalities_ == 1 ? weights.squeeze(1) : weights.mean(1))
      .narrow(0, weights.size(0) - num_classes(), num_classes());
}

}  // namespace wsol
