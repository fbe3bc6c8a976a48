// Li's minimum cross-entropy threshold of a byte image, from a first guess.
//
//   const ByteHistogram histogram = CountBytes(bytes);
//   const int threshold = LiThreshold(histogram, OtsuThreshold(histogram));
//   const bool foreground = bytes[i] > threshold;

#ifndef FCAM_SEEDS_LI_THRESHOLD_H_
#define FCAM_SEEDS_LI_THRESHOLD_H_

#include "fcam/seeds/otsu.h"

namespace fcam {

// The cross entropy between a byte image and the image that has the mean level
// of its class everywhere, for the classes {<= threshold} and {> threshold}:
//   sum over the pixels of g log(g / mean of g's class),  0 log 0 = 0,
// in nats; a class without pixels adds nothing.
double ThresholdCrossEntropy(const ByteHistogram& histogram, int threshold);

// Iterates Li and Tam's equation,
//   t <- (m2 - m1) / (log m2 - log m1),
// m1 and m2 the mean levels of {<= t} and {> t}, from t = `initial` until the
// classes stay as they are, and returns floor(t). No step makes the cross
// entropy larger, so the result is a local minimum (C. H. Li, P. K. S. Tam, An
// iterative algorithm for minimum cross entropy thresholding, Pattern
// Recognition Letters 1998). It is below Otsu's threshold where the foreground
// is a long tail. m1 = 0 gives t = 0. Where a class is empty, `initial` is
// returned. O(256) a step, at most 256 steps, usually 3 to 10.
int LiThreshold(const ByteHistogram& histogram, int initial);

}  // namespace fcam

#endif  // FCAM_SEEDS_LI_THRESHOLD_H_
