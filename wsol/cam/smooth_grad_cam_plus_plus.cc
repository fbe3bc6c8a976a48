#include "wsol/cam/smooth_grad_cam_plus_plus.h"

#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "torch/csrc/autograd/autograd.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/cam_network.h"
#include "wsol/cam/gradient_cam.h"

namespace wsol {

at::Tensor SmoothGradCamPlusPlus::NoisyImages(const Pass& pass,
                                              int sample) const {
  at::Tensor noisy = pass.images.clone();
  for (int64_t n = 0; n < noisy.size(0); ++n) {
    noisy[n] +=
        options().smooth_std * Noise(pass, n, sample, pass.images[n].sizes());
  }
  return noisy;
}

at::Tensor SmoothGradCamPlusPlus::LinearMaps(const Pass& pass,
                                             const at::Tensor& weights) const {
  const at::Tensor& features = pass.features();
  const int64_t num_images = pass.classes.size(0);
  // Pixels cancel out: g = W / (h w), and a and relu(g) are summed over them.
  const at::Tensor rows = weights.index_select(0, pass.classes.flatten())
                              .view({num_images, pass.classes.size(1), -1});
  const at::Tensor means = features.mean(kPixelAxes).unsqueeze(1);  // [N, 1, C]
  // Where W = 0, a is 0/0.
  const at::Tensor channel_weights = rows.relu() / (2 + rows * means);
  if (options().variant == CamVariant::kPaper) {
    return WeightedFeatureSums(features, channel_weights).relu_();
  }
  const CamNetwork::Output noisy =
      pass.network.Forward(NoisyImages(pass, options().smooth_samples - 1));
  return WeightedFeatureSums(noisy.features[pass.layer], channel_weights)
      .relu_();
}

at::Tensor SmoothGradCamPlusPlus::AutogradMaps(const Pass& pass) const {
  const at::Tensor& features = pass.features();
  const int64_t num_maps = pass.classes.size(1);
  std::vector<at::Tensor> first(num_maps);  // Sums of g, g^2, g^3.
  std::vector<at::Tensor> second(num_maps);
  std::vector<at::Tensor> third(num_maps);
  std::vector<at::Tensor> last_gradients(num_maps);
  at::Tensor last_features;
  const auto add = [](at::Tensor& sum, const at::Tensor& term) {
    sum = sum.defined() ? sum + term : term;
  };
  for (int sample = 0; sample < options().smooth_samples; ++sample) {
    const at::Tensor noisy = NoisyImages(pass, sample).requires_grad_();
    CamNetwork::Output output;
    {
      const at::AutoGradMode with_gradients(true);
      output = pass.network.Forward(noisy);
    }
    const at::Tensor& noisy_features = output.features[pass.layer];
    for (int64_t m = 0; m < num_maps; ++m) {
      const at::Tensor scores =
          at::one_hot(pass.classes.select(1, m), output.logits.size(1))
              .to(output.logits.options());
      const at::Tensor gradients = torch::autograd::grad(
          {output.logits}, {noisy_features}, /*grad_outputs=*/{scores},
          /*retain_graph=*/m + 1 < num_maps)[0];
      const at::Tensor squares = gradients * gradients;
      add(first[m], gradients);
      add(second[m], squares);
      add(third[m], squares * gradients);
      last_gradients[m] = gradients;
    }
    last_features = noisy_features.detach();
  }

  const bool is_paper = options().variant == CamVariant::kPaper;
  std::vector<at::Tensor> maps;
  for (int64_t m = 0; m < num_maps; ++m) {
    const double samples = options().smooth_samples;
    const at::Tensor squares = second[m] / samples;
    const at::Tensor cubes = third[m] / samples;
    const at::Tensor alpha =
        squares /
        (2 * squares + (cubes * features).sum(kPixelAxes, /*keepdim=*/true));
    const at::Tensor gradients =
        is_paper ? first[m] / samples : last_gradients[m];
    const at::Tensor weights = (alpha * gradients.relu()).sum(kPixelAxes);
    maps.push_back(
        WeighChannels(is_paper ? features : last_features, weights).relu());
  }
  return at::stack(maps, 1);
}

at::Tensor SmoothGradCamPlusPlus::Maps(const Pass& pass) const {
  const at::Tensor weights = pass.network.LinearWeights();
  return weights.defined() && pass.is_last_layer()
             ? LinearMaps(pass, weights.detach())
             : AutogradMaps(pass);
}

}  // namespace wsol
