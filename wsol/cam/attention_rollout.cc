#include "wsol/cam/attention_rollout.h"

#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "c10/util/Exception.h"
#include "torch/csrc/autograd/autograd.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/cam_network.h"

namespace wsol {
namespace {

using Attention = CamNetwork::AttentionOutput;

// r [1, T]: what the head reads of each token.
at::Tensor ReadByTheHead(const Attention& run) {
  TORCH_CHECK(!run.attention.empty(), "the network shows no attention map");
  const int64_t places = run.height * run.width;
  const int64_t tokens = run.attention[0].size(2);
  TORCH_CHECK(places > 0 && places <= tokens, "attention of ", tokens,
              " tokens for ", run.height, " x ", run.width, " places");
  at::Tensor row = at::zeros({1, tokens}, run.attention[0].options());
  row.narrow(1, tokens - places, places).fill_(1 / static_cast<double>(places));
  return row;
}

// The places' part of r, [1, h, w].
at::Tensor Places(const Attention& run, const at::Tensor& row) {
  const int64_t places = run.height * run.width;
  return row.narrow(1, row.size(1) - places, places)
      .reshape({1, run.height, run.width});
}

}  // namespace

absl::Status AttentionRollout::Check(const Pass& pass) const {
  if (!pass.network.HasAttention()) {
    return absl::InvalidArgumentError(
        absl::StrCat(options().method,
                     " needs a network made of attention (a vision "
                     "transformer); GradCAM and LayerCAM take any"));
  }
  if (!pass.is_last_layer()) {
    return absl::InvalidArgumentError(
        absl::StrCat(options().method,
                     " follows attention through all blocks, so it takes the "
                     "last layer (-1) only"));
  }
  return absl::OkStatus();
}

at::Tensor AttentionRollout::Maps(const Pass& pass) const {
  std::vector<at::Tensor> maps;
  for (int64_t n = 0; n < pass.images.size(0); ++n) {
    // One image at a time: its attention maps fill memory enough.
    const Attention run =
        pass.network.ForwardWithAttention(pass.images.narrow(0, n, 1));
    at::Tensor row = ReadByTheHead(run);
    for (size_t l = run.attention.size(); l-- > 0;) {
      row = (row + at::mm(row, run.attention[l][0].mean(0))) / 2;
    }
    maps.push_back(
        Places(run, row).expand({pass.classes.size(1), -1, -1}).contiguous());
  }
  return at::stack(maps, 0);
}

at::Tensor GradientAttentionRollout::Maps(const Pass& pass) const {
  std::vector<at::Tensor> maps;
  for (int64_t n = 0; n < pass.images.size(0); ++n) {
    Attention run;
    {
      const at::AutoGradMode with_gradients(true);
      // The image wants gradients so that there is a graph even for frozen
      // networks.
      run = pass.network.ForwardWithAttention(
          pass.images.narrow(0, n, 1).detach().requires_grad_());
    }
    std::vector<at::Tensor> of_classes;
    const int64_t num_classes = pass.classes.size(1);
    for (int64_t m = 0; m < num_classes; ++m) {
      at::Tensor target = at::zeros_like(run.logits);
      target.scatter_(1, pass.classes[n][m].view({1, 1}), 1);
      // A block may have no part in the score.
      const std::vector<at::Tensor> gradients = torch::autograd::grad(
          {run.logits}, run.attention, /*grad_outputs=*/{target},
          /*retain_graph=*/m + 1 < num_classes, /*create_graph=*/false,
          /*allow_unused=*/true);
      at::Tensor row = ReadByTheHead(run);
      for (size_t l = run.attention.size(); l-- > 0;) {
        if (!gradients[l].defined()) continue;
        const at::Tensor relevant =
            (gradients[l][0] * run.attention[l][0].detach()).relu_().mean(0);
        row = row + at::mm(row, relevant);
      }
      of_classes.push_back(Places(run, row).squeeze(0));
    }
    maps.push_back(at::stack(of_classes, 0));
  }
  return at::stack(maps, 0);
}

}  // namespace wsol
