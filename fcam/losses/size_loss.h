// Absolute size constraint: keeps both regions of a map from vanishing.
//
//   at::Tensor loss = SizeLoss(probabilities, elb_schedule.t());

#ifndef FCAM_LOSSES_SIZE_LOSS_H_
#define FCAM_LOSSES_SIZE_LOSS_H_

#include "ATen/core/Tensor.h"

namespace fcam {

// Returns (ELB_t(-s_0) + ELB_t(-s_1)) / 2, where s_c[n] is the sum of
// probabilities[n, c] over the pixels, not divided by their number, and ELB
// (elb.h) averages over the batch: the constraint s_c >= 0 of F-CAM, WACV 2022,
// equation 2. Both regions are pushed to grow; the balance comes from their
// competition.
//   probabilities: [N, 2, H, W] floating point in [0, 1].
// Gradient: to `probabilities`, -1 / (2 N t s) per pixel, finite where a region
// is empty. Throws c10::Error for other shapes or t <= 0.
at::Tensor SizeLoss(const at::Tensor& probabilities, double t);

}  // namespace fcam

#endif  // FCAM_LOSSES_SIZE_LOSS_H_
