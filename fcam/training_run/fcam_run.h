// The whole of //fcam:train but its flags: an F-CAM trained from a classifier,
// validated, chosen and tested.

#ifndef FCAM_TRAINING_RUN_FCAM_RUN_H_
#define FCAM_TRAINING_RUN_FCAM_RUN_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/training/fcam_trainer.h"
#include "vision/inference/inference_backbone.h"
#include "wsol/datasets/loader.h"
#include "wsol/experiment/experiment.h"
#include "wsol/model_folder/classifier_folder.h"
#include "wsol/training_run/classifier_run.h"

namespace fcam {

struct FcamRunOptions {
  // Its evaluation_loader is set here, after train_loader.
  wsol::ExperimentOptions experiment;
  // Model folder of the classifier, as //wsol:train writes it.
  std::string classifier_dir;
  // The decoder's channels and center are set here unless `set_decoder`: those
  // that the published code has for the backbone (PublishedDecoder).
  FcamModelOptions fcam;
  bool set_decoder = false;
  FcamTrainingOptions training;
  // Folder of stored maps that seeds are drawn from (fcam/seeds/stored_cams.h),
  // instead of maps that are computed in training; may be empty.
  std::string stored_cams_dir;
  // A frozen encoder runs as a fast copy of itself
  // (fcam/decoder/fast_encoder.h) of this precision, in training and
  // evaluation.
  bool fast_encoder = true;
  vision::Precision encoder_precision = vision::Precision::kFloat32;
  // The weight of the dense CRF loss, or its sigma_xy, is that for images of
  // 224 x 224 and is adjusted to the classifier's size, so that the loss is as
  // strong and its neighbourhood as large a part of the image.
  bool adjust_crf_weight = false;
  bool adjust_crf_sigma = false;
  // Batches and threads; shuffles and augments. Sizes and normalisation are
  // those that the classifier was trained with.
  wsol::LoaderOptions train_loader;

  // kInvalidArgument names the flag or field.
  absl::Status Validate() const;
};

// Trains in options.experiment.output_dir; see wsol/experiment/experiment.h for
// what is there afterwards. kCancelled when stopped, after saving the state;
// errors of the options, the classifier and the data before anything is
// written, and those of Experiment and TrainFcam.
absl::StatusOr<wsol::RunResult> RunFcamTraining(FcamRunOptions options);

// The same from a classifier in memory, which it takes over; classifier_dir is
// not read.
absl::StatusOr<wsol::RunResult> RunFcamTraining(
    FcamRunOptions options, wsol::LoadedClassifier classifier);

// The published decoder for a backbone of `num_levels` feature maps: as many of
// the widths 256, 128, 64, 32, 16 as it has levels above the image's, and two
// more convolutions in front for VGGs.
UnetDecoderOptions PublishedDecoder(absl::string_view backbone, int num_levels);

}  // namespace fcam

#endif  // FCAM_TRAINING_RUN_FCAM_RUN_H_
