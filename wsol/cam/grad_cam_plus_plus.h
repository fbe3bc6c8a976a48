// Grad-CAM++ (Chattopadhyay et al., WACV 2018): positive gradients, weighed at
// each pixel,
//
//   map = relu(sum_c w[c] A[c]),  w[c] = sum_ij(a[c] relu(g[c])),
//   kPaper (eq. 19):  a = g^2 / (2 g^2 + sum_ij(g[c]^3 A[c])), 0 where g = 0;
//   kPublished:       a = g^2.
//
// NOTE(reference): the published F-CAM code divides a copy of a, so that the
// denominator has no effect. The paper takes sum_ij of A alone and g at the
// pixel; like other implementations this sums their product.

#ifndef WSOL_CAM_GRAD_CAM_PLUS_PLUS_H_
#define WSOL_CAM_GRAD_CAM_PLUS_PLUS_H_

#include "ATen/core/Tensor.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/gradient_cam.h"

namespace wsol {

class GradCamPlusPlus : public GradientCam {
 public:
  explicit GradCamPlusPlus(const CamOptions& options) : GradientCam(options) {}

 protected:
  at::Tensor Combine(const at::Tensor& features,
                     const at::Tensor& gradients) const override;
  at::Tensor ChannelWeights(const at::Tensor& features,
                            const at::Tensor& gradients) const override;
};

}  // namespace wsol

#endif  // WSOL_CAM_GRAD_CAM_PLUS_PLUS_H_
