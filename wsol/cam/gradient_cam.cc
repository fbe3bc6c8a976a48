#include "wsol/cam/gradient_cam.h"

#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "torch/csrc/autograd/autograd.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/cam_network.h"

namespace wsol {
namespace {

// The layer's features and the logits, connected by a graph.
struct Graph {
  at::Tensor features;
  at::Tensor logits;
};

}  // namespace

at::Tensor GradientCam::Targets(const Pass& pass) const {
  return at::one_hot(pass.classes, pass.output.logits.size(1))
      .to(pass.output.logits.options());
}

at::Tensor GradientCam::Maps(const Pass& pass) const {
  const at::Tensor targets = Targets(pass);
  const at::Tensor& features = pass.features();
  if (const at::Tensor linear = pass.network.LinearWeights();
      linear.defined() && pass.is_last_layer()) {
    const double pixels = static_cast<double>(features.size(2)) *
                          static_cast<double>(features.size(3));
    const at::Tensor gradients = at::matmul(targets, linear.detach()) / pixels;
    return WeightedFeatureSums(features, ChannelWeights(features, gradients))
        .relu_();
  }

  Graph graph;
  {
    const at::AutoGradMode with_gradients(true);
    if (pass.is_last_layer()) {
      graph.features = features.detach().requires_grad_();
      graph.logits = pass.network.LogitsOf(graph.features);
    } else {
      // The images want gradients so that there is a graph even for frozen
      // networks.
      const CamNetwork::Output output =
          pass.network.Forward(pass.images.detach().requires_grad_());
      graph.features = output.features[pass.layer];
      graph.logits = output.logits;
    }
  }
  std::vector<at::Tensor> maps;
  for (int64_t m = 0; m < targets.size(1); ++m) {
    // Images do not influence one another, so the sum's gradient is each's own.
    const at::Tensor gradients =
        torch::autograd::grad({graph.logits}, {graph.features},
                              /*grad_outputs=*/{targets.select(1, m)},
                              /*retain_graph=*/m + 1 < targets.size(1))[0];
    maps.push_back(Combine(features, gradients).relu());
  }
  return at::stack(maps, 1);
}

at::Tensor WeighChannels(const at::Tensor& features,
                         const at::Tensor& weights) {
  return WeightedFeatureSums(features, weights.unsqueeze(1)).squeeze(1);
}

}  // namespace wsol
