// Resampling of images with replacement (Efron's bootstrap), counter-based: the
// same for any number of threads.
//
//   wsol::BootstrapOptions options;
//   const std::vector<std::vector<int64_t>> sums =
//       wsol::BootstrapSums(columns, options);

#ifndef WSOL_RESULTS_BOOTSTRAP_H_
#define WSOL_RESULTS_BOOTSTRAP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace wsol {

struct BootstrapOptions {
  int64_t num_resamples = 10000;
  uint64_t seed = 0;
  int num_threads = 1;
  // Of the intervals, in (0, 1).
  double confidence = 0.95;

  absl::Status Validate() const;
};

// How often each of `num_images` images is drawn in resample number r: a
// function of the seed, r and num_images alone.
std::vector<uint32_t> ResampleCounts(uint64_t seed, int64_t r,
                                     size_t num_images);

// Sums over the images of each resample: result[r][c] = sum over draws i of
// columns[c][i]. All columns see the same draws, which is what makes
// comparisons paired; they are of equal length, at least 1. O(resamples *
// images) draws; 50,000 images and 40 columns take a few seconds.
std::vector<std::vector<int64_t>> BootstrapSums(
    const std::vector<std::vector<bool>>& columns,
    const BootstrapOptions& options);

// The same for columns of counts.
std::vector<std::vector<int64_t>> BootstrapSums(
    const std::vector<std::vector<int64_t>>& columns,
    const BootstrapOptions& options);

// The interval that holds the middle `confidence` of `values` (percentile
// method), which are sorted in place; linear interpolation between neighbours.
struct Interval {
  double low = 0;
  double high = 0;
};
Interval PercentileInterval(absl::Span<double> values, double confidence);

}  // namespace wsol

#endif  // WSOL_RESULTS_BOOTSTRAP_H_
