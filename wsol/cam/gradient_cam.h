// What CAM methods that weigh features by gradients have in common.
//
// With S a sum of logits (the class's by default), A the features [C, h, w] of
// a layer and g = dS/dA, a method is a rule from A and g to a map, of which the
// positive part remains. Where the head is linear on pooled features, g of the
// last layer is W / (h w) everywhere: then the rule reduces to a weight for
// each channel and no backward pass is run. Otherwise autograd runs backwards
// from the logits to the layer, once for each class asked for.

#ifndef WSOL_CAM_GRADIENT_CAM_H_
#define WSOL_CAM_GRADIENT_CAM_H_

#include "ATen/core/Tensor.h"
#include "wsol/cam/cam_method.h"

namespace wsol {

class GradientCam : public CamMethod {
 protected:
  explicit GradientCam(const CamOptions& options) : CamMethod(options) {}

  // The rule: features and gradients [N, C, h, w] -> maps [N, h, w], before the
  // positive part is taken.
  virtual at::Tensor Combine(const at::Tensor& features,
                             const at::Tensor& gradients) const = 0;

  // The rule for gradients [N, M, C] that are the same at all pixels, as
  // weights [N, M, C] of the features' channels.
  virtual at::Tensor ChannelWeights(const at::Tensor& features,
                                    const at::Tensor& gradients) const = 0;

  // S as coefficients of the logits, [N, M, K]: 1 for the class, else 0.
  virtual at::Tensor Targets(const Pass& pass) const;

  at::Tensor Maps(const Pass& pass) const override;
};

// sum_c weights[n, c] * features[n, c]: [N, C], [N, C, h, w] -> [N, h, w]; NaN
// products count as 0.
at::Tensor WeighChannels(const at::Tensor& features, const at::Tensor& weights);

}  // namespace wsol

#endif  // WSOL_CAM_GRADIENT_CAM_H_
