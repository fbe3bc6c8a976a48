#include "wsol/baselines/classification_loss.h"

#include "ATen/ATen.h"
#include "wsol/baselines/training_method.h"
#include "wsol/training/engine.h"

namespace wsol {

at::Tensor CrossEntropy(const at::Tensor& logits, const at::Tensor& labels,
                        double label_smoothing) {
  // At least float32: sums over classes need more than bfloat16's 8 bits.
  const at::ScalarType type =
      at::promote_types(logits.scalar_type(), at::kFloat);
  return at::cross_entropy_loss(logits.to(type), labels, /*weight=*/{},
                                at::Reduction::Mean, /*ignore_index=*/-100,
                                label_smoothing);
}

double Accuracy(const at::Tensor& logits, const at::Tensor& labels) {
  return logits.argmax(1).eq(labels).to(at::kDouble).mean().item<double>();
}

StepResult ClassificationStep(const at::Tensor& logits,
                              const at::Tensor& labels,
                              double label_smoothing) {
  return {CrossEntropy(logits, labels, label_smoothing),
          {{kTrainAccuracy, Accuracy(logits, labels)}}};
}

}  // namespace wsol
