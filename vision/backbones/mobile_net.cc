#include "vision/backbones/mobile_net.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/core/grad_mode.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "c10/util/Exception.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/batchnorm.h"
#include "torch/nn/modules/conv.h"
#include "torch/nn/options/batchnorm.h"
#include "torch/nn/options/conv.h"
#include "vision/backbones/backbone.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/nn/conv_block.h"
#include "vision/nn/conv_norm_pair.h"
#include "vision/nn/stochastic_depth.h"
#include "vision/nn/weight_init.h"

namespace vision {
namespace {

enum class Activation { kNone, kRelu, kHardSwish, kSilu };

// In place where no gradient is recorded: but for ReLU's, the backward passes
// read the input.
at::Tensor Activate(at::Tensor x, Activation activation) {
  const bool in_place = !at::GradMode::is_enabled();
  switch (activation) {
    case Activation::kNone:
      break;
    case Activation::kRelu:
      return x.relu_();
    case Activation::kHardSwish:
      return in_place ? at::hardswish_(x) : at::hardswish(x);
    case Activation::kSilu:
      return in_place ? at::silu_(x) : at::silu(x);
  }
  return x;
}

class Layer : public torch::nn::Module {
 public:
  virtual at::Tensor forward(const at::Tensor& x) = 0;
};

// Convolution, norm and activation; children "0" and "1".
class ConvNormAct : public Layer, public ConvNormOwner {
 public:
  ConvNormAct(int64_t in_channels, int64_t out_channels, int64_t kernel,
              int64_t stride, int64_t groups,
              const torch::nn::BatchNorm2dOptions& norm, Activation activation)
      : activation_(activation),
        pair_(RegisterConvNorm(
            *this, "0",
            MakeConv2d(in_channels, out_channels, kernel, stride, groups), "1",
            std::make_shared<torch::nn::BatchNorm2dImpl>(norm))) {}

  at::Tensor forward(const at::Tensor& x) override {
    return Activate(pair_->forward(x), activation_);
  }

 private:
  const Activation activation_;
  std::shared_ptr<ConvNormPair> pair_;
};

// Hu et al., Squeeze-and-Excitation Networks, CVPR 2018. Children fc1, fc2.
class SqueezeExcitation : public Layer {
 public:
  // `hard`: a piecewise linear sigmoid and ReLU instead of sigmoid and SiLU.
  SqueezeExcitation(int64_t channels, int64_t squeezed, bool hard)
      : hard_(hard),
        fc1_(register_module("fc1", MakeFc(channels, squeezed))),
        fc2_(register_module("fc2", MakeFc(squeezed, channels))) {}

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor scale = fc1_->forward(x.mean({2, 3}, /*keepdim=*/true));
    scale = Activate(scale, hard_ ? Activation::kRelu : Activation::kSilu);
    scale = fc2_->forward(scale);
    return x * (hard_ ? at::hardsigmoid(scale) : at::sigmoid(scale));
  }

 private:
  static std::shared_ptr<torch::nn::Conv2dImpl> MakeFc(int64_t in,
                                                       int64_t out) {
    return std::make_shared<torch::nn::Conv2dImpl>(
        torch::nn::Conv2dOptions(in, out, 1));
  }

  const bool hard_;
  std::shared_ptr<torch::nn::Conv2dImpl> fc1_;
  std::shared_ptr<torch::nn::Conv2dImpl> fc2_;
};

// Layers one after the other, children "0", "1", ...
class Chain : public Layer {
 public:
  void Add(std::shared_ptr<Layer> layer) {
    layers_.push_back(
        register_module(absl::StrCat(layers_.size()), std::move(layer)));
  }

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = x;
    for (const auto& layer : layers_) y = layer->forward(y);
    return y;
  }

 private:
  std::vector<std::shared_ptr<Layer>> layers_;
};

// Columns of the papers' tables.
struct BlockSpec {
  int64_t kernel;
  int64_t in_channels;
  int64_t expanded;
  int64_t out_channels;
  int64_t squeezed;  // 0: no squeeze and excitation.
  Activation activation;
  int64_t stride;
};

