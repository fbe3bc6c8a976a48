#include "wsol/cam/grad_cam_plus_plus.h"

#include "ATen/ATen.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/gradient_cam.h"

namespace wsol {

at::Tensor GradCamPlusPlus::Combine(const at::Tensor& features,
                                    const at::Tensor& gradients) const {
  const at::Tensor squares = gradients * gradients;
  at::Tensor alpha = squares;
  if (options().variant == CamVariant::kPaper) {
    const at::Tensor sums =
        (squares * gradients * features).sum(kPixelAxes, /*keepdim=*/true);
    alpha = at::where(squares > 0, squares / (2 * squares + sums),
                      at::zeros_like(squares));
  }
  return WeighChannels(features, (alpha * gradients.relu()).sum(kPixelAxes));
}

at::Tensor GradCamPlusPlus::ChannelWeights(const at::Tensor& features,
                                           const at::Tensor& gradients) const {
  const double pixels = static_cast<double>(features.size(2)) *
                        static_cast<double>(features.size(3));
  const at::Tensor positive = gradients.relu();
  if (options().variant == CamVariant::kPublished) {
    return pixels * gradients * gradients * positive;
  }
  // g^2 cancels out of the fraction; where g = 0 the last factor is 0.
  const at::Tensor sums = features.sum(kPixelAxes).unsqueeze(1);  // [N, 1, C]
  return pixels * positive / (2 + gradients * sums);
}

}  // namespace wsol
