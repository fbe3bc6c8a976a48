// What the heads that pool class maps have in common: a 1 x 1 convolution.

#ifndef WSOL_POOLING_MAP_HEAD_H_
#define WSOL_POOLING_MAP_HEAD_H_

#include <cstdint>
#include <memory>
#include <string>

#include "ATen/core/Tensor.h"
#include "torch/nn/modules/conv.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

// Makes K' maps, M = conv(features) [N, K', h, w], and leaves to the derived
// class how to pool them. The logit of the background map, if there is one, is
// dropped.
class MapHead : public PoolingHead {
 public:
  at::Tensor forward(const at::Tensor& features) final;
  bool has_maps() const final { return true; }
  at::Tensor Maps(const at::Tensor& features) final;
  at::Tensor class_weights() const final;

 protected:
  // `options` are valid. The convolution, named `child`, has `modalities`
  // outputs for each map, one after the other; they are averaged.
  MapHead(const PoolingOptions& options, const std::string& child,
          int64_t modalities);

  // `maps` [N, K, h, w], h, w > 0 -> logits [N, K].
  virtual at::Tensor Pool(const at::Tensor& maps) = 0;

 private:
  const int64_t modalities_;
  std::shared_ptr<torch::nn::Conv2dImpl> conv_;
};

}  // namespace wsol

#endif  // WSOL_POOLING_MAP_HEAD_H_
