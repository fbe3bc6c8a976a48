#include "wsol/metrics/box_evaluator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/image_state.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/metrics/state_codec.h"

namespace wsol {
namespace {

constexpr char kStateTag[] = "BOX1";

using CountTable = std::vector<std::vector<int64_t>>;

void AddCounts(const CountTable& from, CountTable* to) {
  for (size_t i = 0; i < from.size(); ++i) {
    for (size_t t = 0; t < from[i].size(); ++t) (*to)[i][t] += from[i][t];
  }
}

// The sums of the first 1, 2, ... numbers; the last one, behind the last
// threshold, is left out.
std::vector<int64_t> PrefixSums(const std::vector<int64_t>& changes) {
  std::vector<int64_t> sums(changes.size() - 1);
  int64_t sum = 0;
  for (size_t i = 0; i < sums.size(); ++i) sums[i] = sum += changes[i];
  return sums;
}

void AddRuns(const TauRuns& runs, std::vector<int64_t>* changes) {
  for (const auto& run : runs) {
    ++(*changes)[run.first];
    --(*changes)[run.second];
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

const std::vector<int64_t>& BoxAccuracy::Counts(LocalizationKind kind) const {
  return kind == LocalizationKind::kKnownClass ? correct
         : kind == LocalizationKind::kTop1     ? top1_correct
                                               : top5_correct;
}

std::vector<double> BoxAccuracy::AccuracyCurve(int64_t num_images) const {
  std::vector<double> curve;
  curve.reserve(correct.size());
  for (const int64_t count : correct) {
    curve.push_back(Percent(count, num_images));
  }
  return curve;
}

bool BoxImage::IsCorrect(BoxMode mode, size_t iou_index, LocalizationKind kind,
                         size_t tau_index) const {
  const int max_rank = kind == LocalizationKind::kTop1   ? 0
                       : kind == LocalizationKind::kTop5 ? 4
                                                         : -1;
  if (max_rank >= 0 && info.true_class_rank.value_or(max_rank + 1) > max_rank) {
    return false;
  }
  const size_t offset = mode == BoxMode::kAllContours ? correct.size() / 2 : 0;
  return correct.Contains(offset + iou_index, tau_index);
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
    : options_(std::move(options)),
      taus_(TauList(options_.tau_interval)),
      largest_ious_(taus_.size()),
      best_ious_(taus_.size()) {
  const CountTable zeros(options_.iou_percents.size(),
                         std::vector<int64_t>(taus_.size() + 1, 0));
  largest_contour_ = all_contours_ = {zeros, zeros, zeros};
}

absl::Status BoxEvaluator::Accumulate(const cv::Mat& map,
                                      absl::Span<const vision::Box> truth,
                                      std::optional<int> true_class_rank) {
  ImageInfo info;
  info.true_class_rank = true_class_rank;
  return Accumulate(map, truth, info);
}

absl::Status BoxEvaluator::Accumulate(const cv::Mat& map,
                                      absl::Span<const vision::Box> truth,
                                      const ImageInfo& info) {
  const bool is_protocol = options_.mode == EvaluationMode::kProtocol;
  VISION_RETURN_IF_ERROR(is_protocol ? CheckFrameScoreMap(map)
                                     : CheckScoreMap(map));
  if (map.cols > BoxSweep::kMaxSide || map.rows > BoxSweep::kMaxSide) {
    return absl::InvalidArgumentError(absl::StrCat(
        "score map: got ", map.cols, " x ", map.rows,
        " pixels, expected at most ", BoxSweep::kMaxSide, " a side"));
  }
  if (truth.empty()) {
    return absl::InvalidArgumentError(
        "ground-truth boxes: got none, expected at least one");
  }
  for (const vision::Box& box : truth) {
    if (box.IsEmpty() || box.x0 < 0 || box.y0 < 0 ||
        box.x1 > BoxSweep::kMaxSide + 1 || box.y1 > BoxSweep::kMaxSide + 1) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "ground-truth box: got [%d, %d) x [%d, %d), expected 0 <= x0 < x1 "
          "and 0 <= y0 < y1, at most %d",
          box.x0, box.x1, box.y0, box.y1, BoxSweep::kMaxSide + 1));
    }
  }
  const std::optional<int>& rank = info.true_class_rank;
  if (rank.has_value() && *rank < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "rank of the true class: got ", *rank, ", expected 0 or more"));
  }
  if (num_images_ > 0 && rank.has_value() != (num_ranked_ > 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "rank of the true class: ", rank.has_value() ? "got" : "missing",
        " for this image, expected it for all images or none"));
  }
  if (options_.keep_images && info.id.empty()) {
    return absl::InvalidArgumentError(
        "image id: got none, expected one since images are kept");
  }
  if (is_protocol) {
    SweepProtocol(map, truth);
  } else {
    SweepNative(map, truth);
  }
  TauSets sets;
  Count(largest_ious_, &largest_contour_, info, &sets);
  Count(best_ious_, &all_contours_, info, &sets);
  if (options_.keep_images) {
    images_.push_back(
        {info, std::move(sets),
         *std::max_element(largest_ious_.begin(), largest_ious_.end()),
         *std::max_element(best_ious_.begin(), best_ious_.end())});
  }
  ++num_images_;
  num_ranked_ += rank.has_value();
  num_boxes_ += static_cast<int64_t>(truth.size());
  return absl::OkStatus();
}

