#include "wsol/pooling/gap.h"

#include "ATen/ATen.h"

namespace wsol {

at::Tensor GapHead::Pool(const at::Tensor& maps) {
  return maps.mean(at::IntArrayRef({2, 3}));
}

}  // namespace wsol
