#include "fcam/training/fcam_step.h"

#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"

namespace fcam {
namespace {

absl::StatusOr<wsol::StepResult> Step(FcamModel& model, const FcamLoss& loss,
                                      const SeedMaker& make_seeds,
                                      const wsol::Batch& batch, int64_t epoch) {
  const int loss_epoch = static_cast<int>(epoch);
  FcamLossInputs inputs;
  const FcamOutput output = model.forward(batch.images);
  inputs.fcams = output.fcams;
  inputs.logits = output.logits;
  inputs.labels = batch.labels;
  inputs.reconstruction = output.reconstruction;
  if (loss.NeedsImages(loss_epoch)) inputs.images = batch.raw_images;
  if (loss.NeedsSeeds(loss_epoch)) {
    VISION_ASSIGN_OR_RETURN(inputs.seeds, make_seeds(output, batch, epoch));
  }
  const FcamLossTerms terms = loss.Compute(inputs, loss_epoch);
  wsol::StepResult result;
  result.loss = terms.total;
  for (const NamedLoss& term : terms.terms) {
    result.values.emplace_back(term.name, term.value.item<double>());
  }
  return result;
}

}  // namespace

absl::StatusOr<wsol::StepResult> FcamStep(FcamModel& model,
                                          const FcamLoss& loss,
                                          const SeedMaker& make_seeds,
                                          const wsol::Batch& batch,
                                          int64_t epoch) {
  return vision::CallTorch("computing the F-CAM loss", [&] {
    return Step(model, loss, make_seeds, batch, epoch);
  });
}

}  // namespace fcam
