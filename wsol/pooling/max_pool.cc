#include "wsol/pooling/max_pool.h"

#include <tuple>

#include "ATen/ATen.h"

namespace wsol {

at::Tensor MaxPoolHead::Pool(const at::Tensor& maps) {
  return std::get<0>(maps.flatten(2).max(2));
}

}  // namespace wsol
