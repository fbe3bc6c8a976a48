#include "fcam/training/fcam_trainer.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "fcam/seeds/seed_batch.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"

namespace fcam {
namespace {

absl::StatusOr<wsol::StepResult> Step(FcamModel& model, const FcamLoss& loss,
                                      const FcamTrainingOptions& options,
                                      const wsol::Batch& batch, int64_t epoch) {
  const int loss_epoch = static_cast<int>(epoch);
  FcamLossInputs inputs;
  const FcamOutput output = model.forward(batch.images);
  inputs.fcams = output.fcams;
  inputs.logits = output.logits;
  inputs.labels = batch.labels;
  if (loss.NeedsImages(loss_epoch)) inputs.images = batch.raw_images;
  if (loss.NeedsSeeds(loss_epoch)) {
    VISION_ASSIGN_OR_RETURN(const at::Tensor cams,
                            model.TrainingCams(output, batch.labels));
    const SeedStream stream = {options.seed, static_cast<uint64_t>(epoch)};
    VISION_ASSIGN_OR_RETURN(inputs.seeds,
                            SampleSeedBatch(cams, batch.indices, options.seeds,
                                            stream, options.num_threads));
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

absl::Status FcamTrainingOptions::Validate() const {
  VISION_RETURN_IF_ERROR(loop.Validate());
  if (!(learning_rate > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("learning_rate must be positive, got ", learning_rate));
  }
  if (num_threads < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_threads must be at least 1, got ", num_threads));
  }
  if (seeds.ignore_index != loss.ignore_index) {
    return absl::InvalidArgumentError(
        absl::StrCat("seeds and loss must agree on ignore_index, got ",
                     seeds.ignore_index, " and ", loss.ignore_index));
  }
  VISION_RETURN_IF_ERROR(seeds.Validate());
  VISION_RETURN_IF_ERROR(loss.Validate());
  return optimizer.Validate();
}

absl::StatusOr<std::vector<wsol::EpochRecord>> TrainFcam(
    FcamModel& model, wsol::Loader& loader,
    const FcamTrainingOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_ASSIGN_OR_RETURN(const std::unique_ptr<wsol::Optimizer> optimizer,
                          wsol::Optimizer::Create({{model.TrainableParameters(),
                                                    options.learning_rate}},
                                                  options.optimizer));
  VISION_ASSIGN_OR_RETURN(FcamLoss loss, FcamLoss::Create(options.loss));
  wsol::TrainingLoop loop = options.loop;
  loop.end_epoch = [&](int64_t) { loss.UpdateEpochEnd(); };
  loop.step = [&](const wsol::Batch& batch, int64_t epoch) {
    return vision::CallTorch("computing the F-CAM loss", [&] {
      return Step(model, loss, options, batch, epoch);
    });
  };
  return wsol::Train(loop, model, loader, *optimizer);
}

}  // namespace fcam
