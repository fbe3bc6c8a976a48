// An image classifier made of a backbone and a pooling head.
//
//   wsol::ClassifierOptions options;
//   options.backbone = "resnet50";
//   options.num_classes = 200;
//   VISION_ASSIGN_OR_RETURN(auto classifier, wsol::MakeClassifier(options));
//   const wsol::ClassifierOutput output = classifier->forward(images);

#ifndef WSOL_CLASSIFIER_CLASSIFIER_H_
#define WSOL_CLASSIFIER_CLASSIFIER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "torch/nn/module.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/factory.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

struct ClassifierOptions {
  // A name of vision::ListBackbones().
  std::string backbone = "resnet_small";
  // Its seed is ignored in favour of `seed` below.
  vision::BackboneOptions backbone_options;
  // Its in_channels, num_classes and seed are ignored: they come from the
  // backbone and from the fields below.
  PoolingOptions pooling;
  // K, at least 1.
  int64_t num_classes = 0;
  // Of all initial weights.
  uint64_t seed = 0;

  // What can be checked without building the network: num_classes. The rest is
  // checked by MakeClassifier.
  absl::Status Validate() const;
};

struct ClassifierOutput {
  // f0, f1, ... of the backbone; the head read the last one.
  vision::FeaturePyramid features;
  // [N, K], before softmax.
  at::Tensor logits;
};

// Children "encoder" and "classification_head": state-dict keys are those of
// the published checkpoints ("encoder.layer1.0.conv1.weight",
// "classification_head.fc.weight"). Not thread-safe in training.
class Classifier : public torch::nn::Module {
 public:
  Classifier(std::shared_ptr<vision::Backbone> encoder,
             std::shared_ptr<PoolingHead> head);

  // `images`: [N, in_channels, H, W] float, normalised. Throws c10::Error for
  // other shapes. Gradients flow.
  ClassifierOutput forward(const at::Tensor& images);

  vision::Backbone& encoder() const { return *encoder_; }
  PoolingHead& head() const { return *head_; }
  int64_t num_classes() const { return head_->num_classes(); }

 private:
  std::shared_ptr<vision::Backbone> encoder_;
  std::shared_ptr<PoolingHead> head_;
};

// kInvalidArgument for unknown names (the nearest are named) and bad options.
absl::StatusOr<std::shared_ptr<Classifier>> MakeClassifier(
    const ClassifierOptions& options);

// The parameters of a classifier by learning rate. Fine-tuning gives the second
// group a rate that is several times (published: 10) the first's.
struct ClassifierParameters {
  // All of the backbone but its last stage.
  std::vector<at::Tensor> low;
  std::vector<std::string> low_names;
  // The backbone's last stage and the head.
  std::vector<at::Tensor> high;
  std::vector<std::string> high_names;
};

ClassifierParameters ParameterGroups(const Classifier& classifier);

}  // namespace wsol

#endif  // WSOL_CLASSIFIER_CLASSIFIER_H_
