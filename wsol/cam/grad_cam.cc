#include "wsol/cam/grad_cam.h"

#include "ATen/ATen.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/gradient_cam.h"

namespace wsol {

at::Tensor GradCam::Combine(const at::Tensor& features,
                            const at::Tensor& gradients) const {
  return WeighChannels(features, gradients.mean(kPixelAxes));
}

at::Tensor GradCam::ChannelWeights(const at::Tensor&,
                                   const at::Tensor& gradients) const {
  return gradients;
}

}  // namespace wsol