void BoxEvaluator::SweepProtocol(const cv::Mat& map,
                                 absl::Span<const vision::Box> truth) {
  sweep_.Run(QuantizeScoreMap(map), truth, EvaluationMode::kProtocol);
  for (size_t t = 0; t < taus_.size(); ++t) {
    const int level = LevelOfTau(taus_[t], sweep_.max_byte());
    largest_ious_[t] = sweep_.LargestContourIou(level);
    best_ious_[t] = sweep_.BestIou(level);
  }
}

// A sweep sees 255 thresholds: pixel p is predicted at threshold i if i is
// below the number n(p) of thresholds below its score, so the bytes min(n(p) -
// i0, 255) have the predictions at thresholds i0, i0 + 1, ... as their level
// sets 0, 1, ...
void BoxEvaluator::SweepNative(const cv::Mat& map,
                               absl::Span<const vision::Box> truth) {
  constexpr size_t kLevels = 255;
  const size_t num_taus = taus_.size();
  const double taus_per_unit = 1 / options_.tau_interval;
  cv::Mat below(map.rows, map.cols, CV_32SC1);
  for (int y = 0; y < map.rows; ++y) {
    const double* const scores = map.ptr<double>(y);
    int32_t* const out = below.ptr<int32_t>(y);
    for (int x = 0; x < map.cols; ++x) {
      const double score = scores[x];
      // The product may round to either side: ask the thresholds.
      size_t n = std::min(static_cast<size_t>(score * taus_per_unit), num_taus);
      while (n > 0 && taus_[n - 1] >= score) --n;
      while (n < num_taus && taus_[n] < score) ++n;
      out[x] = static_cast<int32_t>(n);
    }
  }
  cv::Mat bytes(map.rows, map.cols, CV_8UC1);
  for (size_t first = 0; first < num_taus; first += kLevels) {
    for (int y = 0; y < map.rows; ++y) {
      const int32_t* const in = below.ptr<int32_t>(y);
      uint8_t* const out = bytes.ptr<uint8_t>(y);
      const auto base = static_cast<int32_t>(first);
      for (int x = 0; x < map.cols; ++x) {
        out[x] = static_cast<uint8_t>(
            std::clamp<int32_t>(in[x] - base, 0, int32_t{kLevels}));
      }
    }
    sweep_.Run(bytes, truth, EvaluationMode::kNative);
    for (size_t t = first; t < std::min(num_taus, first + kLevels); ++t) {
      const int level = static_cast<int>(t - first);
      largest_ious_[t] = sweep_.LargestContourIou(level);
      best_ious_[t] = sweep_.BestIou(level);
    }
  }
}

