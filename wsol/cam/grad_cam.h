// Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1 and 2): the mean gradient of
// each channel weighs it,
//
//   map = relu(sum_c mean_ij(g[c]) A[c]).
//
// Both variants are the same. On a linear head it is the positive part of CAM.

#ifndef WSOL_CAM_GRAD_CAM_H_
#define WSOL_CAM_GRAD_CAM_H_

#include "ATen/core/Tensor.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/gradient_cam.h"

namespace wsol {

class GradCam : public GradientCam {
 public:
  explicit GradCam(const CamOptions& options) : GradientCam(options) {}

 protected:
  at::Tensor Combine(const at::Tensor& features,
                     const at::Tensor& gradients) const override;
  at::Tensor ChannelWeights(const at::Tensor& features,
                            const at::Tensor& gradients) const override;
};

}  // namespace wsol

#endif  // WSOL_CAM_GRAD_CAM_H_
