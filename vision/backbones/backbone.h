// A network that turns images into a pyramid of feature maps.
//
// LibTorch's C++ modules have no forward hooks: a backbone returns all levels
// that decoders and CAM methods use.
//
//   VISION_ASSIGN_OR_RETURN(auto backbone, vision::MakeBackbone("resnet50",
//   {})); const vision::FeaturePyramid pyramid = backbone->forward(images);
//   const at::Tensor last = pyramid.back();  // [N, 2048, 28, 28] for 224 x 224

#ifndef VISION_BACKBONES_BACKBONE_H_
#define VISION_BACKBONES_BACKBONE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "torch/nn/module.h"

namespace vision {

// Feature maps f0, f1, ..., each [N, C_i, H_i, W_i], from fine to coarse. In
// ResNets f0 is the network's input itself.
using FeaturePyramid = std::vector<at::Tensor>;

// Child names equal torchvision's, so that its state dicts load. Modules are
// not thread-safe in training; a forward pass in eval mode changes nothing.
class Backbone : public torch::nn::Module {
 public:
  // `images`: [N, in_channels, H, W], float, normalised as the weights expect,
  // any memory format (it carries over to the maps). Throws c10::Error for
  // other shapes. Gradients flow to the images and all parameters.
  virtual FeaturePyramid forward(const at::Tensor& images) = 0;

  // C_i of each level.
  virtual std::vector<int64_t> channels() const = 0;

  // Pixels of the input per pixel of each level: H_i = ceil(H / strides[i]).
  virtual std::vector<int64_t> strides() const = 0;

  // Children that form the last stage ("layer4"): fine-tuning gives them and
  // the classification head the larger learning rate.
  virtual std::vector<std::string> last_stage() const = 0;
};

}  // namespace vision

#endif  // VISION_BACKBONES_BACKBONE_H_
