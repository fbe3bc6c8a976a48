#include "wsol/metrics/box_evaluator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

using CountTable = std::vector<std::vector<int64_t>>;

void AddCounts(const CountTable& from, CountTable* to) {
  for (size_t i = 0; i < from.size(); ++i) {
    for (size_t t = 0; t < from[i].size(); ++t) (*to)[i][t] += from[i][t];
  }
}

double Percent(int64_t count, int64_t total) {
  return 100.0 * static_cast<double>(count) / static_cast<double>(total);
}

}  // namespace

absl::Status BoxEvaluatorOptions::Validate() const {
  VISION_RETURN_IF_ERROR(ValidateTauInterval(tau_interval));
  bool has_50 = false;
  for (size_t i = 0; i < iou_percents.size(); ++i) {
    const int iou = iou_percents[i];
    has_50 |= iou == 50;
    if (iou < 1 || iou > 100 || (i > 0 && iou <= iou_percents[i - 1])) {
      return absl::InvalidArgumentError(
          absl::StrCat("iou_percents: got ", absl::StrJoin(iou_percents, ", "),
                       ", expected rising numbers in [1, 100]"));
    }
  }
  if (!has_50) {
    return absl::InvalidArgumentError(
        absl::StrCat("iou_percents: got ", absl::StrJoin(iou_percents, ", "),
                     ", expected 50 among them, which MaxBoxAcc needs"));
  }
  return absl::OkStatus();
}

std::vector<double> BoxAccuracy::AccuracyCurve(int64_t num_images) const {
  std::vector<double> curve;
  curve.reserve(correct.size());
  for (const int64_t count : correct) {
    curve.push_back(Percent(count, num_images));
  }
  return curve;
}

const std::vector<BoxAccuracy>& BoxMetrics::ByIou(BoxMode mode) const {
  return mode == BoxMode::kLargestContour ? largest_contour : all_contours;
}

const BoxAccuracy* BoxMetrics::Find(BoxMode mode, int iou_percent) const {
  for (const BoxAccuracy& accuracy : ByIou(mode)) {
    if (accuracy.iou_percent == iou_percent) return &accuracy;
  }
  return nullptr;
}

absl::StatusOr<BoxEvaluator> BoxEvaluator::Create(BoxEvaluatorOptions options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  return BoxEvaluator(std::move(options));
}

BoxEvaluator::BoxEvaluator(BoxEvaluatorOptions options)
    : options_(std::move(options)), taus_(TauList(options_.tau_interval)) {
  const CountTable zeros(options_.iou_percents.size(),
                         std::vector<int64_t>(taus_.size(), 0));
  largest_contour_ = all_contours_ = {zeros, zeros, zeros};
}

absl::Status BoxEvaluator::Accumulate(const cv::Mat& map,
                                      absl::Span<const vision::Box> truth,
                                      std::optional<int> true_class_rank) {
  VISION_RETURN_IF_ERROR(CheckFrameScoreMap(map));
  if (truth.empty()) {
    return absl::InvalidArgumentError(
        "ground-truth boxes: got none, expected at least one");
  }
  for (const vision::Box& box : truth) {
    if (box.IsEmpty() || box.x0 < 0 || box.y0 < 0) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "ground-truth box: got [%d, %d) x [%d, %d), expected 0 <= x0 < x1 "
          "and 0 <= y0 < y1",
          box.x0, box.x1, box.y0, box.y1));
    }
  }
  if (true_class_rank.has_value() && *true_class_rank < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("rank of the true class: got ", *true_class_rank,
                     ", expected 0 or more"));
  }
  if (num_images_ > 0 && true_class_rank.has_value() != (num_ranked_ > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("rank of the true class: ",
                     true_class_rank.has_value() ? "got" : "missing",
                     " for this image, expected it for all images or none"));
  }
  sweep_.Run(QuantizeScoreMap(map), truth);
  Count(BoxMode::kLargestContour, true_class_rank);
  Count(BoxMode::kAllContours, true_class_rank);
  ++num_images_;
  num_ranked_ += true_class_rank.has_value();
  return absl::OkStatus();
}

