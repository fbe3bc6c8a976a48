// Global max pooling of class maps: logit = max_ij(M[k]).
//
// (Oquab et al., CVPR 2015.) The gradient reaches one pixel, the first maximum.

#ifndef WSOL_POOLING_MAX_POOL_H_
#define WSOL_POOLING_MAX_POOL_H_

#include "ATen/core/Tensor.h"
#include "wsol/pooling/map_head.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

// Child "conv".
class MaxPoolHead : public MapHead {
 public:
  // `options` are valid.
  explicit MaxPoolHead(const PoolingOptions& options)
      : MapHead(options, "conv", /*modalities=*/1) {}

 protected:
  at::Tensor Pool(const at::Tensor& maps) override;
};

}  // namespace wsol

#endif  // WSOL_POOLING_MAX_POOL_H_
