// Where a vision transformer's tokens look: attention followed through all
// blocks, for networks that show their attention maps (CamNetwork).
//
// With A[l] [heads, T, T] the attention of block l = 1..L, rows from the token
// that looks to the tokens looked at, and r the row vector of the tokens that
// the head reads, 1 / (h w) for each of the places:
//
//   AttentionRollout (Abnar and Zuidema, ACL 2020, section 3):
//     B[l] = (mean over heads of A[l] + I) / 2,   map = r B[L] ... B[1];
//   GradientAttentionRollout (Chefer et al., ICCV 2021, eq. 5 and 6, "gradient
//   attention rollout"), for the logit S of a class:
//     B[l] = I + mean over heads of relu(dS/dA[l] * A[l]),
//     map = r B[L] ... B[1],
//
// of which the places' part is the map; products are taken from the left, a
// vector times a matrix each. The first does not depend on the class. Not in
// the published F-CAM code; both variants are the same.
//
// NOTE: The papers read the row of the class token, since their heads do. The
// heads here pool the places (wsol/pooling), so r is their mean; the class
// token still counts as a token on the way.
//
// Cost: a forward pass for each image alone, and for the second a backward pass
// for each class; memory: L heads T^2 numbers, for the second twice.

#ifndef WSOL_CAM_ATTENTION_ROLLOUT_H_
#define WSOL_CAM_ATTENTION_ROLLOUT_H_

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "wsol/cam/cam_method.h"

namespace wsol {

class AttentionRollout : public CamMethod {
 public:
  explicit AttentionRollout(const CamOptions& options) : CamMethod(options) {}

 protected:
  // kInvalidArgument for a network without attention maps and for another layer
  // than the last.
  absl::Status Check(const Pass& pass) const override;
  at::Tensor Maps(const Pass& pass) const override;
};

class GradientAttentionRollout : public AttentionRollout {
 public:
  explicit GradientAttentionRollout(const CamOptions& options)
      : AttentionRollout(options) {}

 protected:
  at::Tensor Maps(const Pass& pass) const override;
};

}  // namespace wsol

#endif  // WSOL_CAM_ATTENTION_ROLLOUT_H_
