#include "vision/backbones/vision_transformer.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "c10/util/Exception.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/conv.h"
#include "torch/nn/modules/dropout.h"
#include "torch/nn/modules/linear.h"
#include "torch/nn/modules/normalization.h"
#include "torch/nn/options/conv.h"
#include "torch/nn/options/normalization.h"
#include "vision/backbones/backbone.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/nn/stochastic_depth.h"
#include "vision/nn/weight_init.h"

namespace vision {
namespace {

using Linear = std::shared_ptr<torch::nn::LinearImpl>;

std::shared_ptr<torch::nn::LayerNormImpl> MakeLayerNorm(int64_t width) {
  return std::make_shared<torch::nn::LayerNormImpl>(
      torch::nn::LayerNormOptions({width}).eps(1e-6));
}

std::shared_ptr<torch::nn::DropoutImpl> MakeDropout(double p) {
  return std::make_shared<torch::nn::DropoutImpl>(p);
}

// Children qkv and proj.
class Attention : public torch::nn::Module {
 public:
  explicit Attention(const VisionTransformerOptions& options)
      : heads_(options.heads),
        qkv_(register_module("qkv", std::make_shared<torch::nn::LinearImpl>(
                                        options.width, 3 * options.width))),
        proj_(register_module("proj", std::make_shared<torch::nn::LinearImpl>(
                                          options.width, options.width))),
        dropout_(register_module("proj_drop", MakeDropout(options.dropout))) {}

  // `x`: [N, T, width]. Appends the softmax to `attention` unless null.
  at::Tensor forward(const at::Tensor& x, std::vector<at::Tensor>* attention) {
    const int64_t batch = x.size(0);
    const int64_t tokens = x.size(1);
    const int64_t width = x.size(2);
    const int64_t head_width = width / heads_;
    // [3, N, heads, T, head width].
    const at::Tensor qkv = qkv_->forward(x)
                               .reshape({batch, tokens, 3, heads_, head_width})
                               .permute({2, 0, 3, 1, 4});
    const at::Tensor q =
        qkv.select(0, 0) * (1 / std::sqrt(static_cast<double>(head_width)));
    const at::Tensor weights =
        at::matmul(q, qkv.select(0, 1).transpose(-2, -1)).softmax(-1);
    if (attention != nullptr) attention->push_back(weights);
    const at::Tensor y = at::matmul(weights, qkv.select(0, 2))
                             .transpose(1, 2)
                             .reshape({batch, tokens, width});
    return dropout_->forward(proj_->forward(y));
  }

 private:
  const int64_t heads_;
  Linear qkv_;
  Linear proj_;
  std::shared_ptr<torch::nn::DropoutImpl> dropout_;
};

// Children fc1 and fc2.
class Mlp : public torch::nn::Module {
 public:
  explicit Mlp(const VisionTransformerOptions& options)
      : fc1_(register_module(
            "fc1", std::make_shared<torch::nn::LinearImpl>(
                       options.width, options.mlp_ratio * options.width))),
        fc2_(register_module(
            "fc2", std::make_shared<torch::nn::LinearImpl>(
                       options.mlp_ratio * options.width, options.width))),
        dropout_(register_module("drop", MakeDropout(options.dropout))) {}

  at::Tensor forward(const at::Tensor& x) {
    return dropout_->forward(fc2_->forward(at::gelu(fc1_->forward(x))));
  }

 private:
  Linear fc1_;
  Linear fc2_;
  std::shared_ptr<torch::nn::DropoutImpl> dropout_;
};

// A module that does nothing but hold children.
class Holder : public torch::nn::Module {};

}  // namespace

// x + attention(norm(x)), then x + mlp(norm(x)). Children norm1, attn, norm2,
// mlp.
class TransformerBlock : public torch::nn::Module {
 public:
  TransformerBlock(const VisionTransformerOptions& options,
                   double drop_probability)
      : norm1_(register_module("norm1", MakeLayerNorm(options.width))),
        attention_(
            register_module("attn", std::make_shared<Attention>(options))),
        norm2_(register_module("norm2", MakeLayerNorm(options.width))),
        mlp_(register_module("mlp", std::make_shared<Mlp>(options))),
        depth_(register_module(
            "drop_path", std::make_shared<StochasticDepth>(drop_probability))) {
  }

