// What low resolution alone costs: the best that maps of a lower resolution
// could do, found from true masks and boxes that lose their resolution and are
// interpolated back (the simulation of the F-CAM poster).
//
//   VISION_ASSIGN_OR_RETURN(const wsol::MaskResolutionLoss loss,
//                           wsol::SimulateMaskResolution(masks, 2));
//   loss.pxap_of_mean[4];  // Of masks of 224 / 32 = 7 pixels a side.

#ifndef WSOL_REPORT_RUN_RESOLUTION_LOSS_H_
#define WSOL_REPORT_RUN_RESOLUTION_LOSS_H_

#include <array>
#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"

namespace wsol {

// By how much the sides of the frame of 224 pixels shrink.
inline constexpr std::array<int, 5> kResolutionFactors = {2, 4, 8, 16, 32};

enum class Downscaling {
  kMean,     // Each small pixel is the mean of its block.
  kNearest,  // Each small pixel is the block's middle pixel (the one right of
             // and below the middle).
};

// The map, CV_64FC1 of 224 x 224 pixels, at 1 / factor of its sides, and back
// by bilinear interpolation (vision::ResizeMapBilinear). `factor` divides 224.
absl::StatusOr<cv::Mat> LoseResolution(const cv::Mat& map, int factor,
                                       Downscaling downscaling);

// By kResolutionFactors, percent.
struct MaskResolutionLoss {
  std::array<double, kResolutionFactors.size()> pxap_of_mean = {};
  std::array<double, kResolutionFactors.size()> pxap_of_nearest = {};
};

// PxAP of masks with less resolution against themselves. `masks` are CV_8UC1 of
// the frame, of the labels of protocol_frame.h; ignored pixels are background
// in the map and count nowhere. kFailedPrecondition if no mask has foreground.
// About 5 ms an image.
absl::StatusOr<MaskResolutionLoss> SimulateMaskResolution(
    absl::Span<const cv::Mat> masks, int num_threads);

// By kResolutionFactors, percent, of the mean: MaxBoxAcc (largest contour) at
// these IoUs.
struct BoxResolutionLoss {
  std::array<double, kResolutionFactors.size()> at_50 = {};
  std::array<double, kResolutionFactors.size()> at_70 = {};
  std::array<double, kResolutionFactors.size()> at_90 = {};
};

// The same of maps that are 1 in all true boxes of an image and 0 elsewhere.
// `boxes` are those of each image, in the frame. kFailedPrecondition without
// images. About 7 ms an image.
absl::StatusOr<BoxResolutionLoss> SimulateBoxResolution(
    absl::Span<const std::vector<vision::Box>> boxes, int num_threads);

}  // namespace wsol

#endif  // WSOL_REPORT_RUN_RESOLUTION_LOSS_H_
