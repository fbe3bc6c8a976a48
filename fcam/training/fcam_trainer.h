// Training of an F-CAM decoder from the class activation maps of its
// classifier.
//
//   FcamTrainingOptions options;
//   options.loss = PublishedFcamLossOptions();
//   VISION_ASSIGN_OR_RETURN(auto history, TrainFcam(*model, *loader, options));

#ifndef FCAM_TRAINING_FCAM_TRAINER_H_
#define FCAM_TRAINING_FCAM_TRAINER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/losses/composite.h"
#include "fcam/seeds/seed_sampler.h"
#include "wsol/datasets/loader.h"
#include "wsol/training/engine.h"
#include "wsol/training/optimizer.h"

namespace fcam {

struct FcamTrainingOptions {
  // Epochs, state file, callbacks and so on; its `step` and `end_epoch` are set
  // here.
  wsol::TrainingLoop loop;
  wsol::OptimizerOptions optimizer;
  // Initial rate of all parameters that are trained; positive (paper: 0.01).
  double learning_rate = 0.01;
  SeedOptions seeds;
  FcamLossOptions loss;
  // Of the seeds' draws.
  uint64_t seed = 0;
  // Threads that draw seeds; at least 1. No result depends on it.
  int num_threads = 1;

  absl::Status Validate() const;
};

// Trains what is trainable in `model` (with a frozen classifier: decoder and
// segmentation head). In each batch the maps of the images' true classes come
// from the features of the same forward pass, seeds are drawn from them anew,
// and the loss's terms are summed. Recorded values are the terms' names. Errors
// and resumption: see wsol::Train.
absl::StatusOr<std::vector<wsol::EpochRecord>> TrainFcam(
    FcamModel& model, wsol::Loader& loader, const FcamTrainingOptions& options);

}  // namespace fcam

#endif  // FCAM_TRAINING_FCAM_TRAINER_H_
