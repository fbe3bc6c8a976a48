#include "vision/nn/stochastic_depth.h"

#include <cstdint>
#include <vector>

#include "ATen/ATen.h"

namespace vision {

at::Tensor StochasticDepth::forward(const at::Tensor& branch) const {
  if (!is_training() || p_ == 0) return branch;
  std::vector<int64_t> shape(static_cast<size_t>(branch.dim()), 1);
  shape[0] = branch.size(0);
  const at::Tensor keep =
      at::empty(shape, branch.options()).bernoulli_(1 - p_).div_(1 - p_);
  return branch * keep;
}

}  // namespace vision
