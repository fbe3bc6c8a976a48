#include "fcam/decoder/unet_decoder.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "ATen/ATen.h"
#include "absl/strings/str_cat.h"
#include "fcam/decoder/constant_conv.h"
#include "torch/nn/modules/container/modulelist.h"
#include "vision/base/status_util.h"
#include "vision/nn/conv_norm_pair.h"
#include "vision/nn/weight_init.h"

namespace fcam {
namespace {

constexpr int64_t kKernel = 3;

// A module that does nothing but name its children "0", "1", ...
template <typename M>
void RegisterList(torch::nn::Module* parent, const std::string& name,
                  const std::vector<std::shared_ptr<M>>& children) {
  auto list = std::make_shared<torch::nn::ModuleListImpl>();
  for (const auto& child : children) list->push_back(child);
  parent->register_module(name, std::move(list));
}

// A 3 x 3 convolution of each channel by itself.
std::shared_ptr<torch::nn::Conv2dImpl> MakeDepthwise(int64_t channels) {
  return vision::MakeConv2d(channels, channels, kKernel, /*stride=*/1,
                            /*groups=*/channels);
}

bool HasConstantPart(const vision::ConvNormRelu& layer,
                     const std::vector<at::Tensor>& parts) {
  // With its norm folded, a layer has its own fast form.
  return !layer.conv_norm_pairs()[0]->folded() &&
         std::any_of(parts.begin(), parts.end(), IsConstantInput);
}

// layer(cat(parts, 1)) for a 3 x 3 layer.
at::Tensor ConvolveParts(vision::ConvNormRelu& layer,
                         const std::vector<at::Tensor>& parts) {
  const at::Tensor& weight = layer.conv().weight;
  at::Tensor sum;
  int64_t channel = 0;
  for (size_t i = 0; i < parts.size();) {
    // All neighbours of a kind together.
    const bool constant = IsConstantInput(parts[i]);
    std::vector<at::Tensor> run;
    int64_t channels = 0;
    for (; i < parts.size() && IsConstantInput(parts[i]) == constant; ++i) {
      run.push_back(parts[i]);
      channels += parts[i].size(1);
    }
    const at::Tensor taps = weight.narrow(1, channel, channels);
    channel += channels;
    const at::Tensor y =
        constant && channels >= kMinConstantConvChannels
            ? ConvolveConstants(run, taps)
            : at::conv2d(run.size() == 1 ? run[0] : at::cat(run, 1), taps,
                         /*bias=*/{}, /*stride=*/1, /*padding=*/1);
    sum = sum.defined() ? sum + y : y;
  }
  return layer.norm().forward(sum).relu_();
}

at::Tensor UpsampleTwofold(const at::Tensor& x) {
  return at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
}

}  // namespace

absl::Status UnetDecoderOptions::Validate() const {
  if (channels.empty()) {
    return absl::InvalidArgumentError(
        "decoder channels are empty, expected one number a block");
  }
  for (const int64_t count : channels) {
    if (count < 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "decoder channels contain ", count, ", expected at least 1"));
    }
  }
  return absl::OkStatus();
}

UnetBlock::UnetBlock(int64_t in_channels, int64_t skip_channels,
                     int64_t out_channels, bool light)
    : skip_channels_(skip_channels) {
  const int64_t all_channels = in_channels + skip_channels;
  const int64_t kernel = light ? 1 : kKernel;
  if (light) {
    depthwise1_ = register_module("depthwise1", MakeDepthwise(all_channels));
  }
  conv1_ = register_module("conv1", std::make_shared<vision::ConvNormRelu>(
                                        all_channels, out_channels, kernel));
  if (light) {
    depthwise2_ = register_module("depthwise2", MakeDepthwise(out_channels));
  }
  conv2_ = register_module("conv2", std::make_shared<vision::ConvNormRelu>(
                                        out_channels, out_channels, kernel));
}

void UnetBlock::InitWeights(at::Generator& generator) {
  if (depthwise1_) vision::KaimingUniform(depthwise1_->weight, generator);
  vision::KaimingUniform(conv1_->conv().weight, generator);
  if (depthwise2_) vision::KaimingUniform(depthwise2_->weight, generator);
  vision::KaimingUniform(conv2_->conv().weight, generator);
}

