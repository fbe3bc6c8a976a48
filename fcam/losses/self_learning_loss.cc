#include "fcam/losses/self_learning_loss.h"

#include <algorithm>

#include "ATen/ATen.h"

namespace fcam {

at::Tensor SelfLearningLoss(const at::Tensor& logits, const at::Tensor& labels,
                            int64_t ignore_index) {
  TORCH_CHECK(logits.dim() == 4, "logits have shape ", logits.sizes(),
              ", expected [N, C, H, W]");
  TORCH_CHECK(labels.dim() == 3 && labels.size(0) == logits.size(0) &&
                  labels.size(1) == logits.size(2) &&
                  labels.size(2) == logits.size(3),
              "labels have shape ", labels.sizes(), ", expected [",
              logits.size(0), ", ", logits.size(2), ", ", logits.size(3),
              "] as the logits ", logits.sizes());
  TORCH_CHECK(labels.scalar_type() == at::kLong, "labels have dtype ",
              labels.scalar_type(), ", expected int64");
  // Twenty pixels of an image of 50 thousand are labelled: pick them first.
  const at::Tensor pixels =
      at::nonzero(labels.flatten() != ignore_index).squeeze(1);
  const at::Tensor picked_labels = labels.flatten().index_select(0, pixels);
  const at::Tensor picked_logits = logits.permute({0, 2, 3, 1})
                                       .reshape({-1, logits.size(1)})
                                       .index_select(0, pixels);
  const double count =
      static_cast<double>(std::max<int64_t>(pixels.size(0), 1));
  return -picked_logits.log_softmax(1)
              .gather(1, picked_labels.unsqueeze(1))
              .sum() /
         count;
}

}  // namespace fcam
