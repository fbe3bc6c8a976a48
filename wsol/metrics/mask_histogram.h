// Histograms of the scores of foreground and background pixels, and the same
// of one image packed into few bytes.
//
//   const wsol::MaskHistogram packed(counts);
//   packed.AddTo(&sum);  // All bins.

#ifndef WSOL_METRICS_MASK_HISTOGRAM_H_
#define WSOL_METRICS_MASK_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace wsol {

// Pixels by bin of their score (score_bins.h), one count for each bin.
struct PixelCounts {
  explicit PixelCounts(size_t num_bins = 0)
      : foreground(num_bins, 0), background(num_bins, 0) {}

  std::vector<int64_t> foreground;
  std::vector<int64_t> background;

  void Clear();
  void Add(const PixelCounts& other);
};

// PixelCounts as bytes: of each histogram the gap to the next bin that is not
// empty and its count, as base-128 numbers, up to a gap behind the last bin.
class MaskHistogram {
 public:
  MaskHistogram() = default;
  explicit MaskHistogram(const PixelCounts& counts);

  // Adds the counts; `counts` must have the number of bins it was made with.
  void AddTo(PixelCounts* counts) const;

  const std::string& encoded() const { return encoded_; }

  // kInvalidArgument unless the bytes are a histogram of `num_bins` bins.
  static absl::StatusOr<MaskHistogram> Parse(absl::string_view encoded,
                                             size_t num_bins);

 private:
  std::string encoded_;
};

}  // namespace wsol

#endif  // WSOL_METRICS_MASK_HISTOGRAM_H_
