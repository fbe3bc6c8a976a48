// The maps that seeds are drawn from during training, by any CAM method.
//
//   wsol::CamOptions options;
//   options.method = "LayerCAM";
//   VISION_ASSIGN_OR_RETURN(auto cams, TrainingCams::Create(model, options));
//   VISION_ASSIGN_OR_RETURN(const at::Tensor maps,
//                           cams->Maps(output, batch, epoch));

#ifndef FCAM_TRAINING_TRAINING_CAMS_H_
#define FCAM_TRAINING_TRAINING_CAMS_H_

#include <cstdint>
#include <memory>

#include "ATen/core/Tensor.h"
#include "absl/status/statusor.h"
#include "fcam/decoder/fcam_model.h"
#include "wsol/cam/cam_method.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"

namespace fcam {

class TrainingCams {
 public:
  // `model` must outlive this. With `classifier`, maps are that one's, in
  // evaluation mode, which costs a forward pass of it for each batch: what the
  // published code does. Otherwise they are the model's own, of the same
  // forward pass: methods that have a closed form on the last features, all but
  // SmoothGradCAM++, ScoreCAM and its kin, AblationCAM and attention rollout,
  // run no part of the network again. Errors are those of wsol::MakeCamMethod.
  static absl::StatusOr<std::unique_ptr<TrainingCams>> Create(
      FcamModel& model, const wsol::CamOptions& options,
      std::shared_ptr<wsol::Classifier> classifier = nullptr);

  // The maps of the images' own classes, batch.labels: min-max normalised at
  // the features' size, then bilinear to the images'. [N, H, W] float in [0,
  // 1], no gradient; 0 where there is no contrast. `output` is what the model
  // gave for the batch. Noise is a function of (options.seed, epoch, index of
  // the image). Nothing of the model changes; passes that a method runs itself
  // are in evaluation mode, also while the classifier trains. Errors: those of
  // wsol::CamMethod::Compute.
  absl::StatusOr<at::Tensor> Maps(const FcamOutput& output,
                                  const wsol::Batch& batch, int64_t epoch);

 private:
  TrainingCams(FcamModel& model, const wsol::CamOptions& options,
               std::unique_ptr<wsol::CamMethod> method,
               std::shared_ptr<wsol::Classifier> classifier);

  FcamModel& model_;
  uint64_t seed_;
  // Null for CAM of the model's own classifier, which needs no more than its
  // features.
  std::unique_ptr<wsol::CamMethod> method_;
  // Null: the model's own.
  std::shared_ptr<wsol::Classifier> classifier_;
};

}  // namespace fcam

#endif  // FCAM_TRAINING_TRAINING_CAMS_H_
