// Small results for tests: four images of 224 x 224 pixels and two classes.

#ifndef WSOL_RESULTS_SAMPLE_RESULTS_H_
#define WSOL_RESULTS_SAMPLE_RESULTS_H_

#include "wsol/results/evaluation_results.h"

namespace wsol {

// Boxes: the score is `score` in the left half of each image and 0 elsewhere;
// the true box is the left half of images a and b (of class 0),
// and a corner on the right of c and d. Images a and c are classified right.
EvaluationResults SampleBoxResults(double score = 1);

// Masks: the same map; the left half is foreground in a and b, the upper
// quarter in c and d.
EvaluationResults SampleMaskResults(double score = 1);

}  // namespace wsol

#endif  // WSOL_RESULTS_SAMPLE_RESULTS_H_