// Child "block".
class InvertedResidual : public Layer {
 public:
  InvertedResidual(const BlockSpec& spec, MobileNetKind kind,
                   double drop_probability)
      : has_identity_(spec.stride == 1 &&
                      spec.in_channels == spec.out_channels),
        block_(register_module("block", std::make_shared<Chain>())) {
    const auto conv = [&](int64_t in, int64_t out, int64_t kernel,
                          int64_t stride, int64_t groups, Activation act) {
      block_->Add(std::make_shared<ConvNormAct>(in, out, kernel, stride, groups,
                                                NormOptions(kind, out), act));
    };
    if (spec.expanded != spec.in_channels) {
      conv(spec.in_channels, spec.expanded, 1, 1, 1, spec.activation);
    }
    conv(spec.expanded, spec.expanded, spec.kernel, spec.stride, spec.expanded,
         spec.activation);
    if (spec.squeezed > 0) {
      block_->Add(std::make_shared<SqueezeExcitation>(
          spec.expanded, spec.squeezed,
          /*hard=*/kind == MobileNetKind::kMobileNetV3Large));
    }
    conv(spec.expanded, spec.out_channels, 1, 1, 1, Activation::kNone);
    if (has_identity_ && drop_probability > 0) {
      stochastic_depth_ =
          register_module("stochastic_depth",
                          std::make_shared<StochasticDepth>(drop_probability));
    }
  }

  at::Tensor forward(const at::Tensor& x) override {
    at::Tensor y = block_->forward(x);
    if (!has_identity_) return y;
    if (stochastic_depth_) y = stochastic_depth_->forward(y);
    return y.add_(x);
  }

  static torch::nn::BatchNorm2dOptions NormOptions(MobileNetKind kind,
                                                   int64_t channels) {
    torch::nn::BatchNorm2dOptions options(channels);
    if (kind == MobileNetKind::kMobileNetV3Large) {
      options.eps(1e-3).momentum(0.01);
    }
    return options;
  }

 private:
  const bool has_identity_;
  std::shared_ptr<Chain> block_;
  std::shared_ptr<StochasticDepth> stochastic_depth_;  // Null if never.
};

// A child of "features" and the level of the pyramid that it belongs to.
struct Step {
  std::shared_ptr<Layer> layer;
  int level;
};

