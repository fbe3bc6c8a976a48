#include "vision/backbones/resnet.h"

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
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "c10/util/Exception.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/batchnorm.h"
#include "vision/backbones/backbone.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/nn/conv_block.h"
#include "vision/nn/conv_norm_pair.h"
#include "vision/nn/weight_init.h"

namespace vision {
namespace {

using Pair = std::shared_ptr<ConvNormPair>;

// The ReLUs and the sum below work in place: neither batch norm nor the sum
// reads its output in the backward pass, and ReLU's own backward reads just
// that.

class Block : public torch::nn::Module, public ConvNormOwner {
 public:
  virtual at::Tensor forward(const at::Tensor& x) = 0;
  // The norm in front of the sum.
  virtual torch::nn::BatchNorm2dImpl& last_norm() = 0;

 protected:
  // Registered last: the order of keys is torchvision's.
  void RegisterDownsample(int64_t in_channels, int64_t out_channels,
                          int64_t stride) {
    if (stride == 1 && in_channels == out_channels) return;
    downsample_ = register_module(
        "downsample", std::make_shared<ConvNorm>(in_channels, out_channels,
                                                 /*kernel=*/1, stride));
  }

  at::Tensor AddIdentity(at::Tensor residual, const at::Tensor& x) {
    return AddRelu(std::move(residual),
                   downsample_ ? downsample_->forward(x) : x);
  }

 private:
  std::shared_ptr<ConvNorm> downsample_;
};

class BasicBlock : public Block {
 public:
  BasicBlock(int64_t in_channels, int64_t width, int64_t stride)
      : first_(RegisterConvNorm(*this, "conv1",
                                MakeConv2d(in_channels, width, 3, stride),
                                "bn1", MakeBatchNorm2d(width))),
        second_(RegisterConvNorm(*this, "conv2", MakeConv2d(width, width, 3),
                                 "bn2", MakeBatchNorm2d(width))) {
    RegisterDownsample(in_channels, width, stride);
  }

  at::Tensor forward(const at::Tensor& x) override {
    return AddIdentity(second_->forward(first_->ForwardRelu(x)), x);
  }

  torch::nn::BatchNorm2dImpl& last_norm() override { return second_->norm(); }

 private:
  Pair first_;
  Pair second_;
};

constexpr int64_t kBottleneckExpansion = 4;

class Bottleneck : public Block {
 public:
  // `inner` channels in the 3 x 3 convolution.
  Bottleneck(int64_t in_channels, int64_t inner, int64_t out_channels,
             int64_t stride, int64_t groups)
      : first_(RegisterConvNorm(*this, "conv1",
                                MakeConv2d(in_channels, inner, 1), "bn1",
                                MakeBatchNorm2d(inner))),
        second_(RegisterConvNorm(*this, "conv2",
                                 MakeConv2d(inner, inner, 3, stride, groups),
                                 "bn2", MakeBatchNorm2d(inner))),
        third_(RegisterConvNorm(*this, "conv3",
                                MakeConv2d(inner, out_channels, 1), "bn3",
                                MakeBatchNorm2d(out_channels))) {
    RegisterDownsample(in_channels, out_channels, stride);
  }

  at::Tensor forward(const at::Tensor& x) override {
    const at::Tensor y = second_->ForwardRelu(first_->ForwardRelu(x));
    return AddIdentity(third_->forward(y), x);
  }

  torch::nn::BatchNorm2dImpl& last_norm() override { return third_->norm(); }

 private:
  Pair first_;
  Pair second_;
  Pair third_;
};

int64_t OutputChannels(const ResNetOptions& options, size_t stage) {
  return options.block == ResNetBlock::kBasic
             ? options.widths[stage]
             : options.widths[stage] * kBottleneckExpansion;
}

// Channels of a bottleneck's 3 x 3 convolution; torchvision rounds down too.
int64_t InnerChannels(const ResNetOptions& options, int64_t width) {
  return width * options.base_width / 64 * options.groups;
}

// Blocks one after the other, children "0", "1", ...
class Stage : public torch::nn::Module {
 public:
  Stage(const ResNetOptions& options, size_t stage, int64_t in_channels) {
    const int64_t width = options.widths[stage];
    const int64_t out_channels = OutputChannels(options, stage);
    for (int64_t i = 0; i < options.blocks[stage]; ++i) {
      const int64_t block_in = i == 0 ? in_channels : out_channels;
      const int64_t stride = i == 0 ? options.strides[stage] : 1;
      std::shared_ptr<Block> block;
      if (options.block == ResNetBlock::kBasic) {
        block = std::make_shared<BasicBlock>(block_in, width, stride);
      } else {
        block = std::make_shared<Bottleneck>(
            block_in, InnerChannels(options, width), out_channels, stride,
            options.groups);
      }
      blocks_.push_back(register_module(std::to_string(i), std::move(block)));
    }
  }

