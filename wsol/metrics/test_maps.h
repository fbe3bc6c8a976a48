// Score maps as bytes: what evaluators meet in practice and what breaks them.
// For tests and benchmarks.
//
//   vision::Rng rng(seed);
//   cv::Mat bytes = wsol::MakeTestMap(wsol::TestMapKind::kNoise, 48, 32, rng);

#ifndef WSOL_METRICS_TEST_MAPS_H_
#define WSOL_METRICS_TEST_MAPS_H_

#include <string>
#include <vector>

#include "opencv2/core/mat.hpp"
#include "vision/base/rng.h"

namespace wsol {

enum class TestMapKind {
  kSmooth7,       // A random 7 x 7 CAM with an object, upsampled bicubically.
  kSmooth28,      // The same, 28 x 28.
  kBilinear,      // A random 7 x 7 map without an object, bilinearly.
  kBlocks,        // Random blocks of 16 x 16 pixels at 224: nearest upsampling.
  kDecoder,       // A soft object with noise of three scales.
  kNoisyDecoder,  // The same, four times as noisy.
  kSaturated,     // A decoder map with flat zeros and ones.
  kNoise,         // White noise.
  kBinary,        // Two levels, any density.
  kFewLevels,     // Noise of two to five levels.
  kWeak,          // Noise of a few levels near zero.
  kPlateaus,      // A smooth map posterised.
  kClipped,       // A smooth map with flat zeros and ones.
  kNoisyRamp,     // A ramp with noise.
  kFineBlocks,    // Random blocks of 2 x 2 pixels.
  kRings,         // Concentric rings.
  kFrames,        // Nested rectangles' outlines: holes, islands in them.
  kRectangles,    // A sum of rectangles.
  kCheckerboard,  // 8-connected diagonals of one level.
  kNoisyChecks,   // The same of many levels.
  kDots,          // Isolated pixels: all contour areas tie at zero.
  kTies,          // Equal squares: areas tie above zero.
  kDiamonds,      // Outlines whose inner and outer contours have one area.
  kDiagonals,     // Thin diagonal lines.
  kSpiral,        // A corridor with high walls, entered from the border.
  kComb,          // One long path between walls.
  kSawtooth,      // All levels in stripes.
  kConstant,      // One level.
  kOnePixel,      // One pixel that is not zero.
  kZeros,
};

const std::vector<TestMapKind>& AllTestMapKinds();

// "Smooth7" for kSmooth7.
std::string TestMapKindName(TestMapKind kind);

// A map of this kind, [height, width] CV_8UC1; any size from 1 x 1.
cv::Mat MakeTestMap(TestMapKind kind, int width, int height, vision::Rng& rng);

}  // namespace wsol

#endif  // WSOL_METRICS_TEST_MAPS_H_
