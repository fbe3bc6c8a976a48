// SGD, Adam and AdamW over groups of parameters, each with its own learning
// rate.
//
//   VISION_ASSIGN_OR_RETURN(auto optimizer, Optimizer::Create(groups,
//   options)); optimizer->SetEpoch(epoch);     // learning rates of the
//   schedule optimizer->ZeroGrad(); loss.backward(); optimizer->Step();

#ifndef WSOL_TRAINING_OPTIMIZER_H_
#define WSOL_TRAINING_OPTIMIZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/training/lr_schedule.h"

namespace wsol {

enum class OptimizerKind { kSgd, kAdam, kAdamW };

// "sgd", "adam", "adamw". kInvalidArgument lists these names.
absl::StatusOr<OptimizerKind> ParseOptimizerKind(absl::string_view name);

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kSgd;
  // SGD: momentum in [0, 1); dampening in [0, 1]; nesterov needs momentum > 0
  // and dampening 0.
  double momentum = 0.9;
  double dampening = 0;
  bool nesterov = true;
  // Adam, AdamW: decay rates of the moments in [0, 1), and the denominator's
  // offset.
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  bool amsgrad = false;
  // L2 penalty added to the gradients of all parameters, biases and batch norm
  // included; not negative. AdamW instead shrinks the parameters by
  // learning rate x weight_decay (Loshchilov and Hutter, ICLR 2019).
  double weight_decay = 1e-4;
  LrScheduleOptions schedule;

  absl::Status Validate() const;
};

// Parameters that share a base learning rate.
struct ParameterGroup {
  std::vector<at::Tensor> parameters;
  double learning_rate = 0.01;
};

// The update rules of PyTorch (torch.optim.SGD, Adam, AdamW), by LibTorch's
// own. Parameters without a gradient are left alone, by weight decay too. Not
// thread-safe.
class Optimizer {
 public:
  // kInvalidArgument for bad options, no parameters, or a rate that is not > 0.
  static absl::StatusOr<std::unique_ptr<Optimizer>> Create(
      std::vector<ParameterGroup> groups, const OptimizerOptions& options);
  virtual ~Optimizer() = default;

  // Sets the learning rates of training epoch `epoch`, counted from 1.
  virtual void SetEpoch(int64_t epoch) = 0;
  // The current learning rate of each group.
  virtual std::vector<double> LearningRates() const = 0;
  virtual void ZeroGrad() = 0;
  virtual void Step() = 0;

  // The state (momenta, step counts) as bytes, and back. kDataLoss if the bytes
  // are not a state of an optimizer over parameters of these shapes.
  virtual absl::StatusOr<std::string> Serialize() const = 0;
  virtual absl::Status Deserialize(const std::string& bytes) = 0;
};

}  // namespace wsol

#endif  // WSOL_TRAINING_OPTIMIZER_H_
