#include "fcam/seeds/li_threshold.h"

#include <cmath>

namespace fcam {
namespace {

// Pixels and sum of levels of a range of levels.
struct Class {
  double pixels = 0;
  double sum = 0;

  double mean() const { return sum / pixels; }
};

Class Sum(const ByteHistogram& histogram, int first, int last) {
  Class result;
  for (int level = first; level <= last; ++level) {
    const double count = static_cast<double>(histogram[level]);
    result.pixels += count;
    result.sum += count * level;
  }
  return result;
}

}  // namespace

double ThresholdCrossEntropy(const ByteHistogram& histogram, int threshold) {
  double total = 0;
  const Class classes[] = {Sum(histogram, 0, threshold),
                           Sum(histogram, threshold + 1, 255)};
  for (int level = 1; level < 256; ++level) {
    if (histogram[level] == 0) continue;
    const Class& own = classes[level > threshold ? 1 : 0];
    total += static_cast<double>(histogram[level]) * level *
             std::log(level / own.mean());
  }
  return total;
}

int LiThreshold(const ByteHistogram& histogram, int initial) {
  int threshold = initial;
  for (int step = 0; step < 256; ++step) {
    const Class low = Sum(histogram, 0, threshold);
    const Class high = Sum(histogram, threshold + 1, 255);
    if (low.pixels == 0 || high.pixels == 0) return initial;
    // The limit of the equation for a mean of 0. Means are never equal, the
    // lower one is at most `threshold`.
    const double next =
        low.sum == 0 ? 0
                     : (high.mean() - low.mean()) /
                           (std::log(high.mean()) - std::log(low.mean()));
    const int cut = static_cast<int>(next);
    if (cut == threshold) break;
    threshold = cut;
  }
  return threshold;
}

}  // namespace fcam
