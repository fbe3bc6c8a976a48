// The training of adversarial complementary learning (ACoL).
//
// Zhang et al., CVPR 2018, sec. 3.2: the sum of the cross entropies of two
// branches, the second of which reads features without the region that the
// first finds for the true class. The branches and their maps are the pooling
// head "ACoL", wsol/pooling/acol.h.

#ifndef WSOL_BASELINES_ADVERSARIAL_COMPLEMENTARY_H_
#define WSOL_BASELINES_ADVERSARIAL_COMPLEMENTARY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"

namespace wsol {

// The method "ACoL"; values "loss_a" and "loss_b" beside the accuracy of branch
// A. kInvalidArgument unless the classifier's head is an AcolHead.
absl::StatusOr<std::unique_ptr<TrainingMethod>> MakeAdversarialComplementary(
    const TrainingMethodOptions& options, Classifier& classifier);

}  // namespace wsol

#endif  // WSOL_BASELINES_ADVERSARIAL_COMPLEMENTARY_H_