  at::Tensor forward(at::Tensor x) {
    for (const auto& block : blocks_) x = block->forward(x);
    return x;
  }

  const std::vector<std::shared_ptr<Block>>& blocks() const { return blocks_; }

 private:
  std::vector<std::shared_ptr<Block>> blocks_;
};

class ResNet : public Backbone, public ConvNormOwner {
 public:
  // `options` are valid.
  explicit ResNet(const ResNetOptions& options)
      : options_(options),
        stem_(RegisterConvNorm(
            *this, "conv1",
            MakeConv2d(options.in_channels, options.stem_width,
                       options.stem_kernel, options.stem_stride),
            "bn1", MakeBatchNorm2d(options.stem_width))) {
    int64_t channels = options.stem_width;
    for (size_t i = 0; i < options.blocks.size(); ++i) {
      stages_.push_back(register_module(
          StageName(i), std::make_shared<Stage>(options, i, channels)));
      channels = OutputChannels(options, i);
    }
    if (options.dropout > 0) RegisterDropout(options.dropout);
    InitWeights();
  }

  FeaturePyramid forward(const at::Tensor& images) override {
    TORCH_CHECK(images.dim() == 4 && images.size(1) == options_.in_channels,
                "ResNet expects images [N, ", options_.in_channels,
                ", H, W], got ", images.sizes());
    FeaturePyramid pyramid = {images};
    at::Tensor x = FinishStage(stem_->ForwardRelu(images), pyramid.size());
    pyramid.push_back(x);
    if (options_.stem_max_pool) {
      x = at::max_pool2d(x, /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
    }
    for (const auto& stage : stages_) {
      x = FinishStage(stage->forward(x), pyramid.size());
      pyramid.push_back(x);
    }
    pyramid.back() = ApplyDropout(x);
    return pyramid;
  }

  std::vector<int64_t> channels() const override {
    std::vector<int64_t> channels = {options_.in_channels, options_.stem_width};
    for (size_t i = 0; i < stages_.size(); ++i) {
      channels.push_back(OutputChannels(options_, i));
    }
    return channels;
  }

  std::vector<int64_t> strides() const override {
    std::vector<int64_t> strides = {1, options_.stem_stride};
    int64_t stride = options_.stem_stride * (options_.stem_max_pool ? 2 : 1);
    for (const int64_t stage_stride : options_.strides) {
      stride *= stage_stride;
      strides.push_back(stride);
    }
    return strides;
  }

  std::vector<std::string> last_stage() const override {
    return {StageName(stages_.size() - 1)};
  }

  std::string input_weight() const override { return "conv1.weight"; }

 private:
  static std::string StageName(size_t i) {
    return absl::StrCat("layer", i + 1);
  }

  void InitWeights() {
    at::Generator generator = MakeGenerator(options_.seed);
    for (const auto& parameter : named_parameters()) {
      // All else is batch norm, which starts at 1 and 0.
      if (parameter.value().dim() == 4) {
        KaimingNormal(parameter.value(), generator);
      }
    }
    if (!options_.zero_init_last_norm) return;
    for (const auto& stage : stages_) {
      for (const auto& block : stage->blocks()) {
        FillConstant(block->last_norm().weight, 0);
      }
    }
  }

  const ResNetOptions options_;
  Pair stem_;
  std::vector<std::shared_ptr<Stage>> stages_;
};

absl::Status FieldError(absl::string_view field, absl::string_view value,
                        absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat(
      "ResNetOptions.", field, " is ", value, ", expected ", expected));
}

absl::Status CheckRange(absl::string_view field, int64_t value, int64_t low,
                        int64_t high) {
  if (low <= value && value <= high) return absl::OkStatus();
  return FieldError(field, absl::StrCat(value),
                    absl::StrCat(low, " to ", high));
}

absl::Status CheckList(absl::string_view field,
                       const std::vector<int64_t>& values, size_t size,
                       int64_t high) {
  const std::string got = absl::StrCat("{", absl::StrJoin(values, ", "), "}");
  if (values.size() != size) {
    return FieldError(field, got,
                      absl::StrCat("one value for each of the ", size,
                                   " stages that `blocks` has"));
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
  ResNetBlock block;
  std::array<int64_t, 4> blocks;
  int64_t base_width;
  int64_t groups;
};

constexpr Preset kPresets[] = {
    {"resnet18", ResNetBlock::kBasic, {2, 2, 2, 2}, 64, 1},
    {"resnet34", ResNetBlock::kBasic, {3, 4, 6, 3}, 64, 1},
    {"resnet50", ResNetBlock::kBottleneck, {3, 4, 6, 3}, 64, 1},
    {"resnet101", ResNetBlock::kBottleneck, {3, 4, 23, 3}, 64, 1},
    {"resnet152", ResNetBlock::kBottleneck, {3, 8, 36, 3}, 64, 1},
    {"resnext50_32x4d", ResNetBlock::kBottleneck, {3, 4, 6, 3}, 4, 32},
    {"wide_resnet50_2", ResNetBlock::kBottleneck, {3, 4, 6, 3}, 128, 1},
};

}  // namespace

absl::Status ResNetOptions::Validate() const {
  constexpr int64_t kMaxChannels = 1 << 16;
  VISION_RETURN_IF_ERROR(
      CheckRange("blocks.size()", static_cast<int64_t>(blocks.size()), 1, 8));
  VISION_RETURN_IF_ERROR(CheckList("blocks", blocks, blocks.size(), 1000));
  VISION_RETURN_IF_ERROR(
      CheckList("widths", widths, blocks.size(), kMaxChannels));
  VISION_RETURN_IF_ERROR(CheckList("strides", strides, blocks.size(), 8));
  VISION_RETURN_IF_ERROR(CheckRange("base_width", base_width, 1, kMaxChannels));
  VISION_RETURN_IF_ERROR(CheckRange("groups", groups, 1, kMaxChannels));
  VISION_RETURN_IF_ERROR(CheckRange("stem_width", stem_width, 1, kMaxChannels));
  VISION_RETURN_IF_ERROR(CheckRange("stem_kernel", stem_kernel, 1, 15));
  if (stem_kernel % 2 == 0) {
    return FieldError("stem_kernel", absl::StrCat(stem_kernel), "an odd size");
  }
  VISION_RETURN_IF_ERROR(CheckRange("stem_stride", stem_stride, 1, 8));
  VISION_RETURN_IF_ERROR(
      CheckRange("in_channels", in_channels, 1, kMaxChannels));
  if (!(dropout >= 0 && dropout < 1)) {
    return FieldError("dropout", absl::StrCat(dropout), "0 up to below 1");
  }
  if (block == ResNetBlock::kBasic) {
    if (base_width != 64) {
      return FieldError("base_width", absl::StrCat(base_width),
                        "64 with basic blocks");
    }
    if (groups != 1) {
      return FieldError("groups", absl::StrCat(groups), "1 with basic blocks");
    }
    return absl::OkStatus();
  }
  for (const int64_t width : widths) {
    const int64_t inner = InnerChannels(*this, width);
    if (inner < 1 || inner > kMaxChannels) {
      return FieldError(
          "base_width", absl::StrCat(base_width),
          absl::StrCat("width * base_width / 64 * groups from 1 to ",
                       kMaxChannels, ", which is ", inner, " at width ",
                       width));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ResNetOptions> ResNetPreset(absl::string_view name,
                                           StridePreset strides) {
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) {
    if (name != preset.name) {
      names.emplace_back(preset.name);
      continue;
    }
    ResNetOptions options;
    options.block = preset.block;
    options.blocks.assign(preset.blocks.begin(), preset.blocks.end());
    options.base_width = preset.base_width;
    options.groups = preset.groups;
    options.strides = strides == StridePreset::kWsol28
                          ? std::vector<int64_t>{1, 2, 1, 1}
                          : std::vector<int64_t>{1, 2, 2, 2};
    return options;
  }
  return UnknownNameError("ResNet", name, names);
}

ResNetOptions ResNetSmallOptions() {
  ResNetOptions options;
  options.blocks = {1, 1, 1, 1};
  options.widths = {32, 64, 96, 128};
  options.strides = {1, 2, 2, 1};
  options.stem_kernel = 3;
  options.stem_stride = 2;
  options.stem_width = 32;
  options.stem_max_pool = false;
  return options;
}

absl::StatusOr<std::shared_ptr<Backbone>> MakeResNet(
    const ResNetOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  return CallTorch("making a ResNet", [&]() -> std::shared_ptr<Backbone> {
    return std::make_shared<ResNet>(options);
  });
}

}  // namespace vision
