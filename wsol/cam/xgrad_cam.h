// XGrad-CAM (Fu et al., BMVC 2020, eq. 8): gradients averaged with the features
// as weights,
//
//   map = relu(sum_c w[c] A[c]),  w[c] = sum_ij(g[c] A[c]) / sum_ij(A[c]),
//
// without the channels whose features sum to 0. Both variants are the same.

#ifndef WSOL_CAM_XGRAD_CAM_H_
#define WSOL_CAM_XGRAD_CAM_H_

#include "ATen/core/Tensor.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/gradient_cam.h"

namespace wsol {

class XGradCam : public GradientCam {
 public:
  explicit XGradCam(const CamOptions& options) : GradientCam(options) {}

 protected:
  at::Tensor Combine(const at::Tensor& features,
                     const at::Tensor& gradients) const override;
  at::Tensor ChannelWeights(const at::Tensor& features,
                            const at::Tensor& gradients) const override;
};

}  // namespace wsol

#endif  // WSOL_CAM_XGRAD_CAM_H_
