// Otsu's threshold of a byte image: the level that best splits its histogram in
// two classes.
//
//   const int threshold = OtsuThreshold(CountBytes(bytes));
//   const bool foreground = bytes[i] > threshold;

#ifndef FCAM_SEEDS_OTSU_H_
#define FCAM_SEEDS_OTSU_H_

#include <array>
#include <cstdint>

#include "absl/types/span.h"

namespace fcam {

// Number of pixels of each level 0..255.
using ByteHistogram = std::array<int64_t, 256>;

// Counts the levels. O(number of bytes).
ByteHistogram CountBytes(absl::Span<const uint8_t> bytes);

// Returns the level i, from the smallest that occurs to the one before the
// largest, that maximises the between-class variance
//   w1 w2 (m1 - m2)^2
// of the classes {<= i} and {> i} (w: pixels, m: mean level); the first of
// several maxima (N. Otsu, A threshold selection method from gray-level
// histograms, 1979). A histogram with fewer than two levels has no split: the
// one level that occurs, or 0 if it is empty. O(256).
int OtsuThreshold(const ByteHistogram& histogram);

// The threshold used for foreground regions: Otsu's, moved off the ends of the
// range, 0 to 1 and 255 to 254, so that neither class is everything a map
// saturates to. Foreground is what lies strictly above it.
int ForegroundThreshold(const ByteHistogram& histogram);

}  // namespace fcam

#endif  // FCAM_SEEDS_OTSU_H_
