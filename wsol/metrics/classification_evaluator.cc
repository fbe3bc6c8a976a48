#include "wsol/metrics/classification_evaluator.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/state_codec.h"

namespace wsol {
namespace {

constexpr char kStateTag[] = "CLS1";

void Add(const ClassificationCounts& from, ClassificationCounts* to) {
  to->num_images += from.num_images;
  to->num_top1 += from.num_top1;
  to->num_top5 += from.num_top5;
}

}  // namespace

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

absl::Status ClassificationEvaluator::Accumulate(int true_class_rank,
                                                 int label) {
  if (true_class_rank < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("rank of the true class: got ", true_class_rank,
                     ", expected 0 or more"));
  }
  if (label < -1) {
    return absl::InvalidArgumentError(
        absl::StrCat("label: got ", label, ", expected -1 or more"));
  }
  const ClassificationCounts one = {1, true_class_rank < 1,
                                    true_class_rank < 5};
  Add(one, &all_);
  if (label >= 0) Add(one, &by_class_[label]);
  return absl::OkStatus();
}

void ClassificationEvaluator::Merge(const ClassificationEvaluator& other) {
  Add(other.all_, &all_);
  for (const auto& [label, counts] : other.by_class_) {
    Add(counts, &by_class_[label]);
  }
}

absl::StatusOr<ClassificationMetrics> ClassificationEvaluator::Compute() const {
  if (all_.num_images == 0) {
    return absl::FailedPreconditionError(
        "classification accuracy: got no image, expected at least one");
  }
  const double images = static_cast<double>(all_.num_images);
  ClassificationMetrics metrics;
  metrics.num_images = all_.num_images;
  metrics.num_top1 = all_.num_top1;
  metrics.num_top5 = all_.num_top5;
  metrics.top1_accuracy = 100.0 * static_cast<double>(all_.num_top1) / images;
  metrics.top5_accuracy = 100.0 * static_cast<double>(all_.num_top5) / images;
  metrics.by_class = by_class_;
  return metrics;
}

std::string ClassificationEvaluator::Serialize() const {
  StateWriter writer(kStateTag);
  const auto put = [&writer](int64_t label, const ClassificationCounts& c) {
    writer.PutCounts({label, c.num_images, c.num_top1, c.num_top5});
  };
  put(-1, all_);
  writer.PutUnsigned(by_class_.size());
  for (const auto& [label, counts] : by_class_) put(label, counts);
  return std::move(writer).Finish();
}

absl::StatusOr<ClassificationEvaluator> ClassificationEvaluator::Parse(
    absl::string_view bytes) {
  VISION_ASSIGN_OR_RETURN(StateReader reader,
                          StateReader::Open(bytes, kStateTag));
  ClassificationEvaluator evaluator;
  const auto get = [&reader](int64_t* label, ClassificationCounts* counts) {
    const std::vector<int64_t> values = reader.GetCounts();
    if (values.size() != 4) return false;
    *label = values[0];
    *counts = {values[1], values[2], values[3]};
    return values[2] >= 0 && values[2] <= values[3] && values[3] <= values[1];
  };
  int64_t label = 0;
  bool is_valid = get(&label, &evaluator.all_);
  const uint64_t num_classes = reader.GetUnsigned();
  for (uint64_t i = 0; i < num_classes && is_valid; ++i) {
    ClassificationCounts counts;
    is_valid = get(&label, &counts) && label >= 0 &&
               label <= std::numeric_limits<int>::max();
    if (is_valid) evaluator.by_class_[static_cast<int>(label)] = counts;
  }
  if (!is_valid) {
    return absl::InvalidArgumentError(
        "state of a classification evaluator: its counts make no sense");
  }
  VISION_RETURN_IF_ERROR(reader.Finish());
  return evaluator;
}

}  // namespace wsol
