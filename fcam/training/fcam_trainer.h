// Training of an F-CAM decoder from the class activation maps of its
// classifier.
//
//   FcamTrainingOptions options;
//   options.loss = PublishedFcamLossOptions();
//   VISION_ASSIGN_OR_RETURN(auto history, TrainFcam(*model, *loader, options));

#ifndef FCAM_TRAINING_FCAM_TRAINER_H_
#define FCAM_TRAINING_FCAM_TRAINER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/losses/composite.h"
#include "fcam/seeds/seed_sampler.h"
#include "wsol/cam/cam_method.h"
#include "wsol/classifier/classifier.h"
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
  // The maps that seeds are drawn from: any method of wsol/cam/factory.h, of
  // the model's own classifier and the same forward pass, see training_cams.h.
  wsol::CamOptions cam;
  // Takes the maps of this classifier instead, at the cost of a forward pass of
  // it. For training with a classifier that is not frozen, whose published form
  // draws seeds from a copy of the pretrained one. Null: the model's own.
  std::shared_ptr<wsol::Classifier> cam_classifier;
  // Gives the maps instead, [N, H, W] float in [0, 1], for example those of
  // files (fcam/seeds/stored_cams.h); `cam` is then not used. May be empty.
  std::function<absl::StatusOr<at::Tensor>(const wsol::Batch& batch)>
      stored_cams;
  SeedOptions seeds;
  // Its range of reconstructions is set from the model.
  FcamLossOptions loss;
  // Of the seeds' draws.
  uint64_t seed = 0;
  // Threads that draw seeds; at least 1. No result depends on it.
  int num_threads = 1;

  absl::Status Validate() const;
};

// Trains what is trainable in `model` (with a frozen classifier: decoder and
// segmentation head). In each batch the maps of the images' true classes come
// from the features of the same forward pass, if not said otherwise, seeds are
// drawn from them anew, and the loss's terms are summed. Recorded values are
// the terms' names. kInvalidArgument for a reconstruction loss without the
// model's head. Other errors and resumption: see wsol::Train.
absl::StatusOr<std::vector<wsol::EpochRecord>> TrainFcam(
    FcamModel& model, wsol::Loader& loader, const FcamTrainingOptions& options);

}  // namespace fcam

#endif  // FCAM_TRAINING_FCAM_TRAINER_H_
