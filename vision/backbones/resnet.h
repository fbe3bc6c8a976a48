// Residual networks: torchvision's family, with WSOL strides, and small ones.
//
// Deep Residual Learning (He et al., CVPR 2016) in the form of torchvision: the
// stride of a bottleneck is in its 3 x 3 convolution; ResNeXt and Wide ResNet
// by `groups` and `base_width`. State-dict keys are torchvision's without fc.*,
// so its ImageNet weights load whatever the strides.
//
//   VISION_ASSIGN_OR_RETURN(
//       auto options, vision::ResNetPreset("resnet50", StridePreset::kWsol28));
//   VISION_ASSIGN_OR_RETURN(auto resnet, vision::MakeResNet(options));

#ifndef VISION_BACKBONES_RESNET_H_
#define VISION_BACKBONES_RESNET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/stride_preset.h"

namespace vision {

enum class ResNetBlock {
  // 3x3-BN-ReLU-3x3-BN, + identity, ReLU. Output channels: the stage's width.
  kBasic,
  // 1x1-BN-ReLU-3x3-BN-ReLU-1x1-BN, + identity, ReLU. Output: 4 x the width.
  kBottleneck,
};

// The defaults are ResNet-18 with WSOL strides.
struct ResNetOptions {
  ResNetBlock block = ResNetBlock::kBasic;
  // Blocks, width and stride of each stage (layer1, layer2, ...); the three
  // lists are equally long, 1 to 8 stages. The stride is the first block's.
  std::vector<int64_t> blocks = {2, 2, 2, 2};
  std::vector<int64_t> widths = {64, 128, 256, 512};
  std::vector<int64_t> strides = {1, 2, 1, 1};
  // Bottleneck only: its 3 x 3 convolution has width * base_width / 64 * groups
  // channels. Basic blocks need 64 and 1.
  int64_t base_width = 64;
  int64_t groups = 1;

  // The stem: a convolution of odd kernel, BN, ReLU (this is f1), then a 3 x 3
  // max pool of stride 2 if asked.
  int64_t stem_kernel = 7;
  int64_t stem_stride = 2;
  int64_t stem_width = 64;
  bool stem_max_pool = true;

  int64_t in_channels = 3;
  // Start each block as the identity: weight 0 in its last batch norm (Goyal et
  // al., 2017).
  bool zero_init_last_norm = false;
  // Probability of dropout on the last stage's output, in [0, 1).
  double dropout = 0;
  // Of the initial weights: convolutions Kaiming normal (fan out), BN 1 and 0.
  uint64_t seed = 0;

  // kInvalidArgument names the field, its value and what is allowed.
  absl::Status Validate() const;
};

// Options of resnet18, resnet34, resnet50, resnet101, resnet152,
// resnext50_32x4d and wide_resnet50_2. kInvalidArgument lists these names.
absl::StatusOr<ResNetOptions> ResNetPreset(absl::string_view name,
                                           StridePreset strides);

// A small network for 2 cores and images of about 96 pixels: 3 x 3 stem of
// stride 2 without max pool, basic blocks {1, 1, 1, 1} of widths
// {32, 64, 96, 128}, strides {1, 2, 2, 1}. f1 and f2 have half the image's
// size, f3 a quarter, f4 and f5 an eighth (12 x 12 for 96 x 96). 0.49 million
// parameters.
ResNetOptions ResNetSmallOptions();

// Builds the network with initial weights. Its pyramid is the images, the
// stem's output, and the output of each stage. Child names: conv1, bn1,
// layer1.0.conv1, layer1.0.bn1, layer1.0.downsample.0, ...
absl::StatusOr<std::shared_ptr<Backbone>> MakeResNet(
    const ResNetOptions& options);

}  // namespace vision

#endif  // VISION_BACKBONES_RESNET_H_
