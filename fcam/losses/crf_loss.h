// The dense-CRF loss with F-CAM's conventions: published weights keep their
// strength with every filter, and the inputs may live on any device.
//
//   at::Tensor loss = 2e-9 * CrfLoss(probabilities, batch.raw_images, options);

#ifndef FCAM_LOSSES_CRF_LOSS_H_
#define FCAM_LOSSES_CRF_LOSS_H_

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "vision/crf/dense_crf_loss.h"

namespace fcam {

struct CrfLossOptions {
  // Filter, its widths and method, and the scale at which the loss is computed.
  vision::DenseCrfLossOptions dense;
  // Multiplies the values of methods other than kLattice by
  // vision::kDenseCrfCompatGain. The published weight, 2e-9 at 224 x 224,
  // belongs to the lattice; so it fits all methods.
  bool published_strength = true;

  absl::Status Validate() const;
};

// Returns -(g / N) sum_{n,k} S_nk^T W_n S_nk (F-CAM, WACV 2022, the term R of
// equation 2), a scalar on the device of `probabilities`; g is 1 or the gain of
// published_strength. Negative; grows with the square of the pixel count.
//   probabilities: [N, 2, H, W] float32 or float64 (any number of channels).
//   images: [N, 3, H, W], 0..255, not normalised, of the same crop and flip.
// Gradient, errors and cost: vision/crf/dense_crf_loss.h. The filter runs on
// the CPU; tensors of other devices are copied there and the gradient back.
at::Tensor CrfLoss(const at::Tensor& probabilities, const at::Tensor& images,
                   const CrfLossOptions& options);

}  // namespace fcam

#endif  // FCAM_LOSSES_CRF_LOSS_H_
