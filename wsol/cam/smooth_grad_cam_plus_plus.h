// Smooth Grad-CAM++ (Omeiza et al., 2019): Grad-CAM++ with gradients averaged
// over noisy copies of the image.
//
//   map = relu(sum_c w[c] B[c]),  w[c] = sum_ij(a[c] relu(h[c])),
//   a = mean(g^2) / (2 mean(g^2) + sum_ij(mean(g^3) A[c])),
//
// means over the passes, A the features of the clean image; channels where a
// is 0/0 are dropped.
//   kPaper:     h = mean(g), B = A;
//   kPublished: h and B are gradients and features of the last noisy pass.
//
// NOTE(reference): the published F-CAM code keeps what its last pass left.
// Where the head is linear the gradients are the same in all passes: then
// kPublished runs the last noisy pass alone and kPaper none, and no backward
// pass is run. Takes the logits' derivatives, not those of their exponentials.

#ifndef WSOL_CAM_SMOOTH_GRAD_CAM_PLUS_PLUS_H_
#define WSOL_CAM_SMOOTH_GRAD_CAM_PLUS_PLUS_H_

#include <vector>

#include "ATen/core/Tensor.h"
#include "wsol/cam/cam_method.h"

namespace wsol {

class SmoothGradCamPlusPlus : public CamMethod {
 public:
  explicit SmoothGradCamPlusPlus(const CamOptions& options)
      : CamMethod(options) {}

 protected:
  at::Tensor Maps(const Pass& pass) const override;

 private:
  at::Tensor NoisyImages(const Pass& pass, int sample) const;
  at::Tensor LinearMaps(const Pass& pass, const at::Tensor& weights) const;
  at::Tensor AutogradMaps(const Pass& pass) const;
};

}  // namespace wsol

#endif  // WSOL_CAM_SMOOTH_GRAD_CAM_PLUS_PLUS_H_
