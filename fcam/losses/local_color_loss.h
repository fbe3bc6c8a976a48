// Local colour term: neighbours of similar colour should be on the same side of
// the object's outline. A cheap alternative to the dense CRF.
//
//   LocalColorOptions options;
//   options.radius = 3;
//   at::Tensor loss = LocalColorLoss(probabilities, batch.raw_images, options);

#ifndef FCAM_LOSSES_LOCAL_COLOR_LOSS_H_
#define FCAM_LOSSES_LOCAL_COLOR_LOSS_H_

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"

namespace fcam {

struct LocalColorOptions {
  // Pixels are compared with those at most this far in each axis, times
  // `dilation`; 1 to 64.
  int radius = 2;
  // Distance of the pixels compared, >= 1.
  int dilation = 1;
  // Widths of the weight, finite and > 0: in pixels, and in units of 0..255.
  double sigma_xy_pixels = 6.0;
  double sigma_rgb = 15.0;
  // Pairs of a smaller weight do not count, in [0, 1): 0 for all pairs.
  double gate = 0.0;

  absl::Status Validate() const;
};

// Returns the mean over all pairs {p, q} of pixels of the batch that are
// neighbours within an image of
//   w_pq (S_p0 S_q1 + S_p1 S_q0),
//   w_pq = exp(-|x_p - x_q|^2 / (2 sigma_xy^2) - |c_p - c_q|^2 / (2
//   sigma_rgb^2)),
// the weighted probability that both get different labels, with w set to 0
// below the gate (Obukhov et al., Gated CRF loss for weakly supervised semantic
// image segmentation, 2019, eq. 4, for two labels and a square window). In
// [0, 1]; 0 for images of one pixel. It does not grow with the image, as the
// dense CRF does: a weight between 0.01 and 1 goes with the seeds' loss.
//   probabilities: [N, 2, H, W] floating point in [0, 1], not empty.
//   images: [N, 3, H, W], 0..255, not normalised, of the same crop and flip.
// Gradient: to `probabilities`; finite everywhere. Throws c10::Error for other
// shapes. Cost: 2 radius (radius + 1) passes over the map, memory for the
// backward pass alike; radius 2 costs about as much as the grid CRF.
at::Tensor LocalColorLoss(const at::Tensor& probabilities,
                          const at::Tensor& images,
                          const LocalColorOptions& options);

}  // namespace fcam

#endif  // FCAM_LOSSES_LOCAL_COLOR_LOSS_H_
