// Geodesic erosion of a binary map by a square.
//
//   ErodeUnlessEmpty(height, width, /*kernel=*/11, /*iterations=*/1,
//                    absl::MakeSpan(map));

#ifndef FCAM_SEEDS_EROSION_H_
#define FCAM_SEEDS_EROSION_H_

#include <cstdint>

#include "absl/types/span.h"

namespace fcam {

// Erodes the row-major `height` x `width` map of 0 and 1 by a full square of
// `kernel` pixels, once: a pixel stays 1 when every pixel of the image inside
// the window [x - kernel / 2, x + kernel - 1 - kernel / 2] (rows alike) is 1.
// Pixels outside the image do not erode. `map` and `eroded` have height * width
// elements and may be the same. Cost O(height * width) for any kernel, by
// running counts, rows first and columns then.
void Erode(absl::Span<const uint8_t> map, int height, int width, int kernel,
           absl::Span<uint8_t> eroded);

// Erodes `map` in place `iterations` times, but stops before an erosion that
// would leave no pixel. Returns the number of erosions done.
int ErodeUnlessEmpty(int height, int width, int kernel, int iterations,
                     absl::Span<uint8_t> map);

}  // namespace fcam

#endif  // FCAM_SEEDS_EROSION_H_
