#include "wsol/metrics/classification_evaluator.h"

#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace wsol {

absl::StatusOr<int> RankOfClass(absl::Span<const float> scores, int label) {
  if (label < 0 || static_cast<size_t>(label) >= scores.size()) {
    return absl::InvalidArgumentError(absl::StrCat("label: got ", label,
                                                   ", expected a class in [0, ",
                                                   scores.size(), ")"));
  }
  const size_t truth = static_cast<size_t>(label);
  int rank = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat("score of class ", i, ": got NaN, expected a number"));
    }
    rank +=
        scores[i] > scores[truth] || (scores[i] == scores[truth] && i < truth);
  }
  return rank;
}

absl::Status ClassificationEvaluator::Accumulate(int true_class_rank) {
  if (true_class_rank < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("rank of the true class: got ", true_class_rank,
                     ", expected 0 or more"));
  }
  ++num_images_;
  num_top1_ += true_class_rank < 1;
  num_top5_ += true_class_rank < 5;
  return absl::OkStatus();
}

void ClassificationEvaluator::Merge(const ClassificationEvaluator& other) {
  num_images_ += other.num_images_;
  num_top1_ += other.num_top1_;
  num_top5_ += other.num_top5_;
}

absl::StatusOr<ClassificationMetrics> ClassificationEvaluator::Compute() const {
  if (num_images_ == 0) {
    return absl::FailedPreconditionError(
        "classification accuracy: got no image, expected at least one");
  }
  const double images = static_cast<double>(num_images_);
  ClassificationMetrics metrics;
  metrics.num_images = num_images_;
  metrics.num_top1 = num_top1_;
  metrics.num_top5 = num_top5_;
  metrics.top1_accuracy = 100.0 * static_cast<double>(num_top1_) / images;
  metrics.top5_accuracy = 100.0 * static_cast<double>(num_top5_) / images;
  return metrics;
}

}  // namespace wsol
