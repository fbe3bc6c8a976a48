// Freezes a module: no gradients, and no running statistics that drift.
//
//   vision::Freeze(*classifier);
//   model->train();                          // switches everything on ...
//   vision::SetNormAndDropoutToEval(*classifier);  // ... but this stays
//   frozen.

#ifndef VISION_NN_FREEZE_H_
#define VISION_NN_FREEZE_H_

#include "torch/nn/module.h"

namespace vision {

// Puts every batch norm and dropout layer in `module` in eval mode: norms use
// their running statistics and stop updating them, dropout is the identity. The
// mode of other modules stays. Module::train() of a parent undoes it, so a
// model with a frozen part overrides train() and calls this after it.
void SetNormAndDropoutToEval(torch::nn::Module& module);

// The same for batch norms only: running statistics stay, dropout works.
void SetNormToEval(torch::nn::Module& module);

// Clears requires_grad of all parameters and calls SetNormAndDropoutToEval.
void Freeze(torch::nn::Module& module);

// True if no parameter requires a gradient (so too if there is none) and every
// batch norm and dropout layer is in eval mode.
bool IsFrozen(const torch::nn::Module& module);

}  // namespace vision

#endif  // VISION_NN_FREEZE_H_