void BoxEvaluator::Count(const std::vector<double>& ious, Counts* counts,
                         const ImageInfo& info, TauSets* sets) {
  const int rank = info.true_class_rank.value_or(5);
  TauRuns runs;
  for (size_t i = 0; i < options_.iou_percents.size(); ++i) {
    const double limit = options_.iou_percents[i] / 100.0;
    runs.clear();
    for (size_t t = 0; t < ious.size(); ++t) {
      if (ious[t] < limit) continue;
      const size_t begin = t;
      while (t < ious.size() && ious[t] >= limit) ++t;
      runs.emplace_back(static_cast<uint32_t>(begin), static_cast<uint32_t>(t));
    }
    AddRuns(runs, &counts->correct[i]);
    if (rank < 1) AddRuns(runs, &counts->top1_correct[i]);
    if (rank < 5) AddRuns(runs, &counts->top5_correct[i]);
    if (options_.keep_images) sets->Append(runs);
  }
}

absl::Status BoxEvaluator::Merge(const BoxEvaluator& other) {
  const BoxEvaluatorOptions& theirs = other.options_;
  if (options_.tau_interval != theirs.tau_interval ||
      options_.iou_percents != theirs.iou_percents) {
    return absl::InvalidArgumentError(absl::StrCat(
        "merge of box evaluators: got tau_interval ", theirs.tau_interval,
        " and iou_percents ", absl::StrJoin(theirs.iou_percents, ", "),
        ", expected ", options_.tau_interval, " and ",
        absl::StrJoin(options_.iou_percents, ", ")));
  }
  if (options_.mode != theirs.mode ||
      options_.keep_images != theirs.keep_images) {
    return absl::InvalidArgumentError(absl::StrCat(
        "merge of box evaluators: got mode ", EvaluationModeName(theirs.mode),
        " and keep_images ", theirs.keep_images, ", expected ",
        EvaluationModeName(options_.mode), " and ", options_.keep_images));
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
  num_boxes_ += other.num_boxes_;
  images_.insert(images_.end(), other.images_.begin(), other.images_.end());
  return absl::OkStatus();
}

absl::StatusOr<BoxMetrics> BoxEvaluator::Compute() const {
  if (num_images_ == 0) {
    return absl::FailedPreconditionError(
        "box metrics: got no image, expected at least one");
  }
  BoxMetrics metrics;
  metrics.evaluation_mode = options_.mode;
  metrics.tau_interval = options_.tau_interval;
  metrics.num_images = num_images_;
  metrics.num_boxes = num_boxes_;
  metrics.taus = taus_;
  metrics.largest_contour = ComputeMode(largest_contour_);
  metrics.all_contours = ComputeMode(all_contours_);
  metrics.max_box_acc =
      metrics.Find(BoxMode::kLargestContour, 50)->max_accuracy;
  for (const BoxAccuracy& accuracy : metrics.all_contours) {
    metrics.max_box_acc_v2 += accuracy.max_accuracy;
  }
  metrics.max_box_acc_v2 /= static_cast<double>(metrics.all_contours.size());
  metrics.images = images_;
  VISION_RETURN_IF_ERROR(SortById(&metrics.images));
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
    accuracy.correct = PrefixSums(counts.correct[i]);
    accuracy.max_accuracy = max_percent(accuracy.correct);
    accuracy.best_tau_index = static_cast<size_t>(
        std::max_element(accuracy.correct.begin(), accuracy.correct.end()) -
        accuracy.correct.begin());
    accuracy.best_tau = taus_[accuracy.best_tau_index];
    if (num_ranked_ > 0) {
      accuracy.top1_correct = PrefixSums(counts.top1_correct[i]);
      accuracy.top5_correct = PrefixSums(counts.top5_correct[i]);
      accuracy.top1_localization = max_percent(accuracy.top1_correct);
      accuracy.top5_localization = max_percent(accuracy.top5_correct);
    }
    result.push_back(std::move(accuracy));
  }
  return result;
}

