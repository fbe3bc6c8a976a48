#include "fcam/seeds/otsu.h"

namespace fcam {

ByteHistogram CountBytes(absl::Span<const uint8_t> bytes) {
  // Four partial histograms: equal neighbours, which flat maps are full of,
  // would otherwise wait for each other's increments.
  std::array<std::array<int64_t, 256>, 4> partial = {};
  const size_t whole = bytes.size() / 4 * 4;
  for (size_t i = 0; i < whole; i += 4) {
    ++partial[0][bytes[i]];
    ++partial[1][bytes[i + 1]];
    ++partial[2][bytes[i + 2]];
    ++partial[3][bytes[i + 3]];
  }
  for (size_t i = whole; i < bytes.size(); ++i) ++partial[0][bytes[i]];
  ByteHistogram histogram;
  for (int level = 0; level < 256; ++level) {
    histogram[level] = partial[0][level] + partial[1][level] +
                       partial[2][level] + partial[3][level];
  }
  return histogram;
}

int OtsuThreshold(const ByteHistogram& histogram) {
  int first = 0;
  while (first < 255 && histogram[first] == 0) ++first;
  int last = 255;
  while (last > first && histogram[last] == 0) --last;
  if (histogram[first] == 0) return 0;

  int64_t total_weight = 0;
  int64_t total_sum = 0;
  for (int level = first; level <= last; ++level) {
    total_weight += histogram[level];
    total_sum += histogram[level] * level;
  }
  int64_t weight = 0;
  int64_t sum = 0;
  int best = first;
  double best_variance = -1;
  for (int level = first; level < last; ++level) {
    weight += histogram[level];
    sum += histogram[level] * level;
    // Both classes are populated: level is in [first, last).
    const double w1 = static_cast<double>(weight);
    const double w2 = static_cast<double>(total_weight - weight);
    const double difference = static_cast<double>(sum) / w1 -
                              static_cast<double>(total_sum - sum) / w2;
    const double variance = w1 * w2 * (difference * difference);
    if (variance > best_variance) {
      best_variance = variance;
      best = level;
    }
  }
  return best;
}

int ForegroundThreshold(const ByteHistogram& histogram) {
  const int threshold = OtsuThreshold(histogram);
  if (threshold == 0) return 1;
  if (threshold == 255) return 254;
  return threshold;
}

}  // namespace fcam
