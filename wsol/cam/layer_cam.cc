#include "wsol/cam/layer_cam.h"

#include "ATen/ATen.h"
#include "wsol/cam/gradient_cam.h"

namespace wsol {

at::Tensor LayerCam::Combine(const at::Tensor& features,
                             const at::Tensor& gradients) const {
  return at::nansum(gradients.relu() * features, at::IntArrayRef({1}));
}

at::Tensor LayerCam::ChannelWeights(const at::Tensor&,
                                    const at::Tensor& gradients) const {
  return gradients.relu();
}

}  // namespace wsol
