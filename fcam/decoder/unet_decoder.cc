#include "fcam/decoder/unet_decoder.h"

#include <string>
#include <utility>

#include "ATen/ATen.h"
#include "absl/strings/str_cat.h"
#include "torch/nn/modules/container/modulelist.h"
#include "vision/base/status_util.h"
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
                     int64_t out_channels)
    : skip_channels_(skip_channels) {
  conv1_ = register_module(
      "conv1", std::make_shared<vision::ConvNormRelu>(
                   in_channels + skip_channels, out_channels, kKernel));
  conv2_ = register_module("conv2", std::make_shared<vision::ConvNormRelu>(
                                        out_channels, out_channels, kKernel));
}

at::Tensor UnetBlock::forward(const at::Tensor& x, const at::Tensor& skip) {
  if (skip_channels_ == 0) {
    return conv2_->forward(conv1_->forward(UpsampleTwofold(x)));
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
  return conv2_->forward(conv1_->forward(at::cat({y, skip}, 1)));
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
      center_.push_back(std::make_shared<vision::ConvNormRelu>(
          in_channels, in_channels, kKernel));
      vision::KaimingUniform(center_.back()->conv().weight, generator);
    }
    RegisterList(this, "center", center_);
  }
  // f_{last - 1}, ..., f_1 and f_0 if asked.
  std::vector<int64_t> skips(feature_channels.rbegin() + 1,
                             feature_channels.rend());
  if (!finest_skip_) skips.pop_back();
  for (size_t i = 0; i < options.channels.size(); ++i) {
    const int64_t skip = i < skips.size() ? skips[i] : 0;
    blocks_.push_back(
        std::make_shared<UnetBlock>(in_channels, skip, options.channels[i]));
    vision::KaimingUniform(blocks_.back()->conv1().conv().weight, generator);
    vision::KaimingUniform(blocks_.back()->conv2().conv().weight, generator);
    in_channels = options.channels[i];
  }
  RegisterList(this, "blocks", blocks_);
}

std::vector<at::Tensor> UnetDecoder::ForwardBlocks(
    const vision::FeaturePyramid& pyramid) {
  TORCH_CHECK(pyramid.size() == num_levels_, "the pyramid has ", pyramid.size(),
              " levels, expected ", num_levels_);
  at::Tensor x = pyramid.back();
  for (const auto& conv : center_) x = conv->forward(x);
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
