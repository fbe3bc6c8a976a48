// Classification accuracy, Top-1 and Top-5.
//
//   wsol::ClassificationEvaluator evaluator;
//   VISION_ASSIGN_OR_RETURN(const int rank, wsol::RankOfClass(logits, label));
//   VISION_RETURN_IF_ERROR(evaluator.Accumulate(rank, label));
//   VISION_ASSIGN_OR_RETURN(const auto metrics, evaluator.Compute());

#ifndef WSOL_METRICS_CLASSIFICATION_EVALUATOR_H_
#define WSOL_METRICS_CLASSIFICATION_EVALUATOR_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace wsol {

// The position of class `label` when classes are sorted by falling score,
// equal scores by rising class: 0 for the first. kInvalidArgument if the label
// is not in [0, scores.size()) or a score is NaN. O(classes).
absl::StatusOr<int> RankOfClass(absl::Span<const float> scores, int label);

// Images, and those whose true class is ranked first or among the first five.
struct ClassificationCounts {
  int64_t num_images = 0;
  int64_t num_top1 = 0;
  int64_t num_top5 = 0;
};

struct ClassificationMetrics {
  int64_t num_images = 0;
  int64_t num_top1 = 0;
  int64_t num_top5 = 0;
  double top1_accuracy = 0;  // Percent.
  double top5_accuracy = 0;  // Percent.

  // The same counts by true class, of images that had one.
  std::map<int, ClassificationCounts> by_class;
};

// Counts images by the rank of their true class. Not thread-safe: use one per
// thread and Merge them.
class ClassificationEvaluator {
 public:
  // `label` is the true class, -1 if unknown. kInvalidArgument for a negative
  // rank or a label below -1.
  absl::Status Accumulate(int true_class_rank, int label = -1);

  void Merge(const ClassificationEvaluator& other);

  // kFailedPrecondition without any image.
  absl::StatusOr<ClassificationMetrics> Compute() const;

  // The counts, for Parse in another process; kDataLoss if bytes are damaged.
  std::string Serialize() const;
  static absl::StatusOr<ClassificationEvaluator> Parse(absl::string_view bytes);

  int64_t num_images() const { return all_.num_images; }

 private:
  ClassificationCounts all_;
  std::map<int, ClassificationCounts> by_class_;
};

}  // namespace wsol

#endif  // WSOL_METRICS_CLASSIFICATION_EVALUATOR_H_
