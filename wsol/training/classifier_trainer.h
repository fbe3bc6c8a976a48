// Training of an image classifier from class labels: by cross entropy, or by
// one of the methods of wsol/baselines.
//
//   ClassifierTrainingOptions options;
//   options.loop.epochs = 50;
//   options.method.name = "CutMix";
//   VISION_ASSIGN_OR_RETURN(auto history,
//                           TrainClassifier(*classifier, *loader, options));

#ifndef WSOL_TRAINING_CLASSIFIER_TRAINER_H_
#define WSOL_TRAINING_CLASSIFIER_TRAINER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vision/inference/inference_backbone.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/training/engine.h"
#include "wsol/training/optimizer.h"

namespace wsol {

struct ClassifierTrainingOptions {
  // Epochs, state file, callbacks and so on; its `step` is set here.
  TrainingLoop loop;
  OptimizerOptions optimizer;
  // Initial rate of the backbone but its last stage; positive.
  double learning_rate = 0.001;
  // Factor of it for the last stage and the head; positive.
  double classifier_learning_rate_ratio = 10;
  // Share of the target that is spread over all classes (Szegedy et al., CVPR
  // 2016), in [0, 1).
  double label_smoothing = 0;
  // kBFloat16: products of the forward and backward pass in bfloat16, weights
  // and updates in float32 (vision/nn/autocast.h).
  vision::Precision precision = vision::Precision::kFloat32;
  // How a batch becomes a loss. "none": the cross entropy of its images. What a
  // method needs of the classifier: wsol/baselines/factory.h.
  TrainingMethodOptions method;

  absl::Status Validate() const;
};

// Minimises the loss of `options.method`; the records have kTrainAccuracy and
// the parts of the loss. The loader's batches must be labelled within the
// classifier's classes. Layers that the method adds are trained like the head,
// are part of the state file, and are gone afterwards: the classifier is
// complete without them. Errors: kInvalidArgument, before any work, for a
// method that does not go with the classifier; kFailedPrecondition for bfloat16
// where it is slow (vision::HasFastBFloat16); others and resumption: Train.
absl::StatusOr<std::vector<EpochRecord>> TrainClassifier(
    Classifier& classifier, Loader& loader,
    const ClassifierTrainingOptions& options);

}  // namespace wsol

#endif  // WSOL_TRAINING_CLASSIFIER_TRAINER_H_
