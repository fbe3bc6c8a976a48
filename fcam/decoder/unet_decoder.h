// The parametric upscaling of F-CAM: a U-Net decoder that turns a backbone's
// feature pyramid into one feature map of the image's resolution.
//
//   VISION_ASSIGN_OR_RETURN(auto decoder, MakeUnetDecoder(
//       backbone->channels(), UnetDecoderOptions{}));
//   at::Tensor map = decoder->forward(backbone->forward(images));

#ifndef FCAM_DECODER_UNET_DECODER_H_
#define FCAM_DECODER_UNET_DECODER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "ATen/core/Generator.h"
#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/conv.h"
#include "vision/backbones/backbone.h"
#include "vision/nn/conv_block.h"

namespace fcam {

struct UnetDecoderOptions {
  // Output channels of each block, one block a factor of 2. With as many blocks
  // as the pyramid has levels after f0, block i takes skip f_{last - 1 - i} and
  // the last block none. More blocks go on without skips; fewer leave the fine
  // levels unused and the output coarser than the image. vgg16: {256, 128, 64}.
  std::vector<int64_t> channels = {256, 128, 64, 32, 16};
  // Two 3 x 3 convolutions of constant width before the first block (vgg16).
  bool center = false;
  // Whether f0, in ResNets the image itself, is the skip after f1. The
  // published decoder leaves it out.
  bool finest_skip = false;
  // Depthwise-separable convolutions (Howard et al., MobileNets, 2017) for the
  // 3 x 3 ones: for ResNet-50 1.05 instead of 9.01 million parameters, and 1.0
  // instead of 8.5 billion multiplications for an image of 224 x 224.
  bool light = false;
  // Of the initial weights.
  uint64_t seed = 0;

  absl::Status Validate() const;
};

// One step:
//   x <- nearest(x, 2)
//   x <- bilinear(x, skip's size, align_corners) if there is a skip of another
//        size; concat(x, skip)
//   x <- relu(bn(conv3x3(x))), twice.
// NOTE(reference): where the skip is as large as x (28 -> 56 -> 28), the
// published network resizes twice as well. That is the identity: output o of n
// samples at o (2n - 1) / (n - 1) = 2o + o / (n - 1), between 2o and 2o + 1,
// which nearest interpolation made both equal to x[o]. Here x is taken as it
// is, which differs in rounding only and saves the largest map of the network.
//
// What needs no gradient and is float32 in channels-last format on the CPU, as
// the features that a fast encoder gives but not those of a plain one, is
// convolved by itself, by ConvolveConstants (constant_conv.h) if it has many
// channels; nothing is concatenated then, and no gradient of it is computed.
// Children: conv1, conv2, each with "0" (convolution) and "1" (batch norm). A
// light block has 1 x 1 convolutions there, behind 3 x 3 convolutions of each
// channel by itself, children depthwise1 and depthwise2, without norm or ReLU.
class UnetBlock : public torch::nn::Module {
 public:
  UnetBlock(int64_t in_channels, int64_t skip_channels, int64_t out_channels,
            bool light = false);

  // `x`: [N, in, h, w]; `skip`: [N, skip, H, W], undefined if skip_channels is
  // 0. Returns [N, out, H, W], or [N, out, 2 h, 2 w] without skip. Throws
  // c10::Error for other shapes. Gradients flow to both.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& skip);

  // Its two convolutions with norm.
  vision::ConvNormRelu& conv1() { return *conv1_; }
  vision::ConvNormRelu& conv2() { return *conv2_; }

  // Overwrites the convolutions' weights.
  void InitWeights(at::Generator& generator);

 private:
  // Both convolutions of cat(parts, 1).
  at::Tensor Convolve(const std::vector<at::Tensor>& parts);

  int64_t skip_channels_;
  // Null unless light.
  std::shared_ptr<torch::nn::Conv2dImpl> depthwise1_;
  std::shared_ptr<torch::nn::Conv2dImpl> depthwise2_;
  std::shared_ptr<vision::ConvNormRelu> conv1_;
  std::shared_ptr<vision::ConvNormRelu> conv2_;
};

// Children: center.0, center.1 (if asked), blocks.0, blocks.1, ... Keys equal
// those of the published checkpoints' decoder.pt. A light one has
// center_depthwise.0 and .1 before the centre's.
class UnetDecoder : public torch::nn::Module {
 public:
  // For MakeUnetDecoder, which checks the arguments first.
  UnetDecoder(const std::vector<int64_t>& feature_channels,
              const UnetDecoderOptions& options);

  // `pyramid`: f0 ... f_last as made by a backbone whose channels() the decoder
  // was built for. Returns [N, out_channels(), H, W]. Throws c10::Error for
  // another number of levels or channels.
  at::Tensor forward(const vision::FeaturePyramid& pyramid);

  // The outputs of all blocks, coarse to fine; the last is that of forward().
  std::vector<at::Tensor> ForwardBlocks(const vision::FeaturePyramid& pyramid);

  int64_t out_channels() const { return out_channels_; }

 private:
  size_t num_levels_;
  bool finest_skip_;
  int64_t out_channels_;
  std::vector<std::shared_ptr<torch::nn::Conv2dImpl>> center_depthwise_;
  std::vector<std::shared_ptr<vision::ConvNormRelu>> center_;
  std::vector<std::shared_ptr<UnetBlock>> blocks_;
};

// Builds a decoder for a pyramid with these channels, f0 first, at least two
// levels. Convolutions start Kaiming uniform (fan in), batch norms at 1 and 0.
// kInvalidArgument for bad options or channels.
absl::StatusOr<std::shared_ptr<UnetDecoder>> MakeUnetDecoder(
    const std::vector<int64_t>& feature_channels,
    const UnetDecoderOptions& options);

}  // namespace fcam

#endif  // FCAM_DECODER_UNET_DECODER_H_
