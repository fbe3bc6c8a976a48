// Images, maps and the error measure of this package's tests and benchmarks.

#ifndef VISION_CRF_TEST_IMAGES_H_
#define VISION_CRF_TEST_IMAGES_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace vision {

enum class TestImage {
  kNatural,   // Slow waves, soft-edged discs of other colours, sensor noise.
  kTextured,  // The same with stripes and more noise.
  kNoise,     // Independent bytes: the most colours there can be.
  kConstant,
};

// A planar RGB image, [3, height, width], of integers 0..255.
std::vector<float> MakeTestImage(TestImage kind, int height, int width,
                                 uint64_t seed);

// [channels, height, width] in [0, 1], the sum over channels being 1. For two
// channels background and foreground of a blurred disc, as F-CAM's maps look
// like; else independent noise.
std::vector<float> MakeTestMaps(int channels, int height, int width,
                                uint64_t seed);

// |actual - expected| / |expected| in the Euclidean norm.
double RelativeL2Error(absl::Span<const float> actual,
                       absl::Span<const double> expected);

}  // namespace vision

#endif  // VISION_CRF_TEST_IMAGES_H_
