// Where a classifier's weights come from before it is trained.

#ifndef WSOL_TRAINING_RUN_INITIAL_WEIGHTS_H_
#define WSOL_TRAINING_RUN_INITIAL_WEIGHTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wsol/classifier/classifier.h"

namespace wsol {

struct InitialWeightsOptions {
  // "none": random. "imagenet": the published weights of the backbone
  // (docs/weights.md), from `weights_dir` or $FCAM_WEIGHTS. Otherwise a file of
  // the backbone's weights, or a model folder of the same network.
  std::string weights = "none";
  std::string weights_dir;
  // Of a file: all keys and shapes must agree; otherwise those that do not are
  // left as they are.
  bool strict = true;
};

// Loads the weights into `classifier`, which was made of `classifier_options`,
// and returns one line about what was loaded and what was not ("" for random
// ones). Errors: those of vision::ReadPretrainedStateDict, ReadStateDict and
// LoadClassifierFolder, naming the flag.
absl::StatusOr<std::string> LoadInitialWeights(
    const InitialWeightsOptions& options,
    const ClassifierOptions& classifier_options, Classifier& classifier);

}  // namespace wsol

#endif  // WSOL_TRAINING_RUN_INITIAL_WEIGHTS_H_
