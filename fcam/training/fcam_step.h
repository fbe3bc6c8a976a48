// The forward pass and loss of one batch of F-CAM training: what TrainFcam does
// for each batch, for loops of one's own.
//
//   VISION_ASSIGN_OR_RETURN(const wsol::StepResult result,
//       FcamStep(model, loss, make_seeds, batch, epoch));
//   optimizer->ZeroGrad();
//   result.loss.backward();
//   optimizer->Step();

#ifndef FCAM_TRAINING_FCAM_STEP_H_
#define FCAM_TRAINING_FCAM_STEP_H_

#include <cstdint>
#include <functional>

#include "ATen/core/Tensor.h"
#include "absl/status/statusor.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/losses/composite.h"
#include "wsol/datasets/loader.h"
#include "wsol/training/engine.h"

namespace fcam {

// Labels [N, H, W] int64 (fcam/seeds/seed_batch.h) for a batch and what the
// model gave for it. Called only in epochs in which seeds count.
using SeedMaker = std::function<absl::StatusOr<at::Tensor>(
    const FcamOutput& output, const wsol::Batch& batch, int64_t epoch)>;

// Runs `model` in the mode that it is in and sums the terms of `loss` that
// count in `epoch`, from 1. The result's values are the terms, by name. Errors
// are those of `make_seeds`; LibTorch's, of images that do not fit for example,
// are kInternal.
absl::StatusOr<wsol::StepResult> FcamStep(FcamModel& model,
                                          const FcamLoss& loss,
                                          const SeedMaker& make_seeds,
                                          const wsol::Batch& batch,
                                          int64_t epoch);

}  // namespace fcam

#endif  // FCAM_TRAINING_FCAM_STEP_H_
