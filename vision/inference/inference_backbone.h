// A backbone made fast for inference: the same maps, or nearly, in less time.
//
//   VISION_ASSIGN_OR_RETURN(auto backbone, vision::MakeBackbone("resnet50"));
//   ... load weights ...
//   VISION_ASSIGN_OR_RETURN(
//       auto fast, vision::MakeInferenceBackbone(backbone, {}));
//   const vision::FeaturePyramid pyramid = fast->forward(images);
//
// Five options, from exact to rounded; differences are those of ResNet-50's
// last map, relative to its largest value:
//   fold_norms     batch norms become part of the convolutions  about 1e-6
//   channels_last  maps are stored pixel by pixel               about 1e-6
//   pack_weights   weights in oneDNN's order, with ReLU fused   about 1e-6
//   winograd       3 x 3 convolutions by Winograd's method      about 1e-5
//   precision      bfloat16 weights and maps                    1e-2, cosine of
//                                                               all maps >
//                                                               0.999
// docs/benchmarks.md has the speed.

#ifndef VISION_INFERENCE_INFERENCE_BACKBONE_H_
#define VISION_INFERENCE_INFERENCE_BACKBONE_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "c10/core/Device.h"
#include "vision/backbones/backbone.h"

namespace vision {

enum class Precision { kFloat32, kBFloat16 };

// "float32", "bfloat16"; kInvalidArgument names both.
absl::StatusOr<Precision> ParsePrecision(absl::string_view name);
absl::string_view PrecisionName(Precision precision);

// Whether bfloat16 is faster than float32 there: on CPUs with AVX-512 BF16
// instructions, and on CUDA devices.
bool HasFastBFloat16(const c10::Device& device);

struct InferenceOptions {
  bool fold_norms = true;
  bool channels_last = true;
  // On CPUs, for folded convolutions, where no gradient is recorded. Keeps a
  // second copy of the weights, made again when the images' size changes, so
  // turn it off if that happens from batch to batch.
  bool pack_weights = true;
  // With pack_weights and float32: 3 x 3 convolutions of many channels by
  // WinogradConv (vision/nn/winograd_conv.h), in half the time and five times
  // their weights' memory. Off at first, since it rounds a little more.
  bool winograd = false;
  Precision precision = Precision::kFloat32;
  // Take bfloat16 even where it is slow (emulated), to see what it gives.
  bool allow_slow_precision = false;
};

// Takes `backbone` over: puts it in eval mode for good, freezes its parameters,
// and changes its layers and weights in place, so its state dict is no longer
// the original's. The result has the same levels; f0, ... are float32 whatever
// the precision, in channels-last format if asked. Gradients flow to the images
// (so that gradient CAMs work), not to the parameters; train() has no effect.
//
// kFailedPrecondition for bfloat16 on a device that is slow with it,
// kInvalidArgument for it with weights that are not float32. `backbone` is
// unchanged then.
absl::StatusOr<std::shared_ptr<Backbone>> MakeInferenceBackbone(
    std::shared_ptr<Backbone> backbone, const InferenceOptions& options);

}  // namespace vision

#endif  // VISION_INFERENCE_INFERENCE_BACKBONE_H_