std::string BoxEvaluator::Serialize() const {
  StateWriter writer(kStateTag);
  writer.PutDouble(options_.tau_interval);
  writer.PutUnsigned(options_.iou_percents.size());
  for (const int iou : options_.iou_percents) writer.PutSigned(iou);
  writer.PutUnsigned(static_cast<uint64_t>(options_.mode));
  writer.PutUnsigned(options_.keep_images);
  writer.PutSigned(num_images_);
  writer.PutSigned(num_ranked_);
  writer.PutSigned(num_boxes_);
  for (const Counts* const counts : {&largest_contour_, &all_contours_}) {
    for (const CountTable* const table :
         {&counts->correct, &counts->top1_correct, &counts->top5_correct}) {
      for (const std::vector<int64_t>& row : *table) writer.PutCounts(row);
    }
  }
  for (const BoxImage& image : images_) {
    PutImageInfo(image.info, &writer);
    writer.PutString(image.correct.encoded());
    writer.PutDouble(image.best_largest_contour_iou);
    writer.PutDouble(image.best_iou);
  }
  return std::move(writer).Finish();
}

absl::StatusOr<BoxEvaluator> BoxEvaluator::Parse(absl::string_view bytes) {
  VISION_ASSIGN_OR_RETURN(StateReader reader,
                          StateReader::Open(bytes, kStateTag));
  const auto invalid = [](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat("state of a box evaluator: ", what));
  };
  BoxEvaluatorOptions options;
  options.tau_interval = reader.GetDouble();
  const uint64_t num_ious = reader.GetUnsigned();
  if (num_ious > 100) return invalid("more than 100 IoUs");
  options.iou_percents.clear();
  for (uint64_t i = 0; i < num_ious; ++i) {
    options.iou_percents.push_back(static_cast<int>(reader.GetSigned()));
  }
  VISION_ASSIGN_OR_RETURN(options.mode, GetEvaluationMode(&reader));
  options.keep_images = reader.GetUnsigned() != 0;
  VISION_RETURN_IF_ERROR(options.Validate());
  // A threshold has counts, of at least a byte each.
  if (1 / options.tau_interval > static_cast<double>(bytes.size())) {
    return invalid("fewer counts than thresholds");
  }
  BoxEvaluator evaluator(std::move(options));
  evaluator.num_images_ = reader.GetSigned();
  evaluator.num_ranked_ = reader.GetSigned();
  evaluator.num_boxes_ = reader.GetSigned();
  const int64_t num_images = evaluator.num_images_;
  if (num_images < 0 ||
      (evaluator.num_ranked_ != 0 && evaluator.num_ranked_ != num_images)) {
    return invalid("its numbers of images make no sense");
  }
  const size_t num_taus = evaluator.taus_.size();
  for (Counts* const counts :
       {&evaluator.largest_contour_, &evaluator.all_contours_}) {
    for (CountTable* const table :
         {&counts->correct, &counts->top1_correct, &counts->top5_correct}) {
      for (std::vector<int64_t>& row : *table) {
        row = reader.GetCounts();
        if (row.size() != num_taus + 1) return invalid("missing counts");
      }
    }
  }
  if (evaluator.options_.keep_images) {
    for (int64_t i = 0; i < num_images && !reader.is_short(); ++i) {
      BoxImage image;
      VISION_ASSIGN_OR_RETURN(image.info, GetImageInfo(&reader));
      VISION_ASSIGN_OR_RETURN(
          image.correct,
          TauSets::Parse(reader.GetString(),
                         2 * evaluator.options_.iou_percents.size(), num_taus));
      image.best_largest_contour_iou = reader.GetDouble();
      image.best_iou = reader.GetDouble();
      evaluator.images_.push_back(std::move(image));
    }
  }
  VISION_RETURN_IF_ERROR(reader.Finish());
  return evaluator;
}

}  // namespace wsol
