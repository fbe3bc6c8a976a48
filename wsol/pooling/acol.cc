#include "wsol/pooling/acol.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "ATen/ATen.h"
#include "c10/util/Exception.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/conv.h"
#include "torch/nn/options/conv.h"
#include "vision/nn/weight_init.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

std::shared_ptr<torch::nn::Conv2dImpl> MakeConv(int64_t in_channels,
                                                int64_t out_channels,
                                                int64_t kernel) {
  return std::make_shared<torch::nn::Conv2dImpl>(
      torch::nn::Conv2dOptions(in_channels, out_channels, kernel)
          .padding(kernel / 2));
}

// [N, K, h, w], labels [N] -> [N, 1, h, w].
at::Tensor MapsOfLabels(const at::Tensor& maps, const at::Tensor& labels) {
  return maps.gather(
      1,
      labels.view({-1, 1, 1, 1}).expand({-1, 1, maps.size(2), maps.size(3)}));
}

// (m - min) / (max - min) of each map; 0 where it is constant.
at::Tensor Scale(const at::Tensor& maps) {
  const at::Tensor low = maps.amin({2, 3}, /*keepdim=*/true);
  const at::Tensor range = maps.amax({2, 3}, /*keepdim=*/true) - low;
  return (maps - low) / range.masked_fill(range == 0, 1);
}

}  // namespace

class AcolHead::Branch : public torch::nn::Module {
 public:
  explicit Branch(const PoolingOptions& options)
      : conv1_(register_module(
            "conv1", MakeConv(options.in_channels, options.acol_width, 3))),
        conv2_(register_module(
            "conv2", MakeConv(options.acol_width, options.acol_width, 3))),
        conv3_(register_module(
            "conv3", MakeConv(options.acol_width, options.num_classes, 1))) {}

  // Features [N, C, h, w] -> maps [N, K, h, w]; their means are the logits.
  at::Tensor forward(const at::Tensor& features) {
    return conv3_->forward(
        conv2_->forward(conv1_->forward(features).relu_()).relu_());
  }

 private:
  std::shared_ptr<torch::nn::Conv2dImpl> conv1_;
  std::shared_ptr<torch::nn::Conv2dImpl> conv2_;
  std::shared_ptr<torch::nn::Conv2dImpl> conv3_;
};

AcolHead::AcolHead(const PoolingOptions& options)
    : PoolingHead(options.in_channels, options.num_classes),
      threshold_(options.acol_threshold),
      branch_a_(register_module("branch_a", std::make_shared<Branch>(options))),
      branch_b_(
          register_module("branch_b", std::make_shared<Branch>(options))) {
  at::Generator generator = vision::MakeGenerator(options.seed);
  for (const at::Tensor& parameter : parameters()) {
    if (parameter.dim() == 4) {
      vision::XavierUniform(parameter, generator);
    } else {
      vision::FillConstant(parameter, 0);
    }
  }
}

at::Tensor AcolHead::forward(const at::Tensor& features) {
  CheckFeatures(features);
  return branch_a_->forward(features).mean(at::IntArrayRef({2, 3}));
}

AcolHead::BranchLogits AcolHead::ForwardBranches(const at::Tensor& features,
                                                 const at::Tensor& labels) {
  CheckFeatures(features);
  TORCH_CHECK(labels.dim() == 1 && labels.size(0) == features.size(0),
              "labels must be [N] for features ", features.sizes(), ", got ",
              labels.sizes());
  const at::Tensor maps = branch_a_->forward(features);
  BranchLogits logits;
  logits.a = maps.mean(at::IntArrayRef({2, 3}));
  logits.b = branch_b_->forward(Erase(features, maps, labels))
                 .mean(at::IntArrayRef({2, 3}));
  return logits;
}

at::Tensor AcolHead::Maps(const at::Tensor& features) {
  CheckFeatures(features);
  return ClassMapsOf(
      features, at::arange(num_classes(), features.options().dtype(at::kLong))
                    .expand({features.size(0), -1}));
}

at::Tensor AcolHead::ClassMapsOf(const at::Tensor& features,
                                 const at::Tensor& classes) {
  CheckFeatures(features);
  TORCH_CHECK(classes.dim() == 2 && classes.size(0) == features.size(0) &&
                  classes.size(1) > 0,
              "classes must be [N, M] with M > 0 for features ",
              features.sizes(), ", got ", classes.sizes());
  const at::Tensor maps_a = branch_a_->forward(features);
  std::vector<at::Tensor> fused;
  for (const at::Tensor& labels : classes.unbind(1)) {
    const at::Tensor maps_b =
        branch_b_->forward(Erase(features, maps_a, labels));
    fused.push_back(at::maximum(Scale(MapsOfLabels(maps_a, labels)),
                                Scale(MapsOfLabels(maps_b, labels))));
  }
  return at::cat(fused, 1);
}

at::Tensor AcolHead::class_weights() const {
  TORCH_CHECK(false,
              "ACoL has no class weights: its maps are not linear in the "
              "features");
}

at::Tensor AcolHead::Erase(const at::Tensor& features, const at::Tensor& maps,
                           const at::Tensor& labels) const {
  const at::Tensor found =
      Scale(MapsOfLabels(maps.detach(), labels)) > threshold_;
  return features.masked_fill(found, 0);
}

}  // namespace wsol
