#include "wsol/metrics/localization_evaluator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opencv2/core.hpp"
#include "vision/base/status_util.h"
#include "vision/image/resize_map.h"
#include "wsol/metrics/box_sweep.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/metrics/state_codec.h"

namespace wsol {
namespace {

constexpr char kStateTag[] = "LOC1";

template <typename T>
bool IsScore(T value) {
  return value >= 0 && value <= 1;  // NaN is not.
}

// Whether all of `map` are scores.
template <typename T>
bool AreScores(const cv::Mat& map) {
  int num_bad = 0;
  for (int y = 0; y < map.rows; ++y) {
    const T* const row = map.ptr<T>(y);
    for (int x = 0; x < map.cols; ++x) num_bad += !IsScore(row[x]);
    if (num_bad > 0) return false;
  }
  return true;
}

// The map with everything that is no score replaced, or an error.
template <typename T>
absl::StatusOr<cv::Mat> WithScoresOnly(const cv::Mat& map, BadScores bad_scores,
                                       ScoreRepairs* repairs) {
  cv::Mat result = map.clone();
  for (int y = 0; y < result.rows; ++y) {
    T* const row = result.ptr<T>(y);
    for (int x = 0; x < result.cols; ++x) {
      const T value = row[x];
      if (IsScore(value)) continue;
      if (bad_scores == BadScores::kReject) {
        return absl::InvalidArgumentError(
            absl::StrFormat("score map: got %.9g at x = %d, y = %d, expected a "
                            "value in [0, 1]",
                            value, x, y));
      }
      repairs->num_nan += std::isnan(value);
      repairs->num_infinite += std::isinf(value);
      repairs->num_out_of_range += std::isfinite(value);
      row[x] = value > 1 ? T{1} : T{0};
    }
  }
  ++repairs->num_images;
  return result;
}

void Add(const ScoreRepairs& from, ScoreRepairs* to) {
  to->num_images += from.num_images;
  to->num_nan += from.num_nan;
  to->num_infinite += from.num_infinite;
  to->num_out_of_range += from.num_out_of_range;
}

ObjectSize LargestSize(absl::Span<const vision::Box> boxes, int width,
                       int height) {
  int64_t area = 0;
  for (const vision::Box& box : boxes) area = std::max(area, box.Area());
  return ObjectSizeOf(area, int64_t{width} * height);
}

}  // namespace

void LocalizationEvaluatorOptions::SetMode(EvaluationMode mode) {
  boxes.mode = masks.mode = mode;
}

void LocalizationEvaluatorOptions::SetKeepImages(bool keep_images) {
  boxes.keep_images = masks.keep_images = keep_images;
}

absl::Status LocalizationEvaluatorOptions::Validate() const {
  VISION_RETURN_IF_ERROR(boxes.Validate());
  VISION_RETURN_IF_ERROR(masks.Validate());
  if (boxes.mode != masks.mode) {
    return absl::InvalidArgumentError(
        absl::StrCat("evaluation mode: got ", EvaluationModeName(boxes.mode),
                     " for boxes and ", EvaluationModeName(masks.mode),
                     " for masks, expected one for both"));
  }
  if (num_classes < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_classes: got ", num_classes, ", expected 0 or more"));
  }
  return absl::OkStatus();
}

absl::StatusOr<cv::Mat> ScoreMapToSize(const cv::Mat& score_map, int width,
                                       int height, BadScores bad_scores,
                                       ScoreRepairs* repairs) {
  const int type = score_map.type();
  if (score_map.empty() || score_map.dims != 2 ||
      (type != CV_32FC1 && type != CV_64FC1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("score map: got ", score_map.cols, " x ", score_map.rows,
                     " pixels of OpenCV type ", type,
                     ", expected at least one of CV_32FC1 (", CV_32FC1,
                     ") or CV_64FC1 (", CV_64FC1, ")"));
  }
  const bool is_float = type == CV_32FC1;
  cv::Mat scores = score_map;
  // NaN and infinities would spread in the interpolation.
  if (!(is_float ? AreScores<float>(scores) : AreScores<double>(scores))) {
    ScoreRepairs made;
    VISION_ASSIGN_OR_RETURN(
        scores, is_float ? WithScoresOnly<float>(scores, bad_scores, &made)
                         : WithScoresOnly<double>(scores, bad_scores, &made));
    if (repairs != nullptr) Add(made, repairs);
  }
  if (scores.cols != width || scores.rows != height) {
    VISION_ASSIGN_OR_RETURN(scores,
                            vision::ResizeMapBilinear(scores, width, height));
  }
  cv::Mat result;
  scores.convertTo(result, CV_64F);
  for (int y = 0; y < result.rows; ++y) {
    double* const row = result.ptr<double>(y);
    for (int x = 0; x < result.cols; ++x) row[x] = std::clamp(row[x], 0.0, 1.0);
  }
  return result;
}

absl::StatusOr<cv::Mat> ScoreMapToFrame(const cv::Mat& score_map) {
  return ScoreMapToSize(score_map, kFrameSize, kFrameSize, BadScores::kReplace,
                        nullptr);
}

absl::StatusOr<LocalizationEvaluator> LocalizationEvaluator::Create(
    LocalizationEvaluatorOptions options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_ASSIGN_OR_RETURN(BoxEvaluator boxes,
                          BoxEvaluator::Create(options.boxes));
  VISION_ASSIGN_OR_RETURN(MaskEvaluator masks,
                          MaskEvaluator::Create(options.masks));
  return LocalizationEvaluator(std::move(options), std::move(boxes),
                               std::move(masks));
}

LocalizationEvaluator::LocalizationEvaluator(
    LocalizationEvaluatorOptions options, BoxEvaluator boxes,
    MaskEvaluator masks)
    : options_(std::move(options)),
      boxes_(std::move(boxes)),
      masks_(std::move(masks)) {}

absl::Status LocalizationEvaluator::Accumulate(
    const LocalizationSample& sample) {
  const auto accumulate = [&]() -> absl::Status {
    if (sample.boxes.empty() && sample.mask.empty()) {
      return absl::InvalidArgumentError(
          "ground truth: got none, expected boxes or a mask");
    }
    if (sample.label < -1 ||
        (options_.num_classes > 0 && sample.label >= options_.num_classes)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "label: got ", sample.label, ", expected -1 or a class in [0, ",
          options_.num_classes > 0 ? absl::StrCat(options_.num_classes)
                                   : "2^31",
          ")"));
    }
    const bool is_protocol = options_.boxes.mode == EvaluationMode::kProtocol;
    if (!is_protocol &&
        (std::min(sample.width, sample.height) < 1 ||
         std::max(sample.width, sample.height) > BoxSweep::kMaxSide)) {
      return absl::InvalidArgumentError(
          absl::StrCat("image size: got ", sample.width, " x ", sample.height,
                       ", expected 1 to ", BoxSweep::kMaxSide,
                       " pixels a side in native mode"));
    }
    const int width = is_protocol ? kFrameSize : sample.width;
    const int height = is_protocol ? kFrameSize : sample.height;
    ScoreRepairs repairs;
    VISION_ASSIGN_OR_RETURN(const cv::Mat map,
                            ScoreMapToSize(sample.score_map, width, height,
                                           options_.bad_scores, &repairs));
    ImageInfo info;
    info.id = sample.id;
    info.label = sample.label;
    info.true_class_rank = sample.true_class_rank;

