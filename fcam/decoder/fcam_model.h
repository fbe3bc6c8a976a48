// The F-CAM network: a classifier and, on its features, a decoder that gives
// each image a class-agnostic foreground map of full resolution.
//
//   FcamModelOptions options;
//   VISION_ASSIGN_OR_RETURN(auto model, MakeFcamModel(classifier, options));
//   const FcamOutput output = model->forward(images);
//   const at::Tensor map = ForegroundMap(output.fcams);  // [N, H, W], [0, 1]
//
// Belharbi et al., F-CAM: Full Resolution Class Activation Maps via Guided
// Parametric Upscaling, WACV 2022, figure 2.

#ifndef FCAM_DECODER_FCAM_MODEL_H_
#define FCAM_DECODER_FCAM_MODEL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/decoder/reconstruction_head.h"
#include "fcam/decoder/segmentation_head.h"
#include "fcam/decoder/unet_decoder.h"
#include "torch/nn/module.h"
#include "vision/backbones/backbone.h"
#include "wsol/classifier/classifier.h"

namespace fcam {

struct FcamModelOptions {
  // Its seed is ignored in favour of `seed` below.
  UnetDecoderOptions decoder;
  // Train the decoder and segmentation head only; see FcamModel.
  bool freeze_classifier = true;
  // Adds a head that draws the image, for the reconstruction loss. Not in the
  // published networks.
  std::optional<ReconstructionRange> reconstruction;
  // Of the initial weights of the decoder and the heads.
  uint64_t seed = 0;

  absl::Status Validate() const;
};

struct FcamOutput {
  // [N, K], before softmax.
  at::Tensor logits;
  // [N, 2, H, W] logits at the images' size, background then foreground.
  at::Tensor fcams;
  // f0, f1, ... of the classifier's backbone.
  vision::FeaturePyramid features;
  // [N, 3, H, W] in the head's range; undefined without the head.
  at::Tensor reconstruction;
};

// Children: encoder and classification_head, which are the given classifier's
// own (shared, not copied), decoder, segmentation_head and, if asked for,
// reconstruction_head. State-dict keys under each are those of the published
// checkpoints' files.
//
// With freeze_classifier the classifier's parameters need no gradient, its
// batch norms and dropouts stay in eval mode whatever train() is called with,
// and its features are computed outside of autograd: training leaves it
// identical bit for bit. The decoder's batch norms train as usual. A frozen
// encoder may be run by a fast copy of it (UseFastEncoder), which is no child:
// the state dict and the checkpoints are those of the encoder itself.
//
// Not thread-safe in training; forward() in eval mode changes nothing.
class FcamModel : public torch::nn::Module {
 public:
  // For MakeFcamModel, which checks the arguments first.
  FcamModel(std::shared_ptr<wsol::Classifier> classifier,
            const FcamModelOptions& options);

  // `images`: [N, 3, H, W] float, normalised as the classifier expects. A map
  // of another size than the images' is resized bilinearly, align_corners =
  // true. Throws c10::Error for other shapes. Gradients flow to the decoder and
  // the segmentation head, and to the classifier if it is not frozen.
  FcamOutput forward(const at::Tensor& images);

  // What the images are to the classifier: its features and logits, by the fast
  // encoder if there is one. Outside of autograd if frozen.
  wsol::ClassifierOutput Classify(const at::Tensor& images);

  // Runs `encoder` instead of the classifier's own from now on; null: its own
  // again. Make it with MakeFastEncoder (fast_encoder.h) after the weights are
  // loaded: it is a copy and does not follow later changes. It does not move
  // with to(), and saving takes no notice of it. kFailedPrecondition if the
  // classifier is not frozen, kInvalidArgument for other channels.
  absl::Status UseFastEncoder(std::shared_ptr<vision::Backbone> encoder);
  bool has_fast_encoder() const { return fast_encoder_ != nullptr; }

  // The encoder that runs.
  vision::Backbone& running_encoder() const;

  // torch::nn::Module's, but a frozen classifier stays frozen.
  void train(bool on = true) override;

  // The class activation maps that seeds are drawn from, of the same forward
  // pass as `output`, for classes `labels` [N] int64: normalised to [0, 1] at
  // the features' size, then bilinear to the images' size. [N, H, W] float, no
  // gradient. A map without contrast is 0 everywhere: it gives no seeds.
  // kInvalidArgument or kOutOfRange for labels that do not fit.
  absl::StatusOr<at::Tensor> TrainingCams(const FcamOutput& output,
                                          const at::Tensor& labels);

  // The parameters that require a gradient, in the state dict's order.
  std::vector<at::Tensor> TrainableParameters() const;

  bool classifier_is_frozen() const { return freeze_classifier_; }
  wsol::Classifier& classifier() const { return *classifier_; }
  UnetDecoder& decoder() const { return *decoder_; }
  SegmentationHead& segmentation_head() const { return *segmentation_head_; }
  // Null without.
  ReconstructionHead* reconstruction_head() const {
    return reconstruction_head_.get();
  }

 private:
  // Not a child: its own children are.
  std::shared_ptr<wsol::Classifier> classifier_;
  std::shared_ptr<UnetDecoder> decoder_;
  std::shared_ptr<SegmentationHead> segmentation_head_;
  std::shared_ptr<ReconstructionHead> reconstruction_head_;
  // Not a child.
  std::shared_ptr<vision::Backbone> fast_encoder_;
  bool freeze_classifier_;
};

// Adds a decoder to `classifier`, which must not be null, and freezes it if
// asked. kInvalidArgument for bad options.
absl::StatusOr<std::shared_ptr<FcamModel>> MakeFcamModel(
    std::shared_ptr<wsol::Classifier> classifier,
    const FcamModelOptions& options);

// The F-CAM: softmax of [N, 2, H, W] logits, channel 1. [N, H, W] in [0, 1],
// the probability that a pixel belongs to the object. Gradients flow. Throws
// c10::Error for other shapes.
at::Tensor ForegroundMap(const at::Tensor& fcams);

}  // namespace fcam

#endif  // FCAM_DECODER_FCAM_MODEL_H_
