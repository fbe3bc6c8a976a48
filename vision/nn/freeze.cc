#include "vision/nn/freeze.h"

#include <memory>

#include "ATen/core/Tensor.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/batchnorm.h"
#include "torch/nn/modules/dropout.h"
#include "vision/nn/stochastic_depth.h"

namespace vision {
namespace {

bool IsNorm(const torch::nn::Module& module) {
  return module.as<torch::nn::BatchNorm1dImpl>() != nullptr ||
         module.as<torch::nn::BatchNorm2dImpl>() != nullptr ||
         module.as<torch::nn::BatchNorm3dImpl>() != nullptr;
}

bool IsNormOrDropout(const torch::nn::Module& module) {
  return IsNorm(module) || module.as<StochasticDepth>() != nullptr ||
         module.as<torch::nn::DropoutImpl>() != nullptr ||
         module.as<torch::nn::Dropout2dImpl>() != nullptr ||
         module.as<torch::nn::Dropout3dImpl>() != nullptr;
}

}  // namespace

// Module::modules() needs a module that a shared_ptr owns; children() does not,
// so these recurse by hand and also work on a module on the stack.

void SetNormAndDropoutToEval(torch::nn::Module& module) {
  if (IsNormOrDropout(module)) module.eval();
  for (const auto& child : module.children()) SetNormAndDropoutToEval(*child);
}

void SetNormToEval(torch::nn::Module& module) {
  if (IsNorm(module)) module.eval();
  for (const auto& child : module.children()) SetNormToEval(*child);
}

void Freeze(torch::nn::Module& module) {
  for (at::Tensor& parameter : module.parameters()) {
    parameter.set_requires_grad(false);
  }
  SetNormAndDropoutToEval(module);
}

bool IsFrozen(const torch::nn::Module& module) {
  if (IsNormOrDropout(module) && module.is_training()) return false;
  for (const at::Tensor& parameter : module.parameters(/*recurse=*/false)) {
    if (parameter.requires_grad()) return false;
  }
  for (const auto& child : module.children()) {
    if (!IsFrozen(*child)) return false;
  }
  return true;
}

}  // namespace vision
