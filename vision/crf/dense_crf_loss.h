// The dense-CRF regularisation loss: probabilities should agree where pixels
// are near and of similar colour.
//
//   vision::DenseCrfLossOptions options;
//   at::Tensor loss = 2e-9 * vision::DenseCrfLoss(logits.softmax(1), images,
//                                                 options);
//
// Tang et al., ECCV 2018, "On Regularized Losses for Weakly-supervised CNN
// Segmentation", eq. 4 with S^T W (1 - S) reduced to -S^T W S: since the
// probabilities of a pixel sum to one, the two differ by a constant.
//
// Published weights: lambda = 2e-9 of F-CAM was tuned with a lattice filter
// that gives about 0.57 (0.56 to 0.65, by image) of the true W at 224x224. With
// the exact and grid methods of this library use lambda * kDenseCrfCompatGain
// for a term of equal strength, or method = kLattice for equal numbers. The
// loss grows as the square of the number of pixels: lambda must be retuned with
// the image size and with `scale`.

#ifndef VISION_CRF_DENSE_CRF_LOSS_H_
#define VISION_CRF_DENSE_CRF_LOSS_H_

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "vision/crf/bilateral_filter.h"

namespace vision {

// Factor for lambdas that were tuned with the published lattice filter.
constexpr double kDenseCrfCompatGain = 0.57;

struct DenseCrfLossOptions {
  // sigma_xy_pixels is in pixels of the given images, before `scale`.
  BilateralFilterOptions filter;
  // Both images (nearest) and probabilities (bilinear, align_corners = false)
  // are first resized to floor(scale * size), sigma_xy by the same factor; in
  // (0, 8].
  double scale = 1.0;
  // Whether W keeps its diagonal, the ones of a pixel with itself. Published:
  // yes.
  bool self_term = true;
  // Threads over the images of a batch; 0: as many as at::get_num_threads(). No
  // result depends on it.
  int num_threads = 0;

  absl::Status Validate() const;
};

// Returns the scalar  -(1/N) sum_{n,k} S_nk^T W_n S_nk  (W_n - I without
// self_term), of the dtype of `probabilities`, summed in double.
//
// `probabilities`: [N, K, H, W] float32 or float64 on the CPU, any strides,
// finite; need not sum to one. `images`: [N, 3, H, W] on the CPU, any floating
// point or integer dtype, not normalised: 0..255. Neither is modified; `images`
// gets no gradient.
//
// Gradient: -(2/N) W S, from the forward pass's filtered map, so that the
// backward pass costs next to nothing. It is the exact gradient of the returned
// loss for kExact and kGrid, and up to 5 % off for kLattice, as published,
// whose W is not symmetric. float32 inside, whatever the dtype, except for
// float64 probabilities with the exact method (asked for or chosen by kAuto),
// which stay in float64 and are for gradient checks of small images. Double
// backward is refused.
//
// Throws c10::Error for invalid options, shapes, dtypes, devices or values,
// naming the image; keeps N*K*H*W floats for the backward pass.
at::Tensor DenseCrfLoss(const at::Tensor& probabilities,
                        const at::Tensor& images,
                        const DenseCrfLossOptions& options = {});

}  // namespace vision

#endif  // VISION_CRF_DENSE_CRF_LOSS_H_