at::Tensor UnetBlock::Convolve(const std::vector<at::Tensor>& parts) {
  at::Tensor y;
  if (depthwise1_ == nullptr && HasConstantPart(*conv1_, parts)) {
    y = ConvolveParts(*conv1_, parts);
  } else {
    y = parts.size() == 1 ? parts[0] : at::cat(parts, 1);
    y = conv1_->forward(depthwise1_ ? depthwise1_->forward(y) : y);
  }
  return conv2_->forward(depthwise2_ ? depthwise2_->forward(y) : y);
}

at::Tensor UnetBlock::forward(const at::Tensor& x, const at::Tensor& skip) {
  if (skip_channels_ == 0) {
    return Convolve({UpsampleTwofold(x)});
  }
  TORCH_CHECK(
      skip.defined() && skip.dim() == 4 && skip.size(1) == skip_channels_,
      "the skip of a decoder block has shape ",
      skip.defined() ? skip.sizes() : at::IntArrayRef(), ", expected ",
      skip_channels_, " channels");
  const at::IntArrayRef size = skip.sizes().slice(2);
  at::Tensor y = x;
  // Up and down again is the identity: see the header.
  if (x.sizes().slice(2) != size) {
    y = UpsampleTwofold(x);
    if (y.sizes().slice(2) != size) {
      y = at::upsample_bilinear2d(y, size, /*align_corners=*/true);
    }
  }
  return Convolve({y, skip});
}

UnetDecoder::UnetDecoder(const std::vector<int64_t>& feature_channels,
                         const UnetDecoderOptions& options)
    : num_levels_(feature_channels.size()),
      finest_skip_(options.finest_skip),
      out_channels_(options.channels.back()) {
  at::Generator generator = vision::MakeGenerator(options.seed);
  int64_t in_channels = feature_channels.back();
  if (options.center) {
    for (int i = 0; i < 2; ++i) {
      if (options.light) {
        center_depthwise_.push_back(MakeDepthwise(in_channels));
        vision::KaimingUniform(center_depthwise_.back()->weight, generator);
      }
      center_.push_back(std::make_shared<vision::ConvNormRelu>(
          in_channels, in_channels, options.light ? 1 : kKernel));
      vision::KaimingUniform(center_.back()->conv().weight, generator);
    }
    if (options.light) {
      RegisterList(this, "center_depthwise", center_depthwise_);
    }
    RegisterList(this, "center", center_);
  }
  // f_{last - 1}, ..., f_1 and f_0 if asked.
  std::vector<int64_t> skips(feature_channels.rbegin() + 1,
                             feature_channels.rend());
  if (!finest_skip_) skips.pop_back();
  for (size_t i = 0; i < options.channels.size(); ++i) {
    const int64_t skip = i < skips.size() ? skips[i] : 0;
    blocks_.push_back(std::make_shared<UnetBlock>(
        in_channels, skip, options.channels[i], options.light));
    blocks_.back()->InitWeights(generator);
    in_channels = options.channels[i];
  }
  RegisterList(this, "blocks", blocks_);
}

std::vector<at::Tensor> UnetDecoder::ForwardBlocks(
    const vision::FeaturePyramid& pyramid) {
  TORCH_CHECK(pyramid.size() == num_levels_, "the pyramid has ", pyramid.size(),
              " levels, expected ", num_levels_);
  at::Tensor x = pyramid.back();
  for (size_t i = 0; i < center_.size(); ++i) {
    if (!center_depthwise_.empty()) x = center_depthwise_[i]->forward(x);
    x = center_depthwise_.empty() && HasConstantPart(*center_[i], {x})
            ? ConvolveParts(*center_[i], {x})
            : center_[i]->forward(x);
  }
  std::vector<at::Tensor> outputs;
  outputs.reserve(blocks_.size());
  const size_t num_skips = num_levels_ - (finest_skip_ ? 1 : 2);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const at::Tensor skip =
        i < num_skips ? pyramid[num_levels_ - 2 - i] : at::Tensor();
    x = blocks_[i]->forward(x, skip);
    outputs.push_back(x);
  }
  return outputs;
}

at::Tensor UnetDecoder::forward(const vision::FeaturePyramid& pyramid) {
  return ForwardBlocks(pyramid).back();
}

absl::StatusOr<std::shared_ptr<UnetDecoder>> MakeUnetDecoder(
    const std::vector<int64_t>& feature_channels,
    const UnetDecoderOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  if (feature_channels.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("the pyramid has ", feature_channels.size(),
                     " levels, expected at least 2"));
  }
  for (const int64_t count : feature_channels) {
    if (count < 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a pyramid level has ", count, " channels, expected at least 1"));
    }
  }
  return std::make_shared<UnetDecoder>(feature_channels, options);
}

}  // namespace fcam
