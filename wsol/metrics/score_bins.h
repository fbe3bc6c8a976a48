// The protocol's bins of scores, and fast exact counting into them.
//
//   const wsol::ScoreBins bins(0.001);
//   wsol::PixelCounts counts(bins.num_bins());
//   bins.Count(scores, labels, n, &counts);

#ifndef WSOL_METRICS_SCORE_BINS_H_
#define WSOL_METRICS_SCORE_BINS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "wsol/metrics/mask_histogram.h"

namespace wsol {

// Bins [tau_i, tau_i+1) with 1 after the last tau, then [1, 2) and [2, 3].
class ScoreBins {
 public:
  // `tau_interval` must be valid (ValidateTauInterval).
  explicit ScoreBins(double tau_interval);

  // All tau, then 1, 2, 3.
  const std::vector<double>& edges() const { return edges_; }
  size_t num_bins() const { return edges_.size() - 1; }

  // The bin of a score in [0, 1], by comparison with the edges themselves.
  size_t Find(double score) const;

  // Counts `n` pixels with scores in [0, 1] by label: kForegroundLabel,
  // kBackgroundLabel; others are left out. The same as Find for each, at more
  // than 200 million pixels a second. Not thread-safe (keeps buffers).
  void Count(const double* scores, const uint8_t* labels, size_t n,
             PixelCounts* counts);

 private:
  void Flush(PixelCounts* counts);

  std::vector<double> edges_;
  size_t last_tau_;
  double tau_interval_;
  double taus_per_unit_;
  // Two tables of foreground bins, background bins and one for ignored pixels,
  // of the pixels since the last flush.
  std::vector<uint32_t> tables_;
  uint64_t unflushed_ = 0;
};

}  // namespace wsol

#endif  // WSOL_METRICS_SCORE_BINS_H_
