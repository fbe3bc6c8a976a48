#include "fcam/losses/size_loss.h"

#include "ATen/ATen.h"
#include "fcam/losses/elb.h"

namespace fcam {

at::Tensor SizeLoss(const at::Tensor& probabilities, double t) {
  TORCH_CHECK(probabilities.dim() == 4 && probabilities.size(1) == 2,
              "probabilities have shape ", probabilities.sizes(),
              ", expected [N, 2, H, W]");
  // The two means over the batch have equally many elements, so that their
  // average is the mean over all sizes.
  return ExtendedLogBarrier(-probabilities.sum({2, 3}), t);
}

}  // namespace fcam