  at::Tensor forward(const at::Tensor& x, std::vector<at::Tensor>* attention) {
    const at::Tensor y =
        x + depth_->forward(attention_->forward(norm1_->forward(x), attention));
    return y + depth_->forward(mlp_->forward(norm2_->forward(y)));
  }

 private:
  std::shared_ptr<torch::nn::LayerNormImpl> norm1_;
  std::shared_ptr<Attention> attention_;
  std::shared_ptr<torch::nn::LayerNormImpl> norm2_;
  std::shared_ptr<Mlp> mlp_;
  std::shared_ptr<StochasticDepth> depth_;
};

VisionTransformer::VisionTransformer(const VisionTransformerOptions& options)
    : options_(options) {
  const int64_t grid = options.image_size / options.patch;
  class_token_ =
      register_parameter("cls_token", at::zeros({1, 1, options.width}));
  positions_ = register_parameter(
      "pos_embed", at::zeros({1, 1 + grid * grid, options.width}));
  projection_ = std::make_shared<torch::nn::Conv2dImpl>(
      torch::nn::Conv2dOptions(options.in_channels, options.width,
                               options.patch)
          .stride(options.stride)
          .padding((options.patch - options.stride) / 2));
  const auto patch_embed =
      register_module("patch_embed", std::make_shared<Holder>());
  patch_embed->register_module("proj", projection_);
  dropout_ = register_module("pos_drop", MakeDropout(options.dropout));
  const auto blocks = register_module("blocks", std::make_shared<Holder>());
  for (int64_t i = 0; i < options.depth; ++i) {
    const double drop =
        options.depth == 1 ? options.stochastic_depth
                           : options.stochastic_depth * static_cast<double>(i) /
                                 static_cast<double>(options.depth - 1);
    blocks_.push_back(blocks->register_module(
        absl::StrCat(i), std::make_shared<TransformerBlock>(options, drop)));
  }
  norm_ = register_module("norm", MakeLayerNorm(options.width));
  InitWeights();
}

FeaturePyramid VisionTransformer::forward(const at::Tensor& images) {
  return Run(images, /*keep_attention=*/false).pyramid;
}

VisionTransformerOutput VisionTransformer::ForwardWithAttention(
    const at::Tensor& images) {
  return Run(images, /*keep_attention=*/true);
}

std::vector<int64_t> VisionTransformer::channels() const {
  return {options_.in_channels, options_.width};
}

std::vector<int64_t> VisionTransformer::strides() const {
  return {1, options_.stride};
}

std::vector<int64_t> VisionTransformer::FeatureSizes(int64_t size) const {
  // The padding is patch - stride in all.
  const int64_t room = size - options_.stride;
  return {size, room < 0 ? 0 : room / options_.stride + 1};
}

std::vector<std::string> VisionTransformer::last_stage() const {
  return {absl::StrCat("blocks.", blocks_.size() - 1), "norm"};
}

VisionTransformerOutput VisionTransformer::Run(const at::Tensor& images,
                                               bool keep_attention) {
  TORCH_CHECK(images.dim() == 4 && images.size(1) == options_.in_channels &&
                  images.size(2) >= options_.stride &&
                  images.size(3) >= options_.stride,
              "a vision transformer expects images [N, ", options_.in_channels,
              ", H, W] of at least one patch, got ", images.sizes());
  VisionTransformerOutput output;
  const at::Tensor patches = projection_->forward(images);  // [N, C, h, w]
  const int64_t batch = patches.size(0);
  const int64_t height = patches.size(2);
  const int64_t width = patches.size(3);
  at::Tensor x = at::cat({class_token_.expand({batch, 1, options_.width}),
                          patches.flatten(2).transpose(1, 2)},
                         1) +
                 PositionEmbedding(height, width);
  x = dropout_->forward(x);
  for (const auto& block : blocks_) {
    x = block->forward(x, keep_attention ? &output.attention : nullptr);
  }
  x = norm_->forward(x);
  output.class_token = x.select(1, 0);
  at::Tensor map = x.slice(1, 1).transpose(1, 2).reshape(
      {batch, options_.width, height, width});
  output.pyramid = {
      images,
      FinishStage(map.contiguous(images.suggest_memory_format()), /*level=*/1)};
  return output;
}

at::Tensor VisionTransformer::PositionEmbedding(int64_t height,
                                                int64_t width) const {
  const int64_t grid = options_.image_size / options_.patch;
  if (height == grid && width == grid) return positions_;
  // timm's way: the class token's own, then bicubic, antialiased when smaller.
  // In float at least: LibTorch has no bicubic resize for half precision.
  const at::ScalarType type = positions_.scalar_type();
  const at::Tensor map = positions_.slice(1, 1)
                             .to(type == at::kDouble ? at::kDouble : at::kFloat)
                             .reshape({1, grid, grid, options_.width})
                             .permute({0, 3, 1, 2});
  const at::Tensor resized =
      at::_upsample_bicubic2d_aa(map, {height, width}, /*align_corners=*/false)
          .permute({0, 2, 3, 1})
          .reshape({1, height * width, options_.width})
          .to(type);
  return at::cat({positions_.slice(1, 0, 1), resized}, 1);
}

void VisionTransformer::InitWeights() {
  at::Generator generator = MakeGenerator(options_.seed);
  for (const auto& parameter : named_parameters()) {
    if (absl::EndsWith(parameter.key(), "bias")) {
      FillConstant(parameter.value(), 0);
    } else if (parameter.value().dim() > 1) {
      NormalInit(parameter.value(), 0.02, generator);
    }
  }
  NormalInit(class_token_, 1e-6, generator);
  const int64_t fan_in = projection_->weight.numel() / options_.width;
  DefaultUniform(projection_->weight, fan_in, generator);
  DefaultUniform(projection_->bias, fan_in, generator);
}

namespace {

absl::Status FieldError(absl::string_view field, absl::string_view value,
                        absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("VisionTransformerOptions.",
                                                 field, " is ", value,
                                                 ", expected ", expected));
}

absl::Status CheckRange(absl::string_view field, int64_t value, int64_t low,
                        int64_t high) {
  if (low <= value && value <= high) return absl::OkStatus();
  return FieldError(field, absl::StrCat(value),
                    absl::StrCat(low, " to ", high));
}

absl::Status CheckProbability(absl::string_view field, double value) {
  if (value >= 0 && value < 1) return absl::OkStatus();
  return FieldError(field, absl::StrCat(value), "0 up to below 1");
}

}  // namespace

