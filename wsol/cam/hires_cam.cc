#include "wsol/cam/hires_cam.h"

#include "ATen/ATen.h"
#include "wsol/cam/gradient_cam.h"

namespace wsol {

at::Tensor HiResCam::Combine(const at::Tensor& features,
                             const at::Tensor& gradients) const {
  return at::nansum(gradients * features, at::IntArrayRef({1}));
}

at::Tensor HiResCam::ChannelWeights(const at::Tensor&,
                                    const at::Tensor& gradients) const {
  return gradients;
}

}  // namespace wsol