void BoxEvaluator::Count(BoxMode mode, std::optional<int> true_class_rank) {
  const bool is_largest = mode == BoxMode::kLargestContour;
  Counts& counts = is_largest ? largest_contour_ : all_contours_;
  const bool is_top1 = true_class_rank.has_value() && *true_class_rank < 1;
  const bool is_top5 = true_class_rank.has_value() && *true_class_rank < 5;
  for (size_t t = 0; t < taus_.size(); ++t) {
    const int level = LevelOfTau(taus_[t], sweep_.max_byte());
    const double iou =
        is_largest ? sweep_.LargestContourIou(level) : sweep_.BestIou(level);
    for (size_t i = 0; i < options_.iou_percents.size(); ++i) {
      if (iou < options_.iou_percents[i] / 100.0) break;  // They rise.
      ++counts.correct[i][t];
      counts.top1_correct[i][t] += is_top1;
      counts.top5_correct[i][t] += is_top5;
    }
  }
}

absl::Status BoxEvaluator::Merge(const BoxEvaluator& other) {
  if (options_.tau_interval != other.options_.tau_interval ||
      options_.iou_percents != other.options_.iou_percents) {
    return absl::InvalidArgumentError(
        absl::StrCat("merge of box evaluators: got tau_interval ",
                     other.options_.tau_interval, " and iou_percents ",
                     absl::StrJoin(other.options_.iou_percents, ", "),
                     ", expected ", options_.tau_interval, " and ",
                     absl::StrJoin(options_.iou_percents, ", ")));
  }
  if (num_images_ > 0 && other.num_images_ > 0 &&
      (num_ranked_ > 0) != (other.num_ranked_ > 0)) {
    return absl::InvalidArgumentError(
        "merge of box evaluators: expected class ranks in both or in none");
  }
  const auto add = [](const Counts& from, Counts* to) {
    AddCounts(from.correct, &to->correct);
    AddCounts(from.top1_correct, &to->top1_correct);
    AddCounts(from.top5_correct, &to->top5_correct);
  };
  add(other.largest_contour_, &largest_contour_);
  add(other.all_contours_, &all_contours_);
  num_images_ += other.num_images_;
  num_ranked_ += other.num_ranked_;
  return absl::OkStatus();
}

absl::StatusOr<BoxMetrics> BoxEvaluator::Compute() const {
  if (num_images_ == 0) {
    return absl::FailedPreconditionError(
        "box metrics: got no image, expected at least one");
  }
  BoxMetrics metrics;
  metrics.num_images = num_images_;
  metrics.taus = taus_;
  metrics.largest_contour = ComputeMode(largest_contour_);
  metrics.all_contours = ComputeMode(all_contours_);
  metrics.max_box_acc =
      metrics.Find(BoxMode::kLargestContour, 50)->max_accuracy;
  for (const BoxAccuracy& accuracy : metrics.all_contours) {
    metrics.max_box_acc_v2 += accuracy.max_accuracy;
  }
  metrics.max_box_acc_v2 /= static_cast<double>(metrics.all_contours.size());
  return metrics;
}

std::vector<BoxAccuracy> BoxEvaluator::ComputeMode(const Counts& counts) const {
  const auto max_percent = [this](const std::vector<int64_t>& count) {
    return Percent(*std::max_element(count.begin(), count.end()), num_images_);
  };
  std::vector<BoxAccuracy> result;
  for (size_t i = 0; i < options_.iou_percents.size(); ++i) {
    BoxAccuracy accuracy;
    accuracy.iou_percent = options_.iou_percents[i];
    accuracy.correct = counts.correct[i];
    accuracy.max_accuracy = max_percent(accuracy.correct);
    accuracy.best_tau_index = static_cast<size_t>(
        std::max_element(accuracy.correct.begin(), accuracy.correct.end()) -
        accuracy.correct.begin());
    accuracy.best_tau = taus_[accuracy.best_tau_index];
    if (num_ranked_ > 0) {
      accuracy.top1_correct = counts.top1_correct[i];
      accuracy.top5_correct = counts.top5_correct[i];
      accuracy.top1_localization = max_percent(accuracy.top1_correct);
      accuracy.top5_localization = max_percent(accuracy.top5_correct);
    }
    result.push_back(std::move(accuracy));
  }
  return result;
}

}  // namespace wsol
