// Image reconstruction: the decoder should keep what it takes to draw the
// image.
//
//   at::Tensor loss = ReconstructionLoss(output.reconstruction,
//                                        batch.raw_images, {}, schedule.t());

#ifndef FCAM_LOSSES_RECONSTRUCTION_LOSS_H_
#define FCAM_LOSSES_RECONSTRUCTION_LOSS_H_

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"

namespace fcam {

struct ReconstructionOptions {
  // What the values 0 and 255 of an image are in the reconstruction; low <
  // high, finite. -1 and 1 go with a tanh, 0 and 1 with a sigmoid.
  double low = -1;
  double high = 1;
  // Put the errors through the log barrier (elb.h), as constraints <= 0.
  bool use_elb = false;

  absl::Status Validate() const;
};

// Returns the mean over the batch of e[n], or ELB_t(e), where e[n] is the mean
// over channels and pixels of the squared difference between reconstruction and
// image, the latter scaled to the range.
//   reconstruction: [N, 3, H, W] floating point, not empty.
//   images: [N, 3, H, W], 0..255, not normalised, of the same crop and flip.
// Gradient: to `reconstruction`. Throws c10::Error for other shapes or, with
// use_elb, t <= 0.
//
// NOTE(reference): this term is in the published code but refused by its
// command line; it compares with the normalised network input, which a tanh or
// a sigmoid cannot reach, so here the image is brought to the range.
at::Tensor ReconstructionLoss(const at::Tensor& reconstruction,
                              const at::Tensor& images,
                              const ReconstructionOptions& options, double t);

}  // namespace fcam

#endif  // FCAM_LOSSES_RECONSTRUCTION_LOSS_H_
