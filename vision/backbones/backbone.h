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

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/dropout.h"
#include "vision/backbones/stage_transform.h"

namespace vision {

// Feature maps f0, f1, ..., each [N, C_i, H_i, W_i], from fine to coarse. f0 is
// the network's input itself, but in VGGs, whose f0 has the input's size too.
using FeaturePyramid = std::vector<at::Tensor>;

// Child names equal torchvision's (timm's for vision transformers), so that its
// state dicts load. Modules are not thread-safe in training; a forward pass in
// eval mode changes nothing.
class Backbone : public torch::nn::Module {
 public:
  // `images`: [N, in_channels, H, W], float, normalised as the weights expect,
  // any memory format (it carries over to the maps). Throws c10::Error for
  // other shapes. Gradients flow to the images and all parameters.
  virtual FeaturePyramid forward(const at::Tensor& images) = 0;

  // C_i of each level.
  virtual std::vector<int64_t> channels() const = 0;

  // Pixels of the input per pixel of each level, about H / H_i: how exactly a
  // size is divided is a matter of paddings, see FeatureSizes.
  virtual std::vector<int64_t> strides() const = 0;

  // H_i of each level for images of height `size`, or W_i for their width.
  // Unless overridden ceil(size / strides[i]).
  virtual std::vector<int64_t> FeatureSizes(int64_t size) const;

  // Children that form the last stage ("layer4", "features.28"): fine-tuning
  // gives them and the classification head the larger learning rate.
  virtual std::vector<std::string> last_stage() const = 0;

  // Key of the weight [out, in_channels, ...] that the images meet first:
  // "conv1.weight". It is what AdaptInputChannels patches.
  virtual std::string input_weight() const = 0;

  // Whether batch norms keep and use their running statistics in training mode
  // too (their weights still train). Off at first.
  void set_freeze_norms(bool freeze);
  bool freeze_norms() const { return freeze_norms_; }

  // What is called, in training mode only, on each level that the network
  // computes, that is not on f0 where it is the input; null, as at first: none.
  // It is not part of the state dict.
  void set_stage_transform(std::shared_ptr<StageTransform> transform);

  // torch::nn::Module's, but frozen norms stay in eval mode.
  void train(bool on = true) override;

 protected:
  // Registers a dropout layer, child "dropout", for ApplyDropout. p in [0, 1).
  void RegisterDropout(double p);

  // Dropout of the last map's values, in training mode if it was registered.
  at::Tensor ApplyDropout(const at::Tensor& map) const;

  // What is to become of the output of a stage; derived classes call it for
  // each level that they compute, before ApplyDropout.
  at::Tensor FinishStage(const at::Tensor& map, size_t level) const;

 private:
  bool freeze_norms_ = false;
  std::shared_ptr<StageTransform> stage_transform_;
  std::shared_ptr<torch::nn::DropoutImpl> dropout_;
};

}  // namespace vision

#endif  // VISION_BACKBONES_BACKBONE_H_
