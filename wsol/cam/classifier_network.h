// A classifier as CAM methods see it.
//
//   wsol::ClassifierNetwork network(*classifier);
//   VISION_ASSIGN_OR_RETURN(const auto cams, method->Compute(network, input));

#ifndef WSOL_CAM_CLASSIFIER_NETWORK_H_
#define WSOL_CAM_CLASSIFIER_NETWORK_H_

#include "ATen/core/Tensor.h"
#include "wsol/cam/cam_network.h"
#include "wsol/classifier/classifier.h"

namespace wsol {

class ClassifierNetwork : public CamNetwork {
 public:
  // `classifier` must outlive this.
  explicit ClassifierNetwork(Classifier& classifier)
      : classifier_(classifier) {}

  Output Forward(const at::Tensor& images) override;
  at::Tensor LogitsOf(const at::Tensor& last_features) override;
  at::Tensor LinearWeights() const override;
  bool HasOwnMaps() const override;
  at::Tensor OwnMaps(const at::Tensor& last_features) override;
  // Of vision transformers.
  bool HasAttention() const override;
  AttentionOutput ForwardWithAttention(const at::Tensor& images) override;
  at::Tensor OwnMapsOf(const at::Tensor& last_features,
                       const at::Tensor& classes) override;
  bool IsInEvaluationMode() const override;

 private:
  Classifier& classifier_;
};

}  // namespace wsol

#endif  // WSOL_CAM_CLASSIFIER_NETWORK_H_
