#include "fcam/losses/entropy_loss.h"

#include <cmath>

#include "ATen/ATen.h"

namespace fcam {

at::Tensor EntropyLoss(const at::Tensor& logits) {
  TORCH_CHECK(logits.dim() == 4 && logits.numel() > 0, "logits have shape ",
              logits.sizes(), ", expected [N, K, H, W] with N, K, H, W > 0");
  const at::Tensor log_probabilities = logits.log_softmax(1);
  const double pixels = static_cast<double>(logits.numel() / logits.size(1));
  return (log_probabilities.exp() * log_probabilities).sum() *
         (-1 / (pixels * std::log(2.0)));
}

}  // namespace fcam
