#include "wsol/pooling/log_sum_exp.h"

#include <cmath>

#include "ATen/ATen.h"

namespace wsol {

at::Tensor LogSumExpHead::Pool(const at::Tensor& maps) {
  const double num_pixels = static_cast<double>(maps.size(2) * maps.size(3));
  // at::logsumexp subtracts the maximum before it takes exponentials.
  return (at::logsumexp(maps * sharpness_, at::IntArrayRef({2, 3})) -
          std::log(num_pixels)) /
         sharpness_;
}

}  // namespace wsol
