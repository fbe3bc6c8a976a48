// Finer-CAM (Zhang et al., CVPR 2025): what tells a class from those that look
// like it.
//
//   map = relu(sum_c mean_ij(g[c]) A[c]),  g = dS/dA,
//   S = logit of the class - alpha * mean logit of its `finer_classes`
//       competitors,
//
// Grad-CAM of a difference. Competitors are the other classes whose logits are
// nearest to the class's, lower numbers first among equals. Not in the
// published F-CAM code; both variants are the same. Needs two classes at least.

#ifndef WSOL_CAM_FINER_CAM_H_
#define WSOL_CAM_FINER_CAM_H_

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/grad_cam.h"

namespace wsol {

class FinerCam : public GradCam {
 public:
  explicit FinerCam(const CamOptions& options) : GradCam(options) {}

 protected:
  // kInvalidArgument if there are fewer than finer_classes other classes.
  absl::Status Check(const Pass& pass) const override;
  at::Tensor Targets(const Pass& pass) const override;
};

}  // namespace wsol

#endif  // WSOL_CAM_FINER_CAM_H_
