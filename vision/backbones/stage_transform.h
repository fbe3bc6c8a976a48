// What may change a backbone's feature maps while it trains, between its
// stages.
//
// Regularisers that erase or weigh features (attention-based dropout) act in
// the middle of a network. LibTorch's modules have no hooks, so a backbone
// calls this interface after each stage; without one it costs a test of a
// pointer.
//
//   class Halve : public vision::StageTransform {
//     at::Tensor Apply(const at::Tensor& map, int64_t) override {
//       return map / 2;
//     }
//   };
//   backbone->set_stage_transform(std::make_shared<Halve>());

#ifndef VISION_BACKBONES_STAGE_TRANSFORM_H_
#define VISION_BACKBONES_STAGE_TRANSFORM_H_

#include <cstdint>

#include "ATen/core/Tensor.h"

namespace vision {

class StageTransform {
 public:
  virtual ~StageTransform() = default;

  // `map`: [N, C_i, H_i, W_i], level i = `level` of the pyramid. The result has
  // the same shape, takes the map's place in the pyramid, and is what the next
  // stage reads. Must not modify `map`; gradients should flow. May throw
  // c10::Error.
  virtual at::Tensor Apply(const at::Tensor& map, int64_t level) = 0;
};

}  // namespace vision

#endif  // VISION_BACKBONES_STAGE_TRANSFORM_H_
