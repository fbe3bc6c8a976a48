// Classification accuracy, Top-1 and Top-5.
//
//   wsol::ClassificationEvaluator evaluator;
//   VISION_ASSIGN_OR_RETURN(const int rank, wsol::RankOfClass(logits, label));
//   VISION_RETURN_IF_ERROR(evaluator.Accumulate(rank));
//   VISION_ASSIGN_OR_RETURN(const auto metrics, evaluator.Compute());

#ifndef WSOL_METRICS_CLASSIFICATION_EVALUATOR_H_
#define WSOL_METRICS_CLASSIFICATION_EVALUATOR_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace wsol {

// The position of class `label` when classes are sorted by falling score,
// equal scores by rising class: 0 for the first. kInvalidArgument if the label
// is not in [0, scores.size()) or a score is NaN. O(classes).
absl::StatusOr<int> RankOfClass(absl::Span<const float> scores, int label);

struct ClassificationMetrics {
  int64_t num_images = 0;
  int64_t num_top1 = 0;
  int64_t num_top5 = 0;
  double top1_accuracy = 0;  // Percent.
  double top5_accuracy = 0;  // Percent.
};

// Counts images by the rank of their true class. Not thread-safe: use one per
// thread and Merge them.
class ClassificationEvaluator {
 public:
  // kInvalidArgument for a negative rank.
  absl::Status Accumulate(int true_class_rank);

  void Merge(const ClassificationEvaluator& other);

  // kFailedPrecondition without any image.
  absl::StatusOr<ClassificationMetrics> Compute() const;

 private:
  int64_t num_images_ = 0;
  int64_t num_top1_ = 0;
  int64_t num_top5_ = 0;
};

}  // namespace wsol

#endif  // WSOL_METRICS_CLASSIFICATION_EVALUATOR_H_