    // All that can be wrong is found before anything is counted: the mask's
    // counts come last, and boxes are checked before theirs.
    cv::Mat mask = sample.mask;
    if (!mask.empty()) {
      if (is_protocol) {
        VISION_ASSIGN_OR_RETURN(mask,
                                vision::ResizeMaskNearest(mask, width, height));
      }
      VISION_RETURN_IF_ERROR(CheckMask(mask, width, height));
      if (options_.masks.keep_images && sample.id.empty()) {
        return absl::InvalidArgumentError(
            "image id: got none, expected one since images are kept");
      }
    }
    if (!sample.boxes.empty()) {
      std::vector<vision::Box> truth;
      for (const vision::Box& box : sample.boxes) {
        // The same checks in both modes.
        VISION_ASSIGN_OR_RETURN(truth.emplace_back(),
                                BoxToFrame(box, sample.width, sample.height));
        if (is_protocol) continue;
        truth.back() = {box.x0, box.y0, std::min(box.x1, width),
                        std::min(box.y1, height)};
      }
      info.size = LargestSize(sample.boxes, sample.width, sample.height);
      VISION_RETURN_IF_ERROR(boxes_.Accumulate(map, truth, info));
    }
    if (!mask.empty()) {
      info.size = ObjectSizeOf(cv::countNonZero(mask == kForegroundLabel),
                               static_cast<int64_t>(mask.total()));
      VISION_RETURN_IF_ERROR(masks_.Accumulate(map, mask, info));
    }
    Add(repairs, &repairs_);
    return absl::OkStatus();
  };
  return vision::Annotate(accumulate(), absl::StrCat("image ", sample.id));
}

