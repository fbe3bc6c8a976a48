// The dense-CRF regularisation loss: probabilities should agree where pixels
// are near and of similar colour.
//
//   vision::DenseCrfLossOptions options;
//   at::Tensor loss = 2e-9 * vision::DenseCrfLoss(logits.softmax(1), images,
//                                                 options);
//
// Tang et al., ECCV 2018, "On Regularized Losses for Weakly-supervised CNN
// Segmentation", eq. 4, S^T W (1 - S), or in the form -S^T W S of the published
// code: where the probabilities of a pixel sum to one, the two differ by a
// constant and have the same gradient behind a softmax. Behind independent
// sigmoids they have not.
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

enum class DenseCrfForm {
  kAgreement,     // -S^T W S, as published.
  kDisagreement,  // S^T W (1 - S): never negative for S in [0, 1].
};

enum class DenseCrfReduction {
  kMean,  // Over the images of the batch, as published.
  kSum,
  kNone,  // One loss for each image.
};

struct DenseCrfLossOptions {
  // sigma_xy_pixels is in pixels of the given images, before `scale`.
  BilateralFilterOptions filter;
  DenseCrfForm form = DenseCrfForm::kAgreement;
  DenseCrfReduction reduction = DenseCrfReduction::kMean;
  // Images (nearest), probabilities (bilinear, align_corners = false) and
  // regions of interest (nearest) are first resized to floor(scale * size),
  // sigma_xy by the same factor; in (0, 8]. F-CAM's crf_scale.
  double scale = 1.0;
  // Whether W keeps its diagonal, the ones of a pixel with itself: if both this
  // and filter.self_term say so. Published: yes.
  bool self_term = true;
  // Threads over the images of a batch, and within images if there are more
  // threads than images; 0: as many as at::get_num_threads(). No result depends
  // on it.
  int num_threads = 0;

  absl::Status Validate() const;
};

// Returns the reduction over the images n of the batch of
//
//   kAgreement      E_n = -sum_k S_nk^T W_n S_nk
//   kDisagreement   E_n =  sum_k S_nk^T W_n (R_n - S_nk)
//
// with W - I for W without self_term, S = R * probabilities, and R = 1 without
// regions of interest: a scalar, or [N] for kNone, of the dtype of
// `probabilities`, summed in double.
//
// `probabilities`: [N, K, H, W] float32 or float64, any strides, finite; need
// not sum to one. `images`: [N, 3, H, W], any floating point or integer dtype,
// not normalised: 0..255. `regions` of interest: [N, H,
// W] or [N, 1, H, W], any real dtype or bool, finite, usually 0 or 1; undefined
// for all of the images. Pixels where R = 0 neither count nor get a gradient
// (rloss has such masks, F-CAM dropped them). None is modified; only
// `probabilities` gets a gradient.
//
// Gradient: -2 R W S, or R (W R - 2 W S), by the reduction; computed in the
// forward pass, so that the backward pass is one multiplication. It is the
// exact gradient of the returned loss for kExact and kGrid, and up to 5 % off
// for kLattice, as published, whose W is not symmetric. float32 inside,
// whatever the dtype, except for float64 probabilities with the exact method
// (asked for or chosen by kAuto), which stay in float64 and are for gradient
// checks of small images. Double backward is refused.
//
// kDisagreement takes one filtered map more than kAgreement.
//
// All tensors are on the CPU or, in builds with --config=cuda, on one CUDA
// device: then all of it runs on the device's current stream, and nothing waits
// for it. Values are not checked there; what the CPU refuses gives NaN
// (cuda_bilateral_filter.h, which also says what the methods are).
// `num_threads` plays no part.
//
// Throws c10::Error for invalid options, shapes, dtypes, devices or values,
// naming the image; keeps N*K*H*W floats for the backward pass.
at::Tensor DenseCrfLoss(const at::Tensor& probabilities,
                        const at::Tensor& images,
                        const DenseCrfLossOptions& options = {},
                        const at::Tensor& regions = at::Tensor());

}  // namespace vision

#endif  // VISION_CRF_DENSE_CRF_LOSS_H_
