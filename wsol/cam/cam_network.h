// What CAM methods need of a network.
//
// LibTorch's modules have no hooks: a network shows its feature maps and takes
// features in front of its head. Classifiers are adapted by
// classifier_network.h; other networks by a class of their own.

#ifndef WSOL_CAM_CAM_NETWORK_H_
#define WSOL_CAM_CAM_NETWORK_H_

#include <cstdint>
#include <vector>

#include "ATen/core/Tensor.h"
#include "c10/util/Exception.h"

namespace wsol {

// All functions may throw c10::Error. In evaluation mode none changes the
// network, and several threads may call them.
class CamNetwork {
 public:
  struct Output {
    // [N, C_i, h_i, w_i], from fine to coarse; the head reads the last.
    std::vector<at::Tensor> features;
    // [N, K].
    at::Tensor logits;
  };

  virtual ~CamNetwork() = default;

  // `images`: [N, C, H, W] float. Gradients flow if autograd is on.
  virtual Output Forward(const at::Tensor& images) = 0;

  // The head alone: last features [N, C, h, w] -> logits [N, K].
  virtual at::Tensor LogitsOf(const at::Tensor& last_features) = 0;

  // W [K, C] if the logits are W x (mean of the last features over space) plus
  // a constant; undefined otherwise.
  virtual at::Tensor LinearWeights() const = 0;

  // Whether the head makes maps of the classes by itself, and these maps,
  // [N, K, h, w].
  virtual bool HasOwnMaps() const = 0;
  virtual at::Tensor OwnMaps(const at::Tensor& last_features) = 0;
  // Of these, the maps of `classes` [N, M] int64: [N, M, h, w].
  virtual at::Tensor OwnMapsOf(const at::Tensor& last_features,
                               const at::Tensor& classes) {
    const at::Tensor maps = OwnMaps(last_features);
    return maps.gather(1, classes.unsqueeze(2).unsqueeze(3).expand(
                              {-1, -1, maps.size(2), maps.size(3)}));
  }

  // Of networks made of attention: its maps.
  struct AttentionOutput {
    // Of each block, from the first to the last: [N, heads, T, T], rows sum to
    // 1. Gradients flow from the logits to them.
    std::vector<at::Tensor> attention;
    // [N, K].
    at::Tensor logits;
    // The first T - height * width tokens belong to no place; the head reads
    // the others, row by row.
    int64_t height = 0;
    int64_t width = 0;
  };
  virtual bool HasAttention() const { return false; }
  virtual AttentionOutput ForwardWithAttention(const at::Tensor& /*images*/) {
    TORCH_CHECK(false, "the network has no attention maps");
  }

  // False if forward passes change the network or draw random numbers.
  virtual bool IsInEvaluationMode() const = 0;
};

}  // namespace wsol

#endif  // WSOL_CAM_CAM_NETWORK_H_
