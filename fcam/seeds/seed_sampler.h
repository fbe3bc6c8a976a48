// Pixel-wise pseudo labels ("seeds") of one image from its class activation
// map: a few pixels of strong activation are called foreground, a few of weak
// activation background, everything else is ignored.
//
//   vision::Rng rng(seed, {epoch, sample_index});
//   std::vector<int64_t> labels(height * width);
//   SampleSeeds(cam, height, width, options, rng, absl::MakeSpan(labels));
//
// For a batch of tensors use seed_batch.h.

#ifndef FCAM_SEEDS_SEED_SAMPLER_H_
#define FCAM_SEEDS_SEED_SAMPLER_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "vision/base/rng.h"

namespace fcam {

// Where seeds may lie.
enum class SeedRegion {
  // Foreground: above Otsu's threshold, eroded. Background: the share
  // background_fraction of lowest activation. As published.
  kEroded,
  // Foreground: above Li's minimum cross-entropy threshold, started from Otsu's
  // (li_threshold.h). Background: all the rest. No erosion, no share.
  kAdaptive,
  // Foreground: the fixed_foreground cells of highest activation. Background:
  // the fixed_background cells of lowest. A cell is a square of cell_side
  // pixels, its activation the mean.
  kFixedSize,
};

// How pixels are drawn from the regions, always without replacement.
enum class SeedSampling {
  // Each with the same probability. As published.
  kUniform,
  // One after the other, each time with probability proportional to the
  // activation in the foreground and to 1 - activation in the background.
  // Pixels of weight 0 are drawn, uniformly, only when no other is left.
  kWeighted,
};

// "eroded", "adaptive", "fixed"; "uniform", "weighted". kInvalidArgument lists
// these names.
absl::StatusOr<SeedRegion> ParseSeedRegion(absl::string_view name);
absl::string_view SeedRegionName(SeedRegion region);
absl::StatusOr<SeedSampling> ParseSeedSampling(absl::string_view name);
absl::string_view SeedSamplingName(SeedSampling sampling);

struct SeedOptions {
  // Pixels drawn from the foreground region, >= 0 (paper: 1).
  int foreground_pixels = 10;
  // Pixels drawn from the background pool, >= 0 (paper: 1).
  int background_pixels = 10;
  // Side in pixels of the square that each drawn pixel labels; 1 is the pixel
  // alone (paper: 3).
  int dilation = 1;
  // Share of the image's pixels, those of lowest activation, that form the
  // background pool, in [0, 1] (paper: 0.1).
  double background_fraction = 0.2;
  // Side in pixels of the square that erodes the foreground region.
  int erosion_kernel = 11;
  // Erosions; 0 leaves the region as it is, otherwise erosion_kernel > 1.
  int erosion_iterations = 1;
  // Label of the pixels that are neither; not 0 and not 1.
  int64_t ignore_index = -255;
  SeedRegion region = SeedRegion::kEroded;
  SeedSampling sampling = SeedSampling::kUniform;
  // kFixedSize: cells of the regions, >= 0, and the cells' side in pixels,
  // >= 1, those of the right and lower borders may be smaller. With a side
  // above 1, cells are drawn instead of pixels, and one pixel of each.
  int fixed_foreground = 1000;
  int fixed_background = 1000;
  int cell_side = 1;

  absl::Status Validate() const;
};

// Labels of seeds.
inline constexpr int64_t kBackgroundSeed = 0;
inline constexpr int64_t kForegroundSeed = 1;

// The two pools that seeds are drawn from, as row-major pixel indices in
// ascending order; both empty if the map is constant. Cells of kFixedSize are
// given by their upper left pixels.
struct SeedPools {
  std::vector<int32_t> foreground;
  std::vector<int32_t> background;
};

// Returns the pools of a row-major `height` x `width` map with values in [0,
// 1]; NaN counts as 0 and values beyond are clamped.
//
// The map is cut to bytes, floor(255 cam). If they are all equal there are no
// seeds.
//
// kEroded: foreground are the bytes above ForegroundThreshold (otsu.h), eroded
// (erosion.h) unless that leaves nothing, background the
// int(background_fraction * height * width) pixels of smallest value; among
// equal values those of smallest index. kAdaptive and kFixedSize: see
// SeedRegion; ties alike. The regions of kFixedSize overlap where the map is
// small.
//
// NOTE(reference): with bytes of levels 0 and 1 only, the corrected threshold 1
// leaves no foreground, and the published code raises an error. Here the pixels
// of level 1 are then the foreground: Otsu's own threshold, 0.
SeedPools FindSeedPools(absl::Span<const float> cam, int height, int width,
                        const SeedOptions& options);
SeedPools FindSeedPools(absl::Span<const double> cam, int height, int width,
                        const SeedOptions& options);

// Draws min(n, pool) distinct pixels from each pool as options.sampling says,
// foreground first, dilates each by the square, and writes kForegroundSeed,
// kBackgroundSeed or, where neither or both apply, options.ignore_index into
// the height * width `labels`.
//
// Deterministic in `rng`'s position. `options` must be valid. Thread-safe.
// Cost O(height * width + drawn * dilation^2); not differentiable.
//
// Source: Belharbi et al., F-CAM, WACV 2022, section 3 (stochastic sampling of
// pseudo-labels); background pool and erosion as published with it. Weighted
// draws: Efraimidis and Spirakis, Weighted random sampling with a reservoir,
// 2006.
void SampleSeeds(absl::Span<const float> cam, int height, int width,
                 const SeedOptions& options, vision::Rng& rng,
                 absl::Span<int64_t> labels);
void SampleSeeds(absl::Span<const double> cam, int height, int width,
                 const SeedOptions& options, vision::Rng& rng,
                 absl::Span<int64_t> labels);

}  // namespace fcam

#endif  // FCAM_SEEDS_SEED_SAMPLER_H_
