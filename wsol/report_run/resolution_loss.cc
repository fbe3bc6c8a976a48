#include "wsol/report_run/resolution_loss.h"

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "vision/base/parallel_for.h"
#include "vision/base/status_util.h"
#include "vision/image/resize_map.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

constexpr size_t kNumFactors = kResolutionFactors.size();

// Interpolation and means round: 1 may become 1 + 2^-52.
cv::Mat ClampToUnit(const cv::Mat& map) {
  return cv::max(cv::min(map, 1.0), 0.0);
}

absl::StatusOr<double> PxApWithLess(absl::Span<const cv::Mat> masks, int factor,
                                    Downscaling downscaling) {
  VISION_ASSIGN_OR_RETURN(MaskEvaluator evaluator, MaskEvaluator::Create({}));
  for (const cv::Mat& mask : masks) {
    cv::Mat map;
    cv::Mat(mask == kForegroundLabel).convertTo(map, CV_64F, 1.0 / 255);
    VISION_ASSIGN_OR_RETURN(const cv::Mat less,
                            LoseResolution(map, factor, downscaling));
    VISION_RETURN_IF_ERROR(evaluator.Accumulate(less, mask));
  }
  VISION_ASSIGN_OR_RETURN(const MaskMetrics metrics, evaluator.Compute());
  return metrics.pxap;
}

absl::StatusOr<BoxMetrics> BoxesWithLess(
    absl::Span<const std::vector<vision::Box>> boxes, int factor) {
  BoxEvaluatorOptions options;
  options.iou_percents = {50, 70, 90};
  VISION_ASSIGN_OR_RETURN(BoxEvaluator evaluator,
                          BoxEvaluator::Create(options));
  const cv::Rect frame(0, 0, kFrameSize, kFrameSize);
  for (const std::vector<vision::Box>& truth : boxes) {
    cv::Mat map(kFrameSize, kFrameSize, CV_64FC1, cv::Scalar(0));
    for (const vision::Box& box : truth) {
      const cv::Rect rect(box.x0, box.y0, box.Width(), box.Height());
      map(rect & frame).setTo(1);
    }
    VISION_ASSIGN_OR_RETURN(const cv::Mat less,
                            LoseResolution(map, factor, Downscaling::kMean));
    VISION_RETURN_IF_ERROR(evaluator.Accumulate(less, truth, ImageInfo()));
  }
  return evaluator.Compute();
}

}  // namespace

absl::StatusOr<cv::Mat> LoseResolution(const cv::Mat& map, int factor,
                                       Downscaling downscaling) {
  if (map.type() != CV_64FC1 || map.rows != kFrameSize ||
      map.cols != kFrameSize || factor < 1 || kFrameSize % factor != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "got a map of ", map.cols, "x", map.rows, " pixels, type ", map.type(),
        ", and the factor ", factor, ", expected ", kFrameSize, "x", kFrameSize,
        " of double and a divisor of ", kFrameSize));
  }
  const int size = kFrameSize / factor;
  cv::Mat small(size, size, CV_64FC1);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const cv::Rect block(x * factor, y * factor, factor, factor);
      small.at<double>(y, x) =
          downscaling == Downscaling::kMean
              ? cv::mean(map(block))[0]
              : map.at<double>(block.y + factor / 2, block.x + factor / 2);
    }
  }
  VISION_ASSIGN_OR_RETURN(
      const cv::Mat back,
      vision::ResizeMapBilinear(small, kFrameSize, kFrameSize));
  return ClampToUnit(back);
}

absl::StatusOr<MaskResolutionLoss> SimulateMaskResolution(
    absl::Span<const cv::Mat> masks, int num_threads) {
  MaskResolutionLoss loss;
  std::vector<absl::Status> statuses(2 * kNumFactors);
  vision::ParallelFor(2 * kNumFactors, num_threads, [&](int64_t task) {
    const auto t = static_cast<size_t>(task);
    const bool mean = t < kNumFactors;
    const size_t k = t % kNumFactors;
    const absl::StatusOr<double> pxap =
        PxApWithLess(masks, kResolutionFactors[k],
                     mean ? Downscaling::kMean : Downscaling::kNearest);
    statuses[t] = pxap.status();
    if (pxap.ok()) {
      (mean ? loss.pxap_of_mean : loss.pxap_of_nearest)[k] = *pxap;
    }
  });
  for (const absl::Status& status : statuses) VISION_RETURN_IF_ERROR(status);
  return loss;
}

absl::StatusOr<BoxResolutionLoss> SimulateBoxResolution(
    absl::Span<const std::vector<vision::Box>> boxes, int num_threads) {
  BoxResolutionLoss loss;
  std::vector<absl::Status> statuses(kNumFactors);
  vision::ParallelFor(kNumFactors, num_threads, [&](int64_t task) {
    const auto k = static_cast<size_t>(task);
    const absl::StatusOr<BoxMetrics> metrics =
        BoxesWithLess(boxes, kResolutionFactors[k]);
    statuses[k] = metrics.status();
    if (!metrics.ok()) return;
    const auto at = [&metrics](int iou_percent) {
      return metrics->Find(BoxMode::kLargestContour, iou_percent)->max_accuracy;
    };
    loss.at_50[k] = at(50);
    loss.at_70[k] = at(70);
    loss.at_90[k] = at(90);
  });
  for (const absl::Status& status : statuses) VISION_RETURN_IF_ERROR(status);
  return loss;
}

}  // namespace wsol
