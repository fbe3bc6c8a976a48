// Classification heads: from a feature map to one logit for each class.
//
// The heads differ in how they pool over space. WGAP averages features and then
// weighs them (its class activation map comes from the weights,
// wsol/cam/cam.h); the others make a map for each class with a 1 x 1
// convolution and pool that. Make them by name with wsol/pooling/factory.h.
//
//   const at::Tensor logits = head->forward(features);          // [N, K]
//   if (head->has_maps()) maps = head->ClassMaps(features);     // [N, K, h, w]

#ifndef WSOL_POOLING_POOLING_H_
#define WSOL_POOLING_POOLING_H_

#include <cstdint>
#include <string>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "torch/nn/module.h"

namespace wsol {

// How many of n values are meant: published options give a fraction or a count
// in one number.
struct PixelSelection {
  // At most 0 selects none; below 1 a fraction, round-half-even(value * n);
  // exactly 1 all, or one if `is_count`; above 1 a count, rounded down, at most
  // n.
  double value = 0;
  bool is_count = false;

  int64_t Of(int64_t n) const;
};

// Formulas of the WILDCAT score, see wsol/pooling/wildcat.h.
enum class WildcatVariant { kPublished, kPaper, kHalved };

// Options of all heads; each reads what concerns it.
struct PoolingOptions {
  // One of PoolingNames() of wsol/pooling/factory.h.
  std::string name = "WGAP";
  // C of the features and K, the number of classes; both positive.
  int64_t in_channels = 0;
  int64_t num_classes = 0;
  // Adds a map for the background in front of the classes' (all heads but
  // WGAP). It takes part in nothing but PoolingHead::Maps: its logit is
  // dropped.
  bool support_background = true;
  // Of the initial weights: Xavier uniform, biases 0.
  uint64_t seed = 0;

  // LogSumExpPool: sharpness r > 0; 0 is the mean, infinity the maximum.
  double lse_sharpness = 10;

  // WildCatCLHead: maps averaged for each class, at least 1.
  int64_t wildcat_modalities = 5;
  // WildCatCLHead: pixels of the highest (kmax, at least one) and of the lowest
  // scores (kmin) that are averaged.
  PixelSelection wildcat_kmax = {0.5};
  PixelSelection wildcat_kmin = {0.1};
  // WildCatCLHead: weight of the lowest scores.
  double wildcat_alpha = 0.6;
  // WildCatCLHead: dropout of the sorted scores, in [0, 1), by LibTorch's
  // default generator as in other layers.
  double wildcat_dropout = 0;
  // WildCatCLHead: which formula, see wsol/pooling/wildcat.h.
  WildcatVariant wildcat_variant = WildcatVariant::kPublished;

  // ACoL: the share of the largest value of a map above which branch A's region
  // is erased, in [0, 1], and the channels of the branches, at least 1.
  double acol_threshold = 0.7;
  int64_t acol_width = 1024;

  // kInvalidArgument names the field, its value and what is allowed.
  absl::Status Validate() const;
};

// The interface of all heads. Parameter names are those of the published
// checkpoints ("fc.weight", "conv.weight", "to_modalities.weight").
class PoolingHead : public torch::nn::Module {
 public:
  // `features`: [N, C, h, w] float -> logits [N, K]. Throws c10::Error for
  // other shapes. Gradients flow to features and parameters.
  virtual at::Tensor forward(const at::Tensor& features) = 0;

  // True if the logits are class_weights() x (mean of the features over space)
  // plus a constant, so that gradients need no backward pass.
  virtual bool is_linear() const { return false; }

  // True if the head makes maps by itself, that is for all heads but WGAP.
  virtual bool has_maps() const = 0;

  // The maps before pooling, [N, K', h, w]; K' = K + 1 with the background
  // first if it is supported, else K. Throws c10::Error if !has_maps().
  // Gradients flow.
  virtual at::Tensor Maps(const at::Tensor& features) = 0;

  // Maps without the background, [N, K, h, w].
  at::Tensor ClassMaps(const at::Tensor& features);

  // Of ClassMaps, those of `classes` [N, M] int64, each in [0, K):
  // [N, M, h, w]. Cheaper where each map is computed for itself.
  virtual at::Tensor ClassMapsOf(const at::Tensor& features,
                                 const at::Tensor& classes);

  // The weights W [K, C] that make class scores from the features: the map of
  // class k is sum_c W[k, c] f[c] up to a constant. An alias of the parameter
  // where possible; gradients flow. Throws c10::Error for heads whose maps are
  // not linear in the features (ACoL).
  virtual at::Tensor class_weights() const = 0;

  int64_t num_classes() const { return num_classes_; }

 protected:
  PoolingHead(int64_t in_channels, int64_t num_classes)
      : in_channels_(in_channels), num_classes_(num_classes) {}

  // Throws c10::Error unless `features` is a non-empty [N, C, h, w].
  void CheckFeatures(const at::Tensor& features) const;

 private:
  const int64_t in_channels_;
  const int64_t num_classes_;
};

}  // namespace wsol

#endif  // WSOL_POOLING_POOLING_H_
