#include "wsol/cam/ablation_cam.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/masked_passes.h"

namespace wsol {
namespace {

// The features with a channel missing, and what the head makes of them.
int64_t BytesOfPass(const at::Tensor& features) {
  return 2 * static_cast<int64_t>(features.nbytes()) / features.size(0);
}

}  // namespace

absl::Status AblationCam::Check(const Pass& pass) const {
  if (!pass.is_last_layer()) {
    return absl::InvalidArgumentError(
        "AblationCAM runs the head without each channel, so it takes the last "
        "layer (-1) only");
  }
  return PassesAtATime(options().memory_budget_bytes,
                       BytesOfPass(pass.features()), /*limit=*/1)
      .status();
}

at::Tensor AblationCam::AblatedLogits(const Pass& pass, int64_t image) const {
  const at::Tensor features = pass.features()[image];  // [C, h, w]
  const int64_t channels = features.size(0);
  const int64_t batch = *PassesAtATime(options().memory_budget_bytes,
                                       BytesOfPass(pass.features()), channels);
  std::vector<at::Tensor> logits;
  for (int64_t begin = 0; begin < channels; begin += batch) {
    const int64_t count = std::min(batch, channels - begin);
    at::Tensor ablated = features.unsqueeze(0).repeat({count, 1, 1, 1});
    for (int64_t i = 0; i < count; ++i) ablated[i][begin + i].zero_();
    logits.push_back(
        pass.network.LogitsOf(ablated).index_select(1, pass.classes[image]));
  }
  return at::cat(logits, 0).t();
}

at::Tensor AblationCam::Maps(const Pass& pass) const {
  const at::Tensor& features = pass.features();
  const at::Tensor scores =
      pass.output.logits.gather(1, pass.classes).unsqueeze(2);  // [N, M, 1]
  const at::Tensor linear = pass.network.LinearWeights();
  at::Tensor losses;  // [N, M, C]
  if (linear.defined()) {
    const at::Tensor rows =
        linear.detach()
            .index_select(0, pass.classes.flatten())
            .view({pass.classes.size(0), pass.classes.size(1), -1});
    losses = rows * features.mean(kPixelAxes).unsqueeze(1);
  } else {
    std::vector<at::Tensor> by_image;
    for (int64_t n = 0; n < features.size(0); ++n) {
      by_image.push_back(scores[n] - AblatedLogits(pass, n));
    }
    losses = at::stack(by_image, 0);
  }
  return WeightedFeatureSums(features, losses / scores).relu_();
}

}  // namespace wsol
