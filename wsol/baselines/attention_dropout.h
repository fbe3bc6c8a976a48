// Attention-based dropout layer (ADL): while training, hides or weighs the most
// attended part of feature maps.
//
// Choe and Shim, Attention-based Dropout Layer for Weakly Supervised Object
// Localization, CVPR 2019, sec. 3. With the attention A = mean of the map over
// its channels, [N, 1, H, W], each pass multiplies the map by one of
//   drop mask        1 where A <= gamma max(A), else 0
//   importance map   sigmoid(A)
// the first with probability drop_rate; max is over the pixels of an image, the
// choice is one for a whole batch. In evaluation mode it is the identity.
//
//   const at::Tensor y = wsol::ApplyDropMask(x, /*gamma=*/0.9);

#ifndef WSOL_BASELINES_ATTENTION_DROPOUT_H_
#define WSOL_BASELINES_ATTENTION_DROPOUT_H_

#include <memory>

#include "ATen/core/Tensor.h"
#include "absl/status/statusor.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"

namespace wsol {

// map * drop mask, map [N, C, H, W]. Gradients flow through the map; the mask
// is piecewise constant.
at::Tensor ApplyDropMask(const at::Tensor& map, double gamma);

// map * importance map. Gradients flow through both factors.
at::Tensor ApplyImportance(const at::Tensor& map);

// The method "ADL": the cross entropy, with such a layer behind each of the
// levels asked for, which draw independently of each other. It is the encoder's
// stage transform from now until its end. `options` are valid; kInvalidArgument
// for levels that the encoder's pyramid does not have, or that are the images
// themselves.
absl::StatusOr<std::unique_ptr<TrainingMethod>> MakeAttentionDropout(
    const TrainingMethodOptions& options, Classifier& classifier);

}  // namespace wsol

#endif  // WSOL_BASELINES_ATTENTION_DROPOUT_H_
