// Global average pooling of class maps: logit = mean_ij(M[k]).
//
// The same scores as WGAP's, but with a map for each class at hand and, if
// asked, a map for the background.

#ifndef WSOL_POOLING_GAP_H_
#define WSOL_POOLING_GAP_H_

#include "ATen/core/Tensor.h"
#include "wsol/pooling/map_head.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

// Child "conv".
class GapHead : public MapHead {
 public:
  // `options` are valid.
  explicit GapHead(const PoolingOptions& options)
      : MapHead(options, "conv", /*modalities=*/1) {}

  bool is_linear() const override { return true; }

 protected:
  at::Tensor Pool(const at::Tensor& maps) override;
};

}  // namespace wsol

#endif  // WSOL_POOLING_GAP_H_
