// One look at each map of a run: how its values are spread, and how well its
// box and its mask fit.

#ifndef WSOL_REPORT_RUN_MAP_PASS_H_
#define WSOL_REPORT_RUN_MAP_PASS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/report_run/activation_histogram.h"
#include "wsol/report_run/report_split.h"
#include "wsol/results/results_json.h"

namespace wsol {

// The thresholds at which a run's boxes and masks are shown: the best ones of
// its results, of the largest contour at IoU 50 % or, where that was not
// evaluated, of all contours; and of F1.
struct RunTaus {
  std::optional<double> box;
  BoxMode box_mode = BoxMode::kLargestContour;
  std::optional<double> mask;
};
RunTaus BestTausOf(const StoredResults& results);

// The predicted box of a map of the frame (CV_64FC1) that fits the truth best,
// and its IoU.
struct FittingBox {
  vision::Box box;
  double iou = 0;
};
absl::StatusOr<FittingBox> FitBox(const cv::Mat& frame_map,
                                  const std::vector<vision::Box>& truth,
                                  double tau, BoxMode mode);

// IoU of {map >= tau} and the mask's foreground, ignored pixels left out; 0
// where both are empty. Both are of the same size.
double MaskIou(const cv::Mat& map, const cv::Mat& mask, double tau);

struct MapPass {
  ActivationHistogram histogram;
  // Of each image; empty without a split, its boxes or masks, or the threshold.
  std::vector<double> box_ious;
  std::vector<double> mask_ious;
};

struct MapPassOptions {
  int num_threads = 1;
  // See ReportOptions. May be empty.
  std::function<bool()> should_stop;
  // Called after each image, from any thread. May be empty.
  std::function<void()> on_image;
};

// `map_of(i)` for i in [0, num_images) is the map of image i, from several
// threads. `split` may be null. The first error by image; kCancelled.
absl::StatusOr<MapPass> LookAtMaps(
    int64_t num_images,
    const std::function<absl::StatusOr<cv::Mat>(int64_t)>& map_of,
    const ReportSplit* split, const RunTaus& taus,
    const MapPassOptions& options);

}  // namespace wsol

#endif  // WSOL_REPORT_RUN_MAP_PASS_H_
