#include "vision/nn/conv_norm_pair.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/core/dispatch/Dispatcher.h"
#include "ATen/core/grad_mode.h"
#include "ATen/core/ivalue.h"
#include "ATen/core/stack.h"
#include "c10/util/Exception.h"
#include "torch/nn/modules/batchnorm.h"
#include "torch/nn/modules/conv.h"
#include "torch/nn/options/conv.h"
#include "vision/nn/winograd_conv.h"

namespace vision {
namespace {

// These are registered operators, but not functions of LibTorch's headers.
std::optional<c10::OperatorHandle> FindOperator(const char* name,
                                                size_t arguments) {
  const auto handle = c10::Dispatcher::singleton().findSchema({name, ""});
  if (!handle.has_value() || handle->schema().arguments().size() != arguments) {
    return std::nullopt;
  }
  return *handle;
}

const std::optional<c10::OperatorHandle>& PrepackOperator() {
  static const auto& handle = *new std::optional<c10::OperatorHandle>(
      FindOperator("mkldnn_prepacked::conv2d_prepack", 8));
  return handle;
}

const std::optional<c10::OperatorHandle>& RunOperator() {
  static const auto& handle = *new std::optional<c10::OperatorHandle>(
      FindOperator("mkldnn_prepacked::conv2d_run", 2));
  return handle;
}

bool RecordsGradient(const at::Tensor& x, const at::Tensor& weight) {
  return at::GradMode::is_enabled() &&
         (x.requires_grad() || weight.requires_grad());
}

}  // namespace

// The packed weights for the last size of maps, with and without ReLU.
class ConvNormPair::PackedWeights {
 public:
  PackedWeights(const torch::nn::Conv2dImpl& conv, bool winograd) {
    if (winograd && WinogradConv::Fits(conv)) {
      winograd_.emplace(conv.weight, conv.bias);
    }
  }

  // Undefined for what must be computed the plain way.
  at::Tensor Run(const torch::nn::Conv2dImpl& conv, const at::Tensor& x,
                 bool relu) {
    if (x.dim() != 4 || x.numel() == 0 || !x.device().is_cpu() ||
        x.scalar_type() != conv.weight.scalar_type() ||
        (x.scalar_type() != at::kFloat && x.scalar_type() != at::kBFloat16) ||
        RecordsGradient(x, conv.weight)) {
      return {};
    }
    if (winograd_.has_value() && x.scalar_type() == at::kFloat) {
      return winograd_->Run(x, relu);
    }
    torch::jit::Stack stack = {x, Find(conv, x.sizes(), relu)};
    RunOperator()->callBoxed(&stack);
    return stack[0].toTensor();
  }

 private:
  struct Entry {
    std::vector<int64_t> size;
    c10::IValue weights;
  };

  c10::IValue Find(const torch::nn::Conv2dImpl& conv, at::IntArrayRef size,
                   bool relu) {
    // Forward passes may run on several threads.
    const std::lock_guard<std::mutex> lock(mutex_);
    Entry& entry = entries_[relu ? 1 : 0];
    if (at::IntArrayRef(entry.size) == size) return entry.weights;
    const auto& options = conv.options;
    const auto* padding =
        c10::get_if<torch::ExpandingArray<2>>(&options.padding());
    TORCH_CHECK(padding != nullptr, "expected padding in numbers");
    const auto list = [](const torch::ExpandingArray<2>& pair) {
      return std::vector<int64_t>(pair->begin(), pair->end());
    };
    torch::jit::Stack stack = {conv.weight.detach(),
                               c10::optional<at::Tensor>(conv.bias.detach()),
                               list(options.stride()),
                               list(*padding),
                               list(options.dilation()),
                               options.groups(),
                               size.vec(),
                               std::string(relu ? "relu" : "none")};
    PrepackOperator()->callBoxed(&stack);
    entry = {size.vec(), stack[0]};
    return entry.weights;
  }

