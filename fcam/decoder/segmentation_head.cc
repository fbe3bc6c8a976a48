#include "fcam/decoder/segmentation_head.h"

#include "ATen/ATen.h"
#include "vision/nn/weight_init.h"

namespace fcam {

SegmentationHead::SegmentationHead(int64_t in_channels, uint64_t seed) {
  conv_ = register_module(
      "0", std::make_shared<torch::nn::Conv2dImpl>(
               torch::nn::Conv2dOptions(in_channels, 2, 3).padding(1)));
  at::Generator generator = vision::MakeGenerator(seed);
  vision::XavierUniform(conv_->weight, generator);
  vision::FillConstant(conv_->bias, 0);
}

at::Tensor SegmentationHead::forward(const at::Tensor& features) {
  return conv_->forward(features);
}

}  // namespace fcam
