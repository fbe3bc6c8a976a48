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

  // False if forward passes change the network or draw random numbers.
  virtual bool IsInEvaluationMode() const = 0;
};

}  // namespace wsol

#endif  // WSOL_CAM_CAM_NETWORK_H_
