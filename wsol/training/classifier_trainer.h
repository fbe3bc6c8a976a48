// Training of an image classifier from class labels.
//
//   ClassifierTrainingOptions options;
//   options.loop.epochs = 50;
//   VISION_ASSIGN_OR_RETURN(auto history,
//                           TrainClassifier(*classifier, *loader, options));

#ifndef WSOL_TRAINING_CLASSIFIER_TRAINER_H_
#define WSOL_TRAINING_CLASSIFIER_TRAINER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
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

  absl::Status Validate() const;
};

// Name under which the share of images classified right, in [0, 1], is
// recorded. It is measured in training mode, on the augmented images.
inline constexpr char kTrainAccuracy[] = "accuracy";

// Minimises the mean cross entropy of the logits. The loader's batches must be
// labelled within the classifier's classes. Errors and resumption: see Train.
absl::StatusOr<std::vector<EpochRecord>> TrainClassifier(
    Classifier& classifier, Loader& loader,
    const ClassifierTrainingOptions& options);

}  // namespace wsol

#endif  // WSOL_TRAINING_CLASSIFIER_TRAINER_H_
