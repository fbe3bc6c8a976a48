// Size bounds: keeps the object's share of the image within limits.
//
//   SizeBoundsOptions bounds;
//   bounds.lower = 0.05;
//   bounds.upper = 0.8;
//   at::Tensor loss = SizeBoundsLoss(probabilities, bounds, schedule.t());

#ifndef FCAM_LOSSES_SIZE_BOUNDS_LOSS_H_
#define FCAM_LOSSES_SIZE_BOUNDS_LOSS_H_

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"

namespace fcam {

// Shares of the image's area. 0 <= lower < upper <= 1; a lower bound of 0 and
// an upper bound of 1 are no bounds and add no term, but one is needed.
struct SizeBoundsOptions {
  double lower = 0.05;
  double upper = 0.9;

  absl::Status Validate() const;
};

// Returns the sum, over the bounds there are, of
//   ELB_t(lower - a),  ELB_t(a - upper),
// where a[n] is the mean of the foreground probabilities of image n and ELB
// (elb.h) averages over the batch. Unlike the size term of the published code
// (size_loss.h), which only asks that neither region is empty, it knows how
// large objects are (Kervadec et al., Constrained-CNN losses for weakly
// supervised segmentation, 2019, with the log barrier for the penalty). Near a
// bound the barrier's slope is t, 1 to 10 in the published schedule.
//   probabilities: [N, 2, H, W] floating point in [0, 1], not empty; channel 1
//     is the foreground.
// Gradient: to the foreground channel, the same at all pixels of an image;
// finite everywhere. Throws c10::Error for other shapes or t <= 0.
at::Tensor SizeBoundsLoss(const at::Tensor& probabilities,
                          const SizeBoundsOptions& bounds, double t);

}  // namespace fcam

#endif  // FCAM_LOSSES_SIZE_BOUNDS_LOSS_H_
