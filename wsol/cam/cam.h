// Class activation maps of a classifier's last features, batched.
//
//   const auto output = classifier->forward(images);
//   VISION_ASSIGN_OR_RETURN(at::Tensor raw,
//       wsol::HeadMaps(classifier->head(), output.features.back(), labels));
//   const at::Tensor cams = wsol::UpsampleMaps(
//       wsol::NormalizeMaps(raw).maps, height, width);   // [N, height, width]

#ifndef WSOL_CAM_CAM_H_
#define WSOL_CAM_CAM_H_

#include <cstdint>

#include "ATen/core/Tensor.h"
#include "absl/status/statusor.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

// The axes h and w of [N, C, h, w].
inline constexpr int64_t kPixelAxes[] = {2, 3};

// The class activation map of one class for each image (Zhou et al., CVPR 2016,
// eq. 2), not normalised, without bias and ReLU:
//   cam[n, i, j] = sum_c weights[labels[n], c] * features[n, c, i, j],
// where products that are NaN count as 0.
//   features: [N, C, h, w] float, any memory format;
//   weights:  [K, C], dtype and device of the features;
//   labels:   [N] int64, in [0, K).
// Returns [N, h, w] without gradient. kInvalidArgument for other shapes or
// dtypes, kOutOfRange for a label outside [0, K). Cost: one batched
// matrix-vector product, 2 N C h w operations; nothing of the size of the
// features is allocated.
absl::StatusOr<at::Tensor> ClassActivationMaps(const at::Tensor& features,
                                               const at::Tensor& weights,
                                               const at::Tensor& labels);

// Sums of features with a weight for each channel, for any number of classes:
//   sums[n, m, i, j] = sum_c weights[n, m, c] * features[n, c, i, j],
// where products that are NaN count as 0. features [N, C, h, w], weights
// [N, M, C] of the same dtype -> [N, M, h, w] without gradient. Throws
// c10::Error for other shapes. Cost: 2 N M C h w operations.
at::Tensor WeightedFeatureSums(const at::Tensor& features,
                               const at::Tensor& weights);

// maps[n, labels[n]] of maps [N, K, h, w]: [N, h, w], a copy without gradient.
// Errors as above.
absl::StatusOr<at::Tensor> SelectMaps(const at::Tensor& maps,
                                      const at::Tensor& labels);

// The map of class labels[n] that `head` gives for features [N, C, h, w]: its
// own where it has maps, the class activation map otherwise. [N, h, w], not
// normalised, no gradient. Errors as above.
absl::StatusOr<at::Tensor> HeadMaps(PoolingHead& head,
                                    const at::Tensor& features,
                                    const at::Tensor& labels);

// Bilinear interpolation with align_corners=False: [N, h, w] float with
// h, w > 0 -> [N, height, width]. The values are not normalised again: the
// largest may be below that of `maps`. No gradient. Throws c10::Error for other
// shapes.
at::Tensor UpsampleMaps(const at::Tensor& maps, int64_t height, int64_t width);

}  // namespace wsol

#endif  // WSOL_CAM_CAM_H_
