#include "wsol/cam/xgrad_cam.h"

#include "ATen/ATen.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/gradient_cam.h"

namespace wsol {

at::Tensor XGradCam::Combine(const at::Tensor& features,
                             const at::Tensor& gradients) const {
  // 0 / 0 makes a NaN, which drops the channel.
  return WeighChannels(features, (gradients * features).sum(kPixelAxes) /
                                     features.sum(kPixelAxes));
}

at::Tensor XGradCam::ChannelWeights(const at::Tensor& features,
                                    const at::Tensor& gradients) const {
  const at::Tensor sums = features.sum(kPixelAxes).unsqueeze(1);
  return at::where(sums != 0, gradients, at::zeros_like(gradients));
}

}  // namespace wsol