absl::Status VisionTransformerOptions::Validate() const {
  VISION_RETURN_IF_ERROR(CheckRange("width", width, 1, 1 << 16));
  VISION_RETURN_IF_ERROR(CheckRange("depth", depth, 1, 1000));
  VISION_RETURN_IF_ERROR(CheckRange("heads", heads, 1, width));
  if (width % heads != 0) {
    return FieldError("heads", absl::StrCat(heads),
                      absl::StrCat("a divisor of the width ", width));
  }
  VISION_RETURN_IF_ERROR(CheckRange("mlp_ratio", mlp_ratio, 1, 64));
  VISION_RETURN_IF_ERROR(CheckRange("patch", patch, 1, 1024));
  VISION_RETURN_IF_ERROR(CheckRange("stride", stride, 1, patch));
  if ((patch - stride) % 2 != 0) {
    return FieldError(
        "stride", absl::StrCat(stride),
        absl::StrCat("an even number less than the patch of ", patch));
  }
  VISION_RETURN_IF_ERROR(CheckRange("image_size", image_size, patch, 1 << 16));
  if (image_size % patch != 0) {
    return FieldError("image_size", absl::StrCat(image_size),
                      absl::StrCat("a multiple of the patch of ", patch));
  }
  VISION_RETURN_IF_ERROR(CheckRange("in_channels", in_channels, 1, 1 << 16));
  VISION_RETURN_IF_ERROR(CheckProbability("dropout", dropout));
  return CheckProbability("stochastic_depth", stochastic_depth);
}

absl::StatusOr<VisionTransformerOptions> VisionTransformerPreset(
    absl::string_view name, StridePreset strides) {
  VISION_RETURN_IF_ERROR(
      CheckName("vision transformer", name,
                {"vit_small_patch16_224", "deit_small_patch16_224"}));
  VisionTransformerOptions options;
  if (strides == StridePreset::kImageNet) options.stride = options.patch;
  return options;
}

absl::StatusOr<std::shared_ptr<VisionTransformer>> MakeVisionTransformer(
    const VisionTransformerOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  return CallTorch("making a vision transformer", [&] {
    return std::make_shared<VisionTransformer>(options);
  });
}

}  // namespace vision
