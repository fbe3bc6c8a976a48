// Weighted global average pooling: average features over space, then weigh
// them.
//
//   logits = W mean_ij(f[:, :, i, j]) + b     (Zhou et al., CVPR 2016, eq. 1)
//
// It has no maps of its own: its class activation map is W f (wsol/cam/cam.h).

#ifndef WSOL_POOLING_WGAP_H_
#define WSOL_POOLING_WGAP_H_

#include <memory>

#include "ATen/core/Tensor.h"
#include "torch/nn/modules/linear.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

// Child "fc". PoolingOptions::support_background has no effect.
class WgapHead : public PoolingHead {
 public:
  // `options` are valid.
  explicit WgapHead(const PoolingOptions& options);

  at::Tensor forward(const at::Tensor& features) override;
  bool is_linear() const override { return true; }
  bool has_maps() const override { return false; }
  at::Tensor Maps(const at::Tensor& features) override;
  at::Tensor class_weights() const override;

 private:
  std::shared_ptr<torch::nn::LinearImpl> fc_;
};

}  // namespace wsol

#endif  // WSOL_POOLING_WGAP_H_
