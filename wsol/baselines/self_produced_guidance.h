// Self-produced guidance (SPG): masks that the network makes of its own
// attention, from sure pixels to less sure ones, supervise its features.
//
// Zhang et al., Self-produced Guidance for Weakly-supervised Object
// Localization, ECCV 2018, sec. 3. The classifier is their SPG-A, its head's
// map of the true class, scaled to [0, 1], the attention map. Three branches
// give a map in (0, 1) each: B1 and B2 read the third and the second level from
// the end of the pyramid, C the last one. A map makes a mask by two thresholds,
//   1 (object) above high, 0 (background) below low, ignored in between,
// and with BCE the binary cross entropy over the pixels of a mask,
//   loss = CE + BCE(B2, mask of the attention) + BCE(B1, mask of B2)
//             + BCE(C, mask of (B1 + B2) / 2).
// Masks are constants to the gradient. The branches are needed for training
// only: localization takes the classifier's class map.

#ifndef WSOL_BASELINES_SELF_PRODUCED_GUIDANCE_H_
#define WSOL_BASELINES_SELF_PRODUCED_GUIDANCE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/statusor.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/conv.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"

namespace wsol {

// Pixels as labels.
struct GuidanceMask {
  // Of the map's shape, at least float32: 1 where it is above `high`, else 0.
  at::Tensor objects;
  // The same, 1 where it is above `high` or below `low`, else 0.
  at::Tensor valid;
};

// `map`: float of any shape, in [0, 1]. No gradient.
GuidanceMask MakeGuidanceMask(const at::Tensor& map, MaskThresholds thresholds);

// Mean over the valid pixels of all images of the binary cross entropy of
// sigmoid(logits), which have the mask's shape, with its objects; 0 if no pixel
// is valid. A scalar; gradients flow to the logits.
at::Tensor GuidanceLoss(const at::Tensor& logits, const GuidanceMask& mask);

// The three branches. B1 and B2: a 3 x 3 convolution of their own, then a 3 x 3
// and a 1 x 1 convolution that they share; C: a 3 x 3 and a 1 x 1 convolution;
// ReLU in between. Children "b1", "b2", "shared1", "shared2", "c1", "c2".
class GuidanceBranches : public torch::nn::Module {
 public:
  struct Logits {
    // [N, 1, h_i, w_i] of the level read; a sigmoid makes maps of them.
    at::Tensor b1;
    at::Tensor b2;
    at::Tensor c;
  };

  // Channels of the three last levels, from fine to coarse; `width` of all
  // convolutions but the last. Weights Xavier uniform, biases 0.
  GuidanceBranches(const std::vector<int64_t>& channels, int64_t width,
                   uint64_t seed);

  // `pyramid`: at least three levels [N, C_i, h_i, w_i].
  Logits forward(const std::vector<at::Tensor>& pyramid);

 private:
  std::shared_ptr<torch::nn::Conv2dImpl> b1_;
  std::shared_ptr<torch::nn::Conv2dImpl> b2_;
  std::shared_ptr<torch::nn::Conv2dImpl> shared1_;
  std::shared_ptr<torch::nn::Conv2dImpl> shared2_;
  std::shared_ptr<torch::nn::Conv2dImpl> c1_;
  std::shared_ptr<torch::nn::Conv2dImpl> c2_;
};

struct GuidanceLosses {
  at::Tensor b1;
  at::Tensor b2;
  at::Tensor c;
};

// The three losses of an attention map [N, 1, h, w] in [0, 1] and the branches.
// A map is resized (bilinear) to the branch that its mask supervises where
// their sizes differ.
GuidanceLosses ComputeGuidanceLosses(
    const at::Tensor& attention, const GuidanceBranches::Logits& logits,
    const std::array<MaskThresholds, 3>& thresholds);

// The method "SPG"; values "loss_class", "loss_b1", "loss_b2", "loss_c" beside
// the accuracy. kInvalidArgument unless the classifier's head is the
// convolution of class maps that are averaged (GAP) and its encoder computes
// three levels from the image.
absl::StatusOr<std::unique_ptr<TrainingMethod>> MakeSelfProducedGuidance(
    const TrainingMethodOptions& options, Classifier& classifier);

}  // namespace wsol

#endif  // WSOL_BASELINES_SELF_PRODUCED_GUIDANCE_H_
