// Attention pooling: a learned query asks each place how much it has to say.
//
//   a = softmax over places p of q . f[p] / sqrt(C),
//   logits = W sum_p a[p] f[p] + b
//
// as the class token of a transformer does in its last block (Touvron et al.,
// Going Deeper with Image Transformers, ICCV 2021; Ilse et al., Attention-based
// Deep Multiple Instance Learning, ICML 2018, eq. 7 and 8, of which this is the
// form with a linear score). Made for the tokens of vision transformers; takes
// any features. Maps are what each place contributes to the logit,
//
//   M[k, p] = h w a[p] (W[k] f[p] + b[k]),
//
// whose mean over places is the logit.

#ifndef WSOL_POOLING_ATTENTION_POOL_H_
#define WSOL_POOLING_ATTENTION_POOL_H_

#include <memory>

#include "ATen/core/Tensor.h"
#include "torch/nn/modules/linear.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

// Parameter "query" [C], child "fc". The query starts as 0, so that the head
// starts as WGAP. PoolingOptions::support_background has no effect.
class AttentionPoolHead : public PoolingHead {
 public:
  // `options` are valid.
  explicit AttentionPoolHead(const PoolingOptions& options);

  at::Tensor forward(const at::Tensor& features) override;
  bool has_maps() const override { return true; }
  at::Tensor Maps(const at::Tensor& features) override;
  at::Tensor ClassMapsOf(const at::Tensor& features,
                         const at::Tensor& classes) override;
  // Of the score W[k] f[p]; the maps also have a[p].
  at::Tensor class_weights() const override;

  // a: [N, C, h, w] -> [N, h w], sums to 1. Throws c10::Error for other shapes.
  at::Tensor Attention(const at::Tensor& features) const;

 private:
  at::Tensor query_;
  std::shared_ptr<torch::nn::LinearImpl> fc_;
};

}  // namespace wsol

#endif  // WSOL_POOLING_ATTENTION_POOL_H_
