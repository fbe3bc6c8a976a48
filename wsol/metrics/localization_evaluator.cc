#include "wsol/metrics/localization_evaluator.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "vision/base/status_util.h"
#include "vision/image/resize_map.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

// A copy without NaN and infinities, which would spread in the interpolation.
template <typename T>
cv::Mat WithNumbersOnly(const cv::Mat& map) {
  cv::Mat result = map.clone();
  for (int y = 0; y < result.rows; ++y) {
    T* const row = result.ptr<T>(y);
    for (int x = 0; x < result.cols; ++x) {
      if (std::isnan(row[x])) {
        row[x] = 0;
      } else if (std::isinf(row[x])) {
        row[x] = row[x] > 0 ? 1 : 0;
      }
    }
  }
  return result;
}

}  // namespace

absl::Status LocalizationEvaluatorOptions::Validate() const {
  VISION_RETURN_IF_ERROR(boxes.Validate());
  return masks.Validate();
}

absl::StatusOr<cv::Mat> ScoreMapToFrame(const cv::Mat& score_map) {
  const int type = score_map.type();
  if (score_map.empty() || (type != CV_32FC1 && type != CV_64FC1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("score map: got ", score_map.cols, " x ", score_map.rows,
                     " pixels of OpenCV type ", type,
                     ", expected at least one of CV_32FC1 (", CV_32FC1,
                     ") or CV_64FC1 (", CV_64FC1, ")"));
  }
  const cv::Mat numbers = type == CV_32FC1 ? WithNumbersOnly<float>(score_map)
                                           : WithNumbersOnly<double>(score_map);
  VISION_ASSIGN_OR_RETURN(
      const cv::Mat resized,
      vision::ResizeMapBilinear(numbers, kFrameSize, kFrameSize));
  cv::Mat frame;
  resized.convertTo(frame, CV_64F);
  for (int y = 0; y < frame.rows; ++y) {
    double* const row = frame.ptr<double>(y);
    for (int x = 0; x < frame.cols; ++x) row[x] = std::clamp(row[x], 0.0, 1.0);
  }
  return frame;
}

absl::StatusOr<LocalizationEvaluator> LocalizationEvaluator::Create(
    LocalizationEvaluatorOptions options) {
  VISION_ASSIGN_OR_RETURN(BoxEvaluator boxes,
                          BoxEvaluator::Create(std::move(options.boxes)));
  VISION_ASSIGN_OR_RETURN(MaskEvaluator masks,
                          MaskEvaluator::Create(options.masks));
  return LocalizationEvaluator(std::move(boxes), std::move(masks));
}

LocalizationEvaluator::LocalizationEvaluator(BoxEvaluator boxes,
                                             MaskEvaluator masks)
    : boxes_(std::move(boxes)), masks_(std::move(masks)) {}

absl::Status LocalizationEvaluator::Accumulate(
    const LocalizationSample& sample) {
  const auto accumulate = [&]() -> absl::Status {
    if (sample.boxes.empty() && sample.mask.empty()) {
      return absl::InvalidArgumentError(
          "ground truth: got none, expected boxes or a mask");
    }
    VISION_ASSIGN_OR_RETURN(const cv::Mat map,
                            ScoreMapToFrame(sample.score_map));
    // All that can be wrong is found before anything is counted: the mask's
    // counts come last, and boxes are checked before theirs.
    cv::Mat mask;
    if (!sample.mask.empty()) {
      VISION_ASSIGN_OR_RETURN(
          mask, vision::ResizeMaskNearest(sample.mask, kFrameSize, kFrameSize));
      VISION_RETURN_IF_ERROR(CheckFrameMask(mask));
    }
    if (!sample.boxes.empty()) {
      std::vector<vision::Box> truth;
      for (const vision::Box& box : sample.boxes) {
        VISION_ASSIGN_OR_RETURN(truth.emplace_back(),
                                BoxToFrame(box, sample.width, sample.height));
      }
      VISION_RETURN_IF_ERROR(
          boxes_.Accumulate(map, truth, sample.true_class_rank));
      has_boxes_ = true;
    }
    if (!mask.empty()) {
      VISION_RETURN_IF_ERROR(masks_.Accumulate(map, mask));
      has_masks_ = true;
    }
    return absl::OkStatus();
  };
  return vision::Annotate(accumulate(), absl::StrCat("image ", sample.id));
}

absl::Status LocalizationEvaluator::Merge(const LocalizationEvaluator& other) {
  BoxEvaluator boxes = boxes_;  // Unchanged if the masks do not fit.
  VISION_RETURN_IF_ERROR(boxes.Merge(other.boxes_));
  VISION_RETURN_IF_ERROR(masks_.Merge(other.masks_));
  boxes_ = std::move(boxes);
  has_boxes_ |= other.has_boxes_;
  has_masks_ |= other.has_masks_;
  return absl::OkStatus();
}

absl::StatusOr<LocalizationMetrics> LocalizationEvaluator::Compute() const {
  if (!has_boxes_ && !has_masks_) {
    return absl::FailedPreconditionError(
        "localization metrics: got no image, expected at least one");
  }
  LocalizationMetrics metrics;
  if (has_boxes_) {
    VISION_ASSIGN_OR_RETURN(metrics.boxes, boxes_.Compute());
  }
  if (has_masks_) {
    VISION_ASSIGN_OR_RETURN(metrics.masks, masks_.Compute());
  }
  return metrics;
}

}  // namespace wsol
