#include "fcam/training/fcam_trainer.h"

#include <cstdint>
#include <memory>

#include "ATen/core/Tensor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fcam/decoder/reconstruction_head.h"
#include "fcam/seeds/seed_batch.h"
#include "fcam/training/fcam_step.h"
#include "fcam/training/training_cams.h"
#include "vision/base/status_util.h"

namespace fcam {

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
  VISION_RETURN_IF_ERROR(cam.Validate());
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
  FcamLossOptions loss_options = options.loss;
  const ReconstructionHead* reconstruction = model.reconstruction_head();
  if (reconstruction != nullptr) {
    loss_options.reconstruction_options.low =
        reconstruction->range() == ReconstructionRange::kTanh ? -1 : 0;
    loss_options.reconstruction_options.high = 1;
  } else if (loss_options.reconstruction.enabled) {
    return absl::InvalidArgumentError(
        absl::StrCat("the loss ", kReconstructionTerm,
                     " needs a model with a reconstruction head"));
  }
  VISION_ASSIGN_OR_RETURN(FcamLoss loss, FcamLoss::Create(loss_options));
  VISION_ASSIGN_OR_RETURN(
      const std::unique_ptr<TrainingCams> training_cams,
      TrainingCams::Create(model, options.cam, options.cam_classifier));
  wsol::TrainingLoop loop = options.loop;
  loop.end_epoch = [&](int64_t) { loss.UpdateEpochEnd(); };
  const SeedMaker make_seeds =
      [&](const FcamOutput& output, const wsol::Batch& batch,
          int64_t epoch) -> absl::StatusOr<at::Tensor> {
    VISION_ASSIGN_OR_RETURN(const at::Tensor cams,
                            options.stored_cams
                                ? options.stored_cams(batch)
                                : training_cams->Maps(output, batch, epoch));
    if (cams.dim() != 3 || cams.size(0) != output.fcams.size(0) ||
        cams.sizes().slice(1) != output.fcams.sizes().slice(2)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "maps for seeds have shape [", absl::StrJoin(cams.sizes(), ", "),
          "], the images' map has [", absl::StrJoin(output.fcams.sizes(), ", "),
          "]"));
    }
    const SeedStream stream = {options.seed, static_cast<uint64_t>(epoch)};
    return SampleSeedBatch(cams, batch.indices, options.seeds, stream,
                           options.num_threads);
  };
  loop.step = [&](const wsol::Batch& batch, int64_t epoch) {
    return FcamStep(model, loss, make_seeds, batch, epoch);
  };
  return wsol::Train(loop, model, loader, *optimizer);
}

}  // namespace fcam
