// The training loss of F-CAM: the weighted sum of its terms, each switched on
// for a range of epochs.
//
//   VISION_ASSIGN_OR_RETURN(FcamLoss loss, FcamLoss::Create(options));
//   FcamLossTerms terms = loss.Compute({fcams, seeds, images}, epoch);
//   terms.total.backward();
//   ...
//   loss.UpdateEpochEnd();

#ifndef FCAM_LOSSES_COMPOSITE_H_
#define FCAM_LOSSES_COMPOSITE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fcam/losses/crf_loss.h"
#include "fcam/losses/elb.h"
#include "fcam/losses/local_color_loss.h"
#include "fcam/losses/reconstruction_loss.h"
#include "fcam/losses/size_bounds_loss.h"

namespace fcam {

// Names of the terms, in the order in which they are summed and reported.
inline constexpr char kClassificationTerm[] = "cl_loss";
inline constexpr char kReconstructionTerm[] = "image_reconstruction";
inline constexpr char kCrfTerm[] = "con_ran_field_fcams";
inline constexpr char kLocalColorTerm[] = "local_color_fcams";
inline constexpr char kEntropyTerm[] = "entropy_fcams";
inline constexpr char kSizeTerm[] = "max_size_positive_fcams_elb";
inline constexpr char kSizeBoundsTerm[] = "size_bounds_fcams_elb";
inline constexpr char kSelfLearningTerm[] = "self_learning_fcams";
// Name under which the sum is logged.
inline constexpr char kTotalTerm[] = "master_loss";

// A term's weight and the epochs in which it counts.
struct LossTermOptions {
  bool enabled = false;
  // Factor of the term, finite, >= 0.
  double weight = 1.0;
  // First and last epoch, both included, counted from 1 (epoch 0 is the
  // evaluation before training). end_epoch -1: no end.
  int start_epoch = 0;
  int end_epoch = -1;

  // Whether the term counts in `epoch`.
  bool IsOn(int epoch) const;
  absl::Status Validate() const;
};

// Defaults: nothing enabled, weights as published.
struct FcamLossOptions {
  // Cross entropy of the class logits; for training without a frozen
  // classifier.
  LossTermOptions classification;
  LossTermOptions crf = {false, 2e-9};
  LossTermOptions entropy;
  // The paper's weight is 0.1.
  LossTermOptions size;
  LossTermOptions self_learning;
  // Not in the published recipe: an object's share of the image within limits,
  // neighbours of similar colour alike, the image drawn by a head of the model.
  LossTermOptions size_bounds;
  LossTermOptions local_color;
  LossTermOptions reconstruction;

  CrfLossOptions crf_options;
  SizeBoundsOptions size_bounds_options;
  LocalColorOptions local_color_options;
  ReconstructionOptions reconstruction_options;
  // Of all terms with a barrier.
  ElbOptions elb;
  // Label of pixels without seed; that of SeedOptions.
  int64_t ignore_index = -255;

  // kInvalidArgument names the term and field; also if no term is enabled.
  absl::Status Validate() const;
};

// The options of the published README: self-learning 1, CRF 2e-9 with sigmas 15
// and 100, size 0.1, for all epochs.
FcamLossOptions PublishedFcamLossOptions();

// What the enabled terms of an epoch need; the rest may be left undefined.
struct FcamLossInputs {
  // All map terms: [N, 2, H, W] logits of the map, background then foreground.
  at::Tensor fcams;
  // Self-learning: [N, H, W] int64.
  at::Tensor seeds;
  // CRF, local colour, reconstruction: [N, 3, H, W], 0..255, cropped and
  // flipped like the map's input.
  at::Tensor images;
  // Classification: [N, K] logits and [N] int64 labels.
  at::Tensor logits;
  at::Tensor labels;
  // Reconstruction: [N, 3, H, W].
  at::Tensor reconstruction;
};

struct NamedLoss {
  std::string name;
  // Weighted, scalar, without gradient.
  at::Tensor value;
};

struct FcamLossTerms {
  // The sum, a scalar with gradient.
  at::Tensor total;
  // Each enabled term in the order of the names above; 0 for those that do not
  // count in this epoch. So a log has the same columns in every epoch.
  std::vector<NamedLoss> terms;

  // The value of the term of this name, 0 if it is not enabled. Waits for the
  // device.
  double Value(absl::string_view name) const;
};

// Not thread-safe. The only state is the log barrier's t.
class FcamLoss {
 public:
  static absl::StatusOr<FcamLoss> Create(const FcamLossOptions& options);

  // Computes the terms that count in `epoch`. If none does, the total is 0 with
  // a gradient of 0. All terms are finite for finite inputs. Throws c10::Error
  // for a missing or misshaped input, naming it.
  FcamLossTerms Compute(const FcamLossInputs& inputs, int epoch) const;

  // Whether seeds (images) are used in `epoch`: if not, do not make them.
  bool NeedsSeeds(int epoch) const;
  bool NeedsImages(int epoch) const;

  // Call after each epoch: sharpens the log barrier, also when no term with a
  // barrier counts.
  void UpdateEpochEnd() { elb_.Update(); }

  // The barrier's t, for checkpoints.
  double elb_t() const { return elb_.t(); }
  void set_elb_t(double t) { elb_.set_t(t); }

  const FcamLossOptions& options() const { return options_; }

 private:
  explicit FcamLoss(const FcamLossOptions& options)
      : options_(options), elb_(options.elb) {}

  FcamLossOptions options_;
  ElbSchedule elb_;
};

}  // namespace fcam

#endif  // FCAM_LOSSES_COMPOSITE_H_