// The nearest multiple of 8, but never below nine tenths.
int64_t RoundToEight(double width) {
  const int64_t rounded =
      std::max<int64_t>(8, static_cast<int64_t>(width + 4) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * width ? rounded + 8 : rounded;
}

// Table 1 of the paper: kernel, expanded, out, squeeze, hard swish, and the
// level of the output.
struct MobileRow {
  int64_t kernel;
  int64_t expanded;
  int64_t out_channels;
  bool squeeze;
  bool hard_swish;
  int level;
};

constexpr MobileRow kMobileNetV3Large[] = {
    {3, 16, 16, false, false, 1}, {3, 64, 24, false, false, 2},
    {3, 72, 24, false, false, 2}, {5, 72, 40, true, false, 3},
    {5, 120, 40, true, false, 3}, {5, 120, 40, true, false, 3},
    {3, 240, 80, false, true, 4}, {3, 200, 80, false, true, 4},
    {3, 184, 80, false, true, 4}, {3, 184, 80, false, true, 4},
    {3, 480, 112, true, true, 4}, {3, 672, 112, true, true, 4},
    {5, 672, 160, true, true, 5}, {5, 960, 160, true, true, 5},
    {5, 960, 160, true, true, 5},
};

// Table 1 of the paper: expansion, kernel, out, blocks, and the level of the
// output. Stages 4 and 5 share a size, and so do 6 and 7.
struct EfficientRow {
  int64_t expansion;
  int64_t kernel;
  int64_t out_channels;
  int64_t blocks;
  int level;
};

constexpr EfficientRow kEfficientNetB0[] = {
    {1, 3, 16, 1, 1},  {6, 3, 24, 2, 2},  {6, 5, 40, 2, 3},  {6, 3, 80, 3, 4},
    {6, 5, 112, 3, 4}, {6, 5, 192, 4, 5}, {6, 3, 320, 1, 5},
};

constexpr int kLevels = 6;

// Children of "features" and output channels of each level but f0.
struct Layout {
  std::vector<Step> steps;
  std::vector<int64_t> channels;
};

// Counts strides and blocks while the rows of a table are read.
class LayoutBuilder {
 public:
  LayoutBuilder(const MobileNetOptions& options, int64_t stem_width,
                Activation activation, int64_t total_blocks)
      : options_(options), channels_(stem_width), total_(total_blocks) {
    Add(std::make_shared<ConvNormAct>(
            options.in_channels, stem_width, 3, 2, 1,
            InvertedResidual::NormOptions(options.kind, stem_width),
            activation),
        1);
  }

  std::shared_ptr<InvertedResidual> NextBlock(int64_t kernel, int64_t expanded,
                                              int64_t out_channels,
                                              int64_t squeezed,
                                              Activation activation,
                                              int level) {
    BlockSpec spec{kernel,   channels_,  expanded, out_channels,
                   squeezed, activation, 1};
    // The stride comes with the first block of a level.
    if (level != level_) spec.stride = options_.strides[level - 2];
    level_ = level;
    channels_ = out_channels;
    const double drop = options_.stochastic_depth *
                        static_cast<double>(index_++) /
                        static_cast<double>(total_);
    return std::make_shared<InvertedResidual>(spec, options_.kind, drop);
  }

  void Add(std::shared_ptr<Layer> layer, int level) {
    layout_.steps.push_back({std::move(layer), level});
    layout_.channels.resize(static_cast<size_t>(level));
    layout_.channels.back() = channels_;
  }

  void AddLastConv(int64_t width, Activation activation) {
    auto conv = std::make_shared<ConvNormAct>(
        channels_, width, 1, 1, 1,
        InvertedResidual::NormOptions(options_.kind, width), activation);
    channels_ = width;
    Add(std::move(conv), kLevels - 1);
  }

  int64_t channels() const { return channels_; }
  Layout Take() { return std::move(layout_); }

 private:
  const MobileNetOptions& options_;
  int64_t channels_;
  const int64_t total_;
  int64_t index_ = 0;
  int level_ = 1;
  Layout layout_;
};

Layout MobileNetV3Layout(const MobileNetOptions& options) {
  LayoutBuilder builder(options, 16, Activation::kHardSwish,
                        std::size(kMobileNetV3Large));
  for (const MobileRow& row : kMobileNetV3Large) {
    const int64_t squeezed =
        row.squeeze ? RoundToEight(static_cast<double>(row.expanded / 4)) : 0;
    auto block = builder.NextBlock(
        row.kernel, row.expanded, row.out_channels, squeezed,
        row.hard_swish ? Activation::kHardSwish : Activation::kRelu, row.level);
    builder.Add(std::move(block), row.level);
  }
  builder.AddLastConv(6 * builder.channels(), Activation::kHardSwish);
  return builder.Take();
}

Layout EfficientNetLayout(const MobileNetOptions& options) {
  int64_t total = 0;
  for (const EfficientRow& row : kEfficientNetB0) total += row.blocks;
  LayoutBuilder builder(options, 32, Activation::kSilu, total);
  for (const EfficientRow& row : kEfficientNetB0) {
    auto stage = std::make_shared<Chain>();
    for (int64_t i = 0; i < row.blocks; ++i) {
      const int64_t in_channels = builder.channels();
      stage->Add(builder.NextBlock(
          row.kernel, row.expansion * in_channels, row.out_channels,
          /*squeezed=*/in_channels / 4, Activation::kSilu, row.level));
    }
    builder.Add(std::move(stage), row.level);
  }
  builder.AddLastConv(4 * builder.channels(), Activation::kSilu);
  return builder.Take();
}

class MobileNet : public Backbone {
 public:
  // `options` are valid.
  explicit MobileNet(const MobileNetOptions& options)
      : options_(options),
        layout_(options.kind == MobileNetKind::kMobileNetV3Large
                    ? MobileNetV3Layout(options)
                    : EfficientNetLayout(options)) {
    const auto features =
        register_module("features", std::make_shared<Chain>());
    for (const Step& step : layout_.steps) features->Add(step.layer);
    if (options.dropout > 0) RegisterDropout(options.dropout);
    at::Generator generator = MakeGenerator(options.seed);
    for (const auto& parameter : named_parameters()) {
      if (parameter.value().dim() == 4) {
        KaimingNormal(parameter.value(), generator);
      } else if (absl::EndsWith(parameter.key(), "bias")) {
        FillConstant(parameter.value(), 0);
      }
    }
  }

  FeaturePyramid forward(const at::Tensor& images) override {
    TORCH_CHECK(images.dim() == 4 && images.size(1) == options_.in_channels,
                "MobileNet expects images [N, ", options_.in_channels,
                ", H, W], got ", images.sizes());
    FeaturePyramid pyramid = {images};
    at::Tensor x = images;
    for (size_t i = 0; i < layout_.steps.size(); ++i) {
      const Step& step = layout_.steps[i];
      x = step.layer->forward(x);
      pyramid.resize(static_cast<size_t>(step.level) + 1);
      if (i + 1 == layout_.steps.size() ||
          layout_.steps[i + 1].level != step.level) {
        x = FinishStage(x, pyramid.size() - 1);
      }
      pyramid.back() = x;
    }
    pyramid.back() = ApplyDropout(x);
    return pyramid;
  }

  std::vector<int64_t> channels() const override {
    std::vector<int64_t> channels = {options_.in_channels};
    channels.insert(channels.end(), layout_.channels.begin(),
                    layout_.channels.end());
    return channels;
  }

  std::vector<int64_t> strides() const override {
    std::vector<int64_t> strides = {1, 2};
    for (const int64_t stride : options_.strides) {
      strides.push_back(strides.back() * stride);
    }
    return strides;
  }

  std::vector<std::string> last_stage() const override {
    std::vector<std::string> names;
    for (size_t i = 0; i < layout_.steps.size(); ++i) {
      if (layout_.steps[i].level == kLevels - 1) {
        names.push_back(absl::StrCat("features.", i));
      }
    }
    return names;
  }

  std::string input_weight() const override { return "features.0.0.weight"; }

 private:
  const MobileNetOptions options_;
  const Layout layout_;
};

absl::Status FieldError(absl::string_view field, absl::string_view value,
                        absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat(
      "MobileNetOptions.", field, " is ", value, ", expected ", expected));
}

}  // namespace

