#include "vision/backbones/vgg.h"

#include <array>
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
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "c10/util/Exception.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/batchnorm.h"
#include "torch/nn/modules/conv.h"
#include "torch/nn/options/conv.h"
#include "vision/backbones/backbone.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/nn/conv_block.h"
#include "vision/nn/conv_norm_pair.h"
#include "vision/nn/weight_init.h"

namespace vision {
namespace {

using Conv2d = std::shared_ptr<torch::nn::Conv2dImpl>;

Conv2d MakeBiasedConv(int64_t in_channels, int64_t out_channels) {
  return std::make_shared<torch::nn::Conv2dImpl>(
      torch::nn::Conv2dOptions(in_channels, out_channels, 3).padding(1));
}

// One convolution of a block, with its norm if there is one, and ReLU.
struct Layer {
  Conv2d conv;                         // Null if it is in the pair.
  std::shared_ptr<ConvNormPair> pair;  // Null without batch norm.

  at::Tensor forward(const at::Tensor& x) const {
    return pair ? pair->ForwardRelu(x) : conv->forward(x).relu_();
  }
};

// Children are numbered as in torchvision's Sequential, where norms, ReLUs and
// pools count too.
class Features : public torch::nn::Module, public ConvNormOwner {
 public:
  explicit Features(const VggOptions& options) {
    int64_t index = 0;
    int64_t channels = options.in_channels;
    for (size_t i = 0; i < options.widths.size(); ++i) {
      blocks_.emplace_back();
      first_children_.push_back(index);
      for (int64_t j = 0; j < options.convolutions[i]; ++j) {
        const int64_t width = options.widths[i];
        Layer layer;
        if (options.batch_norm) {
          layer.pair = RegisterConvNorm(
              *this, absl::StrCat(index), MakeBiasedConv(channels, width),
              absl::StrCat(index + 1), MakeBatchNorm2d(width));
          index += 3;
        } else {
          layer.conv = register_module(absl::StrCat(index),
                                       MakeBiasedConv(channels, width));
          index += 2;
        }
        blocks_.back().push_back(std::move(layer));
        channels = width;
      }
      if (options.strides[i] == 2) ++index;
    }
  }

  at::Tensor ForwardBlock(size_t i, at::Tensor x) const {
    for (const Layer& layer : blocks_[i]) x = layer.forward(x);
    return x;
  }

  // Number of the first child of each block.
  const std::vector<int64_t>& first_children() const { return first_children_; }

 private:
  std::vector<std::vector<Layer>> blocks_;
  std::vector<int64_t> first_children_;
};

class Vgg : public Backbone {
 public:
  // `options` are valid.
  explicit Vgg(const VggOptions& options)
      : options_(options),
        features_(
            register_module("features", std::make_shared<Features>(options))) {
    if (options.conv6_width > 0) {
      conv6_ = register_module(
          "conv6", MakeBiasedConv(options.widths.back(), options.conv6_width));
    }
    if (options.dropout > 0) RegisterDropout(options.dropout);
    InitWeights();
  }

  FeaturePyramid forward(const at::Tensor& images) override {
    TORCH_CHECK(images.dim() == 4 && images.size(1) == options_.in_channels,
                "VGG expects images [N, ", options_.in_channels,
                ", H, W], got ", images.sizes());
    FeaturePyramid pyramid;
    at::Tensor x = images;
    for (size_t i = 0; i < options_.strides.size(); ++i) {
      x = features_->ForwardBlock(i, x);
      if (options_.strides[i] == 1) continue;
      x = FinishStage(x, pyramid.size());
      pyramid.push_back(x);
      x = at::max_pool2d(x, /*kernel_size=*/2, /*stride=*/2);
    }
    if (conv6_) x = conv6_->forward(x).relu_();
    pyramid.push_back(ApplyDropout(FinishStage(x, pyramid.size())));
    return pyramid;
  }

  std::vector<int64_t> channels() const override {
    std::vector<int64_t> channels;
    for (size_t i = 0; i < options_.strides.size(); ++i) {
      if (options_.strides[i] == 2) channels.push_back(options_.widths[i]);
    }
    channels.push_back(conv6_ ? options_.conv6_width : options_.widths.back());
    return channels;
  }

  std::vector<int64_t> strides() const override {
    std::vector<int64_t> strides = {1};
    for (const int64_t stride : options_.strides) {
      if (stride == 2) strides.push_back(strides.back() * 2);
    }
    return strides;
  }

  // Pools round down.
  std::vector<int64_t> FeatureSizes(int64_t size) const override {
    std::vector<int64_t> sizes = strides();
    for (int64_t& stride : sizes) stride = size / stride;
    return sizes;
  }

