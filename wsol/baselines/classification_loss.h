// What the training methods share: cross entropy and accuracy of a batch.
//
//   return wsol::ClassificationStep(logits, batch.labels, label_smoothing);

#ifndef WSOL_BASELINES_CLASSIFICATION_LOSS_H_
#define WSOL_BASELINES_CLASSIFICATION_LOSS_H_

#include "ATen/core/Tensor.h"
#include "wsol/training/engine.h"

namespace wsol {

// Mean cross entropy of logits [N, K] with labels [N] int64 of which
// `label_smoothing`, in [0, 1), is spread over all classes (Szegedy et al.,
// CVPR 2016). A scalar; gradients flow to the logits.
at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels,
                        double label_smoothing);

// Share of the images whose largest logit is that of their label.
double Accuracy(const at::Tensor& logits, const at::Tensor& labels);

// The cross entropy as the loss of a step, with the accuracy as kTrainAccuracy.
StepResult ClassificationStep(const at::Tensor& logits,
                              const at::Tensor& labels, double label_smoothing);

}  // namespace wsol

#endif  // WSOL_BASELINES_CLASSIFICATION_LOSS_H_
