// Ablation-CAM (Ramaswamy and others, WACV 2020, eq. 1 and 2): how much of the
// class's logit S is lost without a channel.
//
//   map = relu(sum_c w[c] A[c]),  w[c] = (S - S without channel c) / S.
//
// Not in the published F-CAM code; both variants are the same. Last layer only:
// the head is run once for each channel, with the channel set to 0. Where it is
// linear, w[c] = W[c] mean_ij(A[c]) / S without any pass.

#ifndef WSOL_CAM_ABLATION_CAM_H_
#define WSOL_CAM_ABLATION_CAM_H_

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "wsol/cam/cam_method.h"

namespace wsol {

class AblationCam : public CamMethod {
 public:
  explicit AblationCam(const CamOptions& options) : CamMethod(options) {}

 protected:
  // kInvalidArgument for another layer than the last and for too small a memory
  // budget.
  absl::Status Check(const Pass& pass) const override;
  at::Tensor Maps(const Pass& pass) const override;

 private:
  // Logits without each channel, of image n's class m: [M, C].
  at::Tensor AblatedLogits(const Pass& pass, int64_t image) const;
};

}  // namespace wsol

#endif  // WSOL_CAM_ABLATION_CAM_H_