  std::vector<std::string> last_stage() const override {
    if (conv6_) return {"conv6"};
    std::vector<std::string> names;
    const int64_t first = features_->first_children().back();
    for (const auto& child : features_->named_children()) {
      if (std::stoll(child.key()) >= first) {
        names.push_back(absl::StrCat("features.", child.key()));
      }
    }
    return names;
  }

  std::string input_weight() const override { return "features.0.weight"; }

 private:
  void InitWeights() {
    at::Generator generator = MakeGenerator(options_.seed);
    for (const auto& parameter : features_->named_parameters()) {
      if (parameter.value().dim() == 4) {
        KaimingNormal(parameter.value(), generator);
      } else if (absl::EndsWith(parameter.key(), "bias")) {
        FillConstant(parameter.value(), 0);
      }
    }
    if (!conv6_) return;
    const int64_t fan_in = conv6_->weight.numel() / conv6_->weight.size(0);
    DefaultUniform(conv6_->weight, fan_in, generator);
    DefaultUniform(conv6_->bias, fan_in, generator);
  }

  const VggOptions options_;
  std::shared_ptr<Features> features_;
  Conv2d conv6_;  // Null if there is none.
};

absl::Status FieldError(absl::string_view field, absl::string_view value,
                        absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat(
      "VggOptions.", field, " is ", value, ", expected ", expected));
}

absl::Status CheckList(absl::string_view field,
                       const std::vector<int64_t>& values, size_t size,
                       int64_t high) {
  const std::string got = absl::StrCat("{", absl::StrJoin(values, ", "), "}");
  if (values.size() != size) {
    return FieldError(field, got,
                      absl::StrCat("one value for each of the ", size,
                                   " blocks that `convolutions` has"));
  }
  for (const int64_t value : values) {
    if (value < 1 || value > high) {
      return FieldError(field, got, absl::StrCat("values from 1 to ", high));
    }
  }
  return absl::OkStatus();
}

struct Preset {
  absl::string_view name;
  std::array<int64_t, 5> convolutions;
};

constexpr Preset kPresets[] = {
    {"vgg11", {1, 1, 2, 2, 2}},
    {"vgg13", {2, 2, 2, 2, 2}},
    {"vgg16", {2, 2, 3, 3, 3}},
    {"vgg19", {2, 2, 4, 4, 4}},
};

}  // namespace

absl::Status VggOptions::Validate() const {
  constexpr int64_t kMaxChannels = 1 << 16;
  if (convolutions.empty() || convolutions.size() > 8) {
    return FieldError("convolutions.size()", absl::StrCat(convolutions.size()),
                      "1 to 8");
  }
  const size_t blocks = convolutions.size();
  VISION_RETURN_IF_ERROR(CheckList("convolutions", convolutions, blocks, 100));
  VISION_RETURN_IF_ERROR(CheckList("widths", widths, blocks, kMaxChannels));
  VISION_RETURN_IF_ERROR(CheckList("strides", strides, blocks, 2));
  if (conv6_width < 0 || conv6_width > kMaxChannels) {
    return FieldError("conv6_width", absl::StrCat(conv6_width),
                      absl::StrCat("0 to ", kMaxChannels));
  }
  if (in_channels < 1 || in_channels > kMaxChannels) {
    return FieldError("in_channels", absl::StrCat(in_channels),
                      absl::StrCat("1 to ", kMaxChannels));
  }
  if (!(dropout >= 0 && dropout < 1)) {
    return FieldError("dropout", absl::StrCat(dropout), "0 up to below 1");
  }
  return absl::OkStatus();
}

absl::StatusOr<VggOptions> VggPreset(absl::string_view name,
                                     StridePreset strides) {
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) {
    for (const bool batch_norm : {false, true}) {
      names.push_back(absl::StrCat(preset.name, batch_norm ? "_bn" : ""));
      if (name != names.back()) continue;
      VggOptions options;
      options.convolutions.assign(preset.convolutions.begin(),
                                  preset.convolutions.end());
      options.batch_norm = batch_norm;
      if (strides == StridePreset::kImageNet) {
        options.strides = {2, 2, 2, 2, 2};
        options.conv6_width = 0;
      }
      return options;
    }
  }
  return UnknownNameError("VGG", name, names);
}

absl::StatusOr<std::shared_ptr<Backbone>> MakeVgg(const VggOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  return CallTorch("making a VGG", [&]() -> std::shared_ptr<Backbone> {
    return std::make_shared<Vgg>(options);
  });
}

}  // namespace vision
