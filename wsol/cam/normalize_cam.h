// Min-max normalisation of maps, with a policy for maps that have no contrast.
//
//   const wsol::NormalizedMaps cams = wsol::NormalizeMaps(raw);   // [N, h, w]

#ifndef WSOL_CAM_NORMALIZE_CAM_H_
#define WSOL_CAM_NORMALIZE_CAM_H_

#include <cstdint>

#include "ATen/core/Tensor.h"

namespace wsol {

struct NormalizedMaps {
  // As the input, in [0, 1]; the largest value of each map is 1, the smallest
  // 0, but for the maps counted below, which are 0 everywhere.
  at::Tensor maps;
  // Maps with one value only.
  int64_t num_constant = 0;
  // Maps with a NaN or an infinity.
  int64_t num_not_finite = 0;
};

// Normalises each map of `maps`, [..., h, w] float with h, w > 0, by itself:
//   map -= min(map); map /= max(map).
// The input is not modified; no gradient. Counting waits for the result on a
// GPU. Throws c10::Error for less than two axes or empty maps.
NormalizedMaps NormalizeMaps(const at::Tensor& maps);

}  // namespace wsol

#endif  // WSOL_CAM_NORMALIZE_CAM_H_
