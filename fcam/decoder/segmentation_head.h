// The last layer of F-CAM: a 3 x 3 convolution from decoder features to the two
// logits of each pixel.
//
//   SegmentationHead head(decoder->out_channels(), /*seed=*/0);
//   at::Tensor fcams = head.forward(decoder->forward(pyramid));

#ifndef FCAM_DECODER_SEGMENTATION_HEAD_H_
#define FCAM_DECODER_SEGMENTATION_HEAD_H_

#include <cstdint>
#include <memory>

#include "ATen/core/Tensor.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/conv.h"

namespace fcam {

// Channels of its output.
inline constexpr int64_t kBackgroundChannel = 0;
inline constexpr int64_t kForegroundChannel = 1;

// Keys "0.weight" and "0.bias". Weights start Xavier uniform, the bias at 0.
class SegmentationHead : public torch::nn::Module {
 public:
  SegmentationHead(int64_t in_channels, uint64_t seed);

  // [N, in_channels, H, W] -> logits [N, 2, H, W], background then foreground.
  at::Tensor forward(const at::Tensor& features);

 private:
  std::shared_ptr<torch::nn::Conv2dImpl> conv_;
};

}  // namespace fcam

#endif  // FCAM_DECODER_SEGMENTATION_HEAD_H_