absl::Status LocalizationEvaluator::Merge(const LocalizationEvaluator& other) {
  if (options_.bad_scores != other.options_.bad_scores ||
      options_.num_classes != other.options_.num_classes) {
    return absl::InvalidArgumentError(
        "merge of localization evaluators: expected the same bad_scores and "
        "num_classes");
  }
  BoxEvaluator boxes = boxes_;  // Unchanged if the masks do not fit.
  VISION_RETURN_IF_ERROR(boxes.Merge(other.boxes_));
  VISION_RETURN_IF_ERROR(masks_.Merge(other.masks_));
  boxes_ = std::move(boxes);
  Add(other.repairs_, &repairs_);
  return absl::OkStatus();
}

absl::StatusOr<LocalizationMetrics> LocalizationEvaluator::Compute() const {
  if (boxes_.num_images() == 0 && masks_.num_images() == 0) {
    return absl::FailedPreconditionError(
        "localization metrics: got no image, expected at least one");
  }
  LocalizationMetrics metrics;
  if (boxes_.num_images() > 0) {
    VISION_ASSIGN_OR_RETURN(metrics.boxes, boxes_.Compute());
  }
  if (masks_.num_images() > 0) {
    VISION_ASSIGN_OR_RETURN(metrics.masks, masks_.Compute());
  }
  metrics.repairs = repairs_;
  return metrics;
}

std::string LocalizationEvaluator::Serialize() const {
  StateWriter writer(kStateTag);
  writer.PutUnsigned(static_cast<uint64_t>(options_.bad_scores));
  writer.PutUnsigned(static_cast<uint64_t>(options_.num_classes));
  writer.PutCounts({repairs_.num_images, repairs_.num_nan,
                    repairs_.num_infinite, repairs_.num_out_of_range});
  writer.PutString(boxes_.Serialize());
  writer.PutString(masks_.Serialize());
  return std::move(writer).Finish();
}

absl::StatusOr<LocalizationEvaluator> LocalizationEvaluator::Parse(
    absl::string_view bytes) {
  VISION_ASSIGN_OR_RETURN(StateReader reader,
                          StateReader::Open(bytes, kStateTag));
  const uint64_t bad_scores = reader.GetUnsigned();
  const uint64_t num_classes = reader.GetUnsigned();
  const std::vector<int64_t> repairs = reader.GetCounts();
  const std::string box_state = reader.GetString();
  const std::string mask_state = reader.GetString();
  VISION_RETURN_IF_ERROR(reader.Finish());
  if (bad_scores > static_cast<uint64_t>(BadScores::kReject) ||
      num_classes > uint64_t{std::numeric_limits<int>::max()} ||
      repairs.size() != 4) {
    return absl::InvalidArgumentError(
        "state of a localization evaluator: its options make no sense");
  }
  VISION_ASSIGN_OR_RETURN(BoxEvaluator boxes, BoxEvaluator::Parse(box_state));
  VISION_ASSIGN_OR_RETURN(MaskEvaluator masks,
                          MaskEvaluator::Parse(mask_state));
  LocalizationEvaluatorOptions options;
  options.boxes = boxes.options();
  options.masks = masks.options();
  options.bad_scores = static_cast<BadScores>(bad_scores);
  options.num_classes = static_cast<int>(num_classes);
  VISION_RETURN_IF_ERROR(options.Validate());
  LocalizationEvaluator evaluator(std::move(options), std::move(boxes),
                                  std::move(masks));
  evaluator.repairs_ = {repairs[0], repairs[1], repairs[2], repairs[3]};
  return evaluator;
}

}  // namespace wsol
