// Mean entropy of the pixels of a map: pulls it towards confident labels.
//
//   at::Tensor loss = EntropyLoss(output.fcams);

#ifndef FCAM_LOSSES_ENTROPY_LOSS_H_
#define FCAM_LOSSES_ENTROPY_LOSS_H_

#include "ATen/core/Tensor.h"

namespace fcam {

// Returns the mean over all N * H * W pixels of
//   -sum_k p_k log2 p_k,  p = softmax(logits),
// in bits: [0, 1] for two channels.
//   logits: [N, K, H, W] floating point, not empty.
// Gradient: to `logits`. Throws c10::Error for other shapes.
//
// NOTE(reference): the published code takes the logarithm of the softmax and is
// NaN where a probability is exactly 0. Here 0 log 0 is 0, value and gradient
// are finite for all finite logits.
at::Tensor EntropyLoss(const at::Tensor& logits);

}  // namespace fcam

#endif  // FCAM_LOSSES_ENTROPY_LOSS_H_
