// LayerCAM (Jiang et al., TIP 2021, eq. 5 and 6): positive gradients weigh each
// pixel by itself,
//
//   map = relu(sum_c relu(g[c]) * A[c]).
//
// Made for shallow layers, whose maps are fine. Both variants are the same.

#ifndef WSOL_CAM_LAYER_CAM_H_
#define WSOL_CAM_LAYER_CAM_H_

#include "ATen/core/Tensor.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/gradient_cam.h"

namespace wsol {

class LayerCam : public GradientCam {
 public:
  explicit LayerCam(const CamOptions& options) : GradientCam(options) {}

 protected:
  at::Tensor Combine(const at::Tensor& features,
                     const at::Tensor& gradients) const override;
  at::Tensor ChannelWeights(const at::Tensor& features,
                            const at::Tensor& gradients) const override;
};

}  // namespace wsol

#endif  // WSOL_CAM_LAYER_CAM_H_
