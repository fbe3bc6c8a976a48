// An exponential moving average of a model's weights (Polyak and Juditsky,
// 1992; as in the training of EfficientNets).
//
//   WeightAverage average(model, 0.999);
//   optimizer.Step(); average.Update();
//   average.Swap(); Validate(model); average.Swap();

#ifndef WSOL_TRAINING_WEIGHT_AVERAGE_H_
#define WSOL_TRAINING_WEIGHT_AVERAGE_H_

#include <vector>

#include "ATen/core/Tensor.h"
#include "torch/nn/module.h"

namespace wsol {

// Averages the parameters and the buffers of floating type (the statistics of
// batch norms); other buffers are copied. Parameters of a frozen part average
// to themselves.
class WeightAverage {
 public:
  // Starts with the present weights. `model` must outlive this and keep its
  // tensors. `decay` in (0, 1). Needs as much memory as the model.
  WeightAverage(torch::nn::Module& model, double decay);

  // average = decay average + (1 - decay) weights.
  void Update();

  // Exchanges the values of the model and of the average, bit for bit; the
  // second time undoes the first.
  void Swap();

  // The averages, in the order of the model's parameters and buffers: what to
  // save and to restore.
  const std::vector<at::Tensor>& tensors() const { return averages_; }

 private:
  const double decay_;
  // The model's own tensors, not aliases of their memory: loading a model gives
  // its tensors other memory.
  std::vector<at::Tensor> weights_;
  std::vector<at::Tensor> averages_;
};

}  // namespace wsol

#endif  // WSOL_TRAINING_WEIGHT_AVERAGE_H_
