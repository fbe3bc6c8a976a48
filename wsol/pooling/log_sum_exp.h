// Log-sum-exp pooling of class maps, between the mean and the maximum:
//
//   logit = (1 / r) log(mean_ij(exp(r M[k, i, j])))
//
// (Pinheiro and Collobert, CVPR 2015, eq. 4; Sun et al., CVPR 2016.) The mean
// for r -> 0, the maximum for r -> infinity. Its gradient is softmax_ij(r
// M[k]).

#ifndef WSOL_POOLING_LOG_SUM_EXP_H_
#define WSOL_POOLING_LOG_SUM_EXP_H_

#include "ATen/core/Tensor.h"
#include "wsol/pooling/map_head.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

// Child "conv". Does not overflow, however large the maps.
class LogSumExpHead : public MapHead {
 public:
  // `options` are valid.
  explicit LogSumExpHead(const PoolingOptions& options)
      : MapHead(options, "conv", /*modalities=*/1),
        sharpness_(options.lse_sharpness) {}

 protected:
  at::Tensor Pool(const at::Tensor& maps) override;

 private:
  const double sharpness_;
};

}  // namespace wsol

#endif  // WSOL_POOLING_LOG_SUM_EXP_H_