absl::Status MobileNetOptions::Validate() const {
  for (const int64_t stride : strides) {
    if (stride == 1 || stride == 2) continue;
    return FieldError("strides",
                      absl::StrCat("{", absl::StrJoin(strides, ", "), "}"),
                      "values 1 or 2");
  }
  if (in_channels < 1 || in_channels > (1 << 16)) {
    return FieldError("in_channels", absl::StrCat(in_channels), "1 to 65536");
  }
  if (!(dropout >= 0 && dropout < 1)) {
    return FieldError("dropout", absl::StrCat(dropout), "0 up to below 1");
  }
  if (!(stochastic_depth >= 0 && stochastic_depth < 1)) {
    return FieldError("stochastic_depth", absl::StrCat(stochastic_depth),
                      "0 up to below 1");
  }
  return absl::OkStatus();
}

absl::StatusOr<MobileNetOptions> MobileNetPreset(absl::string_view name,
                                                 StridePreset strides) {
  VISION_RETURN_IF_ERROR(CheckName("light network", name,
                                   {"mobilenet_v3_large", "efficientnet_b0"}));
  MobileNetOptions options;
  if (name == "efficientnet_b0") {
    options.kind = MobileNetKind::kEfficientNetB0;
    options.stochastic_depth = 0.2;
  }
  if (strides == StridePreset::kImageNet) options.strides = {2, 2, 2, 2};
  return options;
}

absl::StatusOr<std::shared_ptr<Backbone>> MakeMobileNet(
    const MobileNetOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  return CallTorch("making a light network",
                   [&]() -> std::shared_ptr<Backbone> {
                     return std::make_shared<MobileNet>(options);
                   });
}

}  // namespace vision
