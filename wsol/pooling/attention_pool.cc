#include "wsol/pooling/attention_pool.h"

#include <cmath>
#include <cstdint>
#include <memory>

#include "ATen/ATen.h"
#include "torch/nn/modules/linear.h"
#include "vision/nn/weight_init.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

AttentionPoolHead::AttentionPoolHead(const PoolingOptions& options)
    : PoolingHead(options.in_channels, options.num_classes),
      query_(register_parameter("query", at::zeros({options.in_channels}))),
      fc_(register_module(
          "fc", std::make_shared<torch::nn::LinearImpl>(options.in_channels,
                                                        options.num_classes))) {
  at::Generator generator = vision::MakeGenerator(options.seed);
  vision::XavierUniform(fc_->weight, generator);
  vision::FillConstant(fc_->bias, 0);
}

at::Tensor AttentionPoolHead::Attention(const at::Tensor& features) const {
  CheckFeatures(features);
  const double scale = 1 / std::sqrt(static_cast<double>(features.size(1)));
  return at::softmax(at::matmul(query_ * scale, features.flatten(2)), 1);
}

at::Tensor AttentionPoolHead::forward(const at::Tensor& features) {
  const at::Tensor attention = Attention(features);
  return fc_->forward(
      at::bmm(features.flatten(2), attention.unsqueeze(2)).squeeze(2));
}

at::Tensor AttentionPoolHead::Maps(const at::Tensor& features) {
  const at::Tensor attention = Attention(features);
  const at::Tensor evidence =
      at::matmul(fc_->weight, features.flatten(2)) + fc_->bias.unsqueeze(1);
  return (evidence * attention.unsqueeze(1) *
          static_cast<double>(attention.size(1)))
      .view({features.size(0), -1, features.size(2), features.size(3)});
}

at::Tensor AttentionPoolHead::ClassMapsOf(const at::Tensor& features,
                                          const at::Tensor& classes) {
  const at::Tensor attention = Attention(features);
  const at::Tensor flat = classes.flatten();
  const at::Tensor weights = fc_->weight.index_select(0, flat).view(
      {classes.size(0), -1, features.size(1)});
  const at::Tensor biases =
      fc_->bias.index_select(0, flat).view({classes.size(0), -1, 1});
  const at::Tensor evidence = at::baddbmm(biases, weights, features.flatten(2));
  return (evidence * attention.unsqueeze(1) *
          static_cast<double>(attention.size(1)))
      .view({features.size(0), -1, features.size(2), features.size(3)});
}

at::Tensor AttentionPoolHead::class_weights() const { return fc_->weight; }

}  // namespace wsol
