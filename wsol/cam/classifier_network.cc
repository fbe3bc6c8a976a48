#include "wsol/cam/classifier_network.h"

#include <utility>

#include "ATen/core/Tensor.h"
#include "c10/util/Exception.h"
#include "vision/backbones/vision_transformer.h"
#include "wsol/cam/cam_network.h"
#include "wsol/classifier/classifier.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

CamNetwork::Output ClassifierNetwork::Forward(const at::Tensor& images) {
  ClassifierOutput output = classifier_.forward(images);
  return {std::move(output.features), std::move(output.logits)};
}

at::Tensor ClassifierNetwork::LogitsOf(const at::Tensor& last_features) {
  return classifier_.head().forward(last_features);
}

at::Tensor ClassifierNetwork::LinearWeights() const {
  const PoolingHead& head = classifier_.head();
  return head.is_linear() ? head.class_weights() : at::Tensor();
}

bool ClassifierNetwork::HasOwnMaps() const {
  return classifier_.head().has_maps();
}

at::Tensor ClassifierNetwork::OwnMaps(const at::Tensor& last_features) {
  return classifier_.head().ClassMaps(last_features);
}

at::Tensor ClassifierNetwork::OwnMapsOf(const at::Tensor& last_features,
                                        const at::Tensor& classes) {
  return classifier_.head().ClassMapsOf(last_features, classes);
}

bool ClassifierNetwork::HasAttention() const {
  return dynamic_cast<const vision::VisionTransformer*>(
             &classifier_.encoder()) != nullptr;
}

CamNetwork::AttentionOutput ClassifierNetwork::ForwardWithAttention(
    const at::Tensor& images) {
  auto* const transformer =
      dynamic_cast<vision::VisionTransformer*>(&classifier_.encoder());
  TORCH_CHECK(transformer != nullptr, "the backbone has no attention maps");
  vision::VisionTransformerOutput run =
      transformer->ForwardWithAttention(images);
  const at::Tensor& tokens = run.pyramid.back();
  return {std::move(run.attention), classifier_.head().forward(tokens),
          tokens.size(2), tokens.size(3)};
}

bool ClassifierNetwork::IsInEvaluationMode() const {
  for (const auto& module : classifier_.modules()) {
    if (module->is_training()) return false;
  }
  return true;
}

}  // namespace wsol
