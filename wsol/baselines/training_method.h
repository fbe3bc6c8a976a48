// How a batch of labelled images becomes a loss: the interface of the training
// methods that weakly supervised localization is compared with.
//
//   TrainingMethodOptions options;
//   options.name = "CutMix";
//   VISION_ASSIGN_OR_RETURN(
//       auto method, wsol::MakeTrainingMethod(options, classifier));  //
//       factory
//   const StepResult result = method->Step(batch, {epoch, batch_number});
//
// wsol/training/classifier_trainer.h does this; the trained classifier is used
// like any other: its maps are those of wsol/cam.

#ifndef WSOL_BASELINES_TRAINING_METHOD_H_
#define WSOL_BASELINES_TRAINING_METHOD_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "torch/nn/module.h"
#include "wsol/datasets/loader.h"
#include "wsol/training/engine.h"

namespace wsol {

// A map in [0, 1] as labels: foreground above `high`, background below `low`,
// and pixels in between that take no part.
struct MaskThresholds {
  double high = 0;
  double low = 0;
};

// Options of all methods; each reads what concerns it. The defaults are the
// published ones of Choe et al., CVPR 2020.
struct TrainingMethodOptions {
  // One of TrainingMethodNames() of wsol/baselines/factory.h: "none" is the
  // cross entropy of the images as they are.
  std::string name = "none";
  // Of the random choices, and of the initial weights of what a method adds.
  uint64_t seed = 0;

  // HaS: cells along each side of an image, at least 1, and the probability
  // that a cell is hidden, in [0, 1].
  int64_t has_grid = 4;
  double has_drop_rate = 0.5;

  // CutMix: lambda ~ Beta(beta, beta), beta > 0, and the probability that a
  // batch is mixed, in [0, 1].
  double cutmix_beta = 1;
  double cutmix_probability = 1;

  // ADL: probability of the drop mask, in [0, 1], otherwise the importance map
  // acts; the share of the largest attention above which it drops, in [0, 1].
  double adl_drop_rate = 0.75;
  double adl_gamma = 0.9;
  // ADL: the levels of the feature pyramid on which it acts, at least 1, or
  // from the end if negative; none: the last three, as far as there are any.
  std::vector<int64_t> adl_levels;

  // SPG: from the attention map to the labels of B2, from B2's map to those of
  // B1, from the mean of both to those of C. 0 <= low <= high <= 1.
  std::array<MaskThresholds, 3> spg_thresholds = {
      {{0.7, 0.01}, {0.5, 0.05}, {0.7, 0.1}}};
  // SPG: channels of its branches, at least 1.
  int64_t spg_width = 512;

  // ACoL has no options here: see acol_threshold and acol_width of
  // wsol/pooling/pooling.h, which its maps depend on too.

  // kInvalidArgument names the field, its value and what is allowed. The name
  // is checked by the factory.
  absl::Status Validate() const;
};

// Where in a training a batch is, and what its loss depends on.
struct StepContext {
  int64_t epoch = 1;
  // Of the epoch.
  int64_t batch = 0;
  // Share of the target that is spread over all classes, in [0, 1).
  double label_smoothing = 0;
};

// Name under which the share of images classified right, in [0, 1], is
// recorded. It is measured in training mode, on the images that the network
// saw.
inline constexpr char kTrainAccuracy[] = "accuracy";

// Made for one classifier, which must outlive it. Random choices are functions
// of the options' seed, the epoch and the number of the batch or the image, so
// a training that goes on after a stop makes the same ones.
class TrainingMethod {
 public:
  virtual ~TrainingMethod() = default;

  // Layers that the method trains beside the classifier, at the rate of its
  // head, and that nobody needs afterwards; null: none.
  virtual std::shared_ptr<torch::nn::Module> branches() { return nullptr; }

  // The loss of `batch` and its parts, with kTrainAccuracy among the values.
  // The classifier is in training mode. Throws c10::Error.
  virtual StepResult Step(const Batch& batch, const StepContext& context) = 0;
};

}  // namespace wsol

#endif  // WSOL_BASELINES_TRAINING_METHOD_H_