  std::optional<WinogradConv> winograd_;
  std::mutex mutex_;
  std::array<Entry, 2> entries_;
};

ConvNormPair::ConvNormPair(torch::nn::Module& owner, std::string conv_name,
                           std::shared_ptr<torch::nn::Conv2dImpl> conv,
                           std::string norm_name,
                           std::shared_ptr<torch::nn::BatchNorm2dImpl> norm)
    : owner_(owner),
      conv_name_(std::move(conv_name)),
      norm_name_(std::move(norm_name)),
      conv_(std::move(conv)),
      norm_(std::move(norm)) {}

at::Tensor ConvNormPair::forward(const at::Tensor& x) const {
  if (packed_) {
    at::Tensor y = packed_->Run(*conv_, x, /*relu=*/false);
    if (y.defined()) return y;
  }
  at::Tensor y = conv_->forward(x);
  return norm_ ? norm_->forward(y) : y;
}

at::Tensor ConvNormPair::ForwardRelu(const at::Tensor& x) const {
  if (packed_) {
    at::Tensor y = packed_->Run(*conv_, x, /*relu=*/true);
    if (y.defined()) return y;
  }
  at::Tensor y = conv_->forward(x);
  return (norm_ ? norm_->forward(y) : y).relu_();
}

bool ConvNormPair::Pack(bool winograd) {
  if (packed()) return true;
  const bool in_numbers =
      c10::get_if<torch::ExpandingArray<2>>(&conv_->options.padding());
  if (!folded() || !in_numbers || !PrepackOperator() || !RunOperator() ||
      !at::globalContext().hasMKLDNN()) {
    return false;
  }
  packed_ = std::make_shared<PackedWeights>(*conv_, winograd);
  return true;
}

void ConvNormPair::Fold() {
  if (folded()) return;
  TORCH_CHECK(!norm_->is_training() && norm_->running_mean.defined() &&
                  norm_->running_var.defined(),
              "cannot fold ", norm_name_, " into ", conv_name_,
              ": it is in training mode or keeps no running statistics, "
              "expected eval mode");
  const at::NoGradGuard no_grad;
  const at::Tensor& weight = conv_->weight;
  at::Tensor scale =
      (norm_->running_var.to(at::kDouble) + norm_->options.eps()).rsqrt();
  if (norm_->weight.defined()) scale = scale * norm_->weight.to(at::kDouble);
  at::Tensor bias = -norm_->running_mean.to(at::kDouble);
  if (conv_->bias.defined()) bias = bias + conv_->bias.to(at::kDouble);
  bias = bias * scale;
  if (norm_->bias.defined()) bias = bias + norm_->bias.to(at::kDouble);

  const auto& old = conv_->options;
  const auto conv = std::make_shared<torch::nn::Conv2dImpl>(
      torch::nn::Conv2dOptions(old.in_channels(), old.out_channels(),
                               old.kernel_size())
          .stride(old.stride())
          .padding(old.padding())
          .dilation(old.dilation())
          .groups(old.groups())
          .padding_mode(old.padding_mode()));
  conv->weight.set_data((weight.to(at::kDouble) * scale.view({-1, 1, 1, 1}))
                            .to(weight.scalar_type())
                            .contiguous(weight.suggest_memory_format()));
  conv->bias.set_data(bias.to(weight.scalar_type()));
  conv->weight.set_requires_grad(false);
  conv->bias.set_requires_grad(false);
  conv->train(conv_->is_training());

  owner_.replace_module(conv_name_, conv);
  owner_.unregister_module(norm_name_);
  conv_ = conv;
  norm_ = nullptr;
}

torch::nn::BatchNorm2dImpl& ConvNormPair::norm() const {
  TORCH_CHECK(norm_ != nullptr, norm_name_, " was folded into ", conv_name_);
  return *norm_;
}

std::shared_ptr<ConvNormPair> ConvNormOwner::RegisterConvNorm(
    torch::nn::Module& self, const std::string& conv_name,
    std::shared_ptr<torch::nn::Conv2dImpl> conv, const std::string& norm_name,
    std::shared_ptr<torch::nn::BatchNorm2dImpl> norm) {
  self.register_module(conv_name, conv);
  self.register_module(norm_name, norm);
  pairs_.push_back(std::make_shared<ConvNormPair>(
      self, conv_name, std::move(conv), norm_name, std::move(norm)));
  return pairs_.back();
}

at::Tensor AddRelu(at::Tensor x, const at::Tensor& y) {
  const bool records =
      at::GradMode::is_enabled() && (x.requires_grad() || y.requires_grad());
  // Elsewhere LibTorch has no kernel of it.
  if (records || !x.device().is_cpu() || x.scalar_type() != at::kFloat) {
    return x.add_(y).relu_();
  }
  return at::_add_relu_(x, y);
}

}  // namespace vision
