// Partial cross entropy: learns a two-channel map from the few pixels that
// seeds label.
//
//   at::Tensor loss = SelfLearningLoss(output.fcams, seeds);

#ifndef FCAM_LOSSES_SELF_LEARNING_LOSS_H_
#define FCAM_LOSSES_SELF_LEARNING_LOSS_H_

#include <cstdint>

#include "ATen/core/Tensor.h"

namespace fcam {

// Returns the mean over the labelled pixels p of the whole batch of
//   H(Y_p, S_p) = -log softmax(logits_p)[label_p]
// (F-CAM, WACV 2022, equation 2).
//   logits: [N, C, H, W] floating point; F-CAM has C = 2, channel 0 background
//     and 1 foreground.
//   labels: [N, H, W] int64 in [0, C), or ignore_index for unlabelled pixels.
// Gradient: to `logits`, zero at unlabelled pixels. Throws c10::Error for other
// shapes or labels.
//
// NOTE(reference): where no pixel of the batch is labelled the published code
// returns NaN; here value and gradient are 0. Cost follows the labelled pixels,
// not the image.
at::Tensor SelfLearningLoss(const at::Tensor& logits, const at::Tensor& labels,
                            int64_t ignore_index = -255);

}  // namespace fcam

#endif  // FCAM_LOSSES_SELF_LEARNING_LOSS_H_
