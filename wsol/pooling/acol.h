// Adversarial complementary learning: two branches, the second of which sees
// the features without the region that the first one finds.
//
// Zhang et al., Adversarial Complementary Learning for Weakly Supervised Object
// Localization, CVPR 2018. Each branch is two 3 x 3 convolutions with ReLU, a
// 1 x 1 convolution to a map for each class, and the mean over space. With M_A
// the map of class c by branch A, scaled to [0, 1] by its smallest and largest
// value, branch B reads the features with zeros where M_A > threshold, and
//   map of class c = max(M_A, M_B), pixel by pixel,
// where M_B is branch B's map of c, scaled in the same way.
//
// Train it with the method "ACoL" of wsol/baselines: both branches by cross
// entropy, with the true class as c.

#ifndef WSOL_POOLING_ACOL_H_
#define WSOL_POOLING_ACOL_H_

#include <memory>

#include "ATen/core/Tensor.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

// Children "branch_a" and "branch_b", each with "conv1", "conv2", "conv3".
// PoolingOptions::support_background has no effect.
class AcolHead : public PoolingHead {
 public:
  struct BranchLogits {
    // [N, K].
    at::Tensor a;
    at::Tensor b;
  };

  // `options` are valid.
  explicit AcolHead(const PoolingOptions& options);

  // Branch A's logits: at test time the class is not known that B needs.
  at::Tensor forward(const at::Tensor& features) override;

  // Logits of both branches; B reads the features without the region of class
  // labels[n], [N] int64 in [0, K). What is erased is not differentiated, all
  // else is. Throws c10::Error for other shapes.
  BranchLogits ForwardBranches(const at::Tensor& features,
                               const at::Tensor& labels);

  // Each map is in [0, 1], and needs a pass of branch B: K passes for Maps, M
  // for ClassMapsOf.
  bool has_maps() const override { return true; }
  at::Tensor Maps(const at::Tensor& features) override;
  at::Tensor ClassMapsOf(const at::Tensor& features,
                         const at::Tensor& classes) override;

  // Throws c10::Error: there are none.
  at::Tensor class_weights() const override;

 private:
  class Branch;

  // `features` where class `labels[n]` of branch A's `maps` [N, K, h, w] is not
  // above the threshold, 0 elsewhere.
  at::Tensor Erase(const at::Tensor& features, const at::Tensor& maps,
                   const at::Tensor& labels) const;

  const double threshold_;
  std::shared_ptr<Branch> branch_a_;
  std::shared_ptr<Branch> branch_b_;
};

}  // namespace wsol

#endif  // WSOL_POOLING_ACOL_H_
