// HiResCAM (Draelos and Carin, 2020): gradients weigh each pixel by itself,
//
//   map = relu(sum_c g[c] * A[c]),
//
// which keeps to what the network used where Grad-CAM averages first. Not in
// the published F-CAM code; both variants are the same. On a linear head it is
// Grad-CAM.

#ifndef WSOL_CAM_HIRES_CAM_H_
#define WSOL_CAM_HIRES_CAM_H_

#include "ATen/core/Tensor.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/gradient_cam.h"

namespace wsol {

class HiResCam : public GradientCam {
 public:
  explicit HiResCam(const CamOptions& options) : GradientCam(options) {}

 protected:
  at::Tensor Combine(const at::Tensor& features,
                     const at::Tensor& gradients) const override;
  at::Tensor ChannelWeights(const at::Tensor& features,
                            const at::Tensor& gradients) const override;
};

}  // namespace wsol

#endif  // WSOL_CAM_HIRES_CAM_H_
