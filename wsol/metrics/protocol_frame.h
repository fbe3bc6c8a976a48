// The conventions of the WSOL evaluation protocol (Choe et al., "Evaluating
// Weakly Supervised Object Localization Methods Right", CVPR 2020), in one
// place: everything is compared in a frame of 224 x 224 pixels, on bytes.
//
//   const cv::Mat bytes = wsol::QuantizeScoreMap(map);
//   for (double tau : wsol::TauList(0.001)) {
//     const int level = wsol::LevelOfTau(tau, max_byte);  // {byte > level}
//   }
//
// The protocol writes boxes with inclusive ends; here they are vision::Box,
// half-open, so an inclusive [x0, y0, x1, y1] of the protocol reads
// {x0, y0, x1 + 1, y1 + 1}, and its IoU with widths x1 - x0 + 1 is BoxIou.

#ifndef WSOL_METRICS_PROTOCOL_FRAME_H_
#define WSOL_METRICS_PROTOCOL_FRAME_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"

namespace wsol {

// Side of the frame in pixels: score maps, boxes and masks meet there.
inline constexpr int kFrameSize = 224;

// Labels of a mask's pixels.
inline constexpr int kBackgroundLabel = 0;
inline constexpr int kForegroundLabel = 1;
inline constexpr int kIgnoredLabel = 255;

// What the protocol predicts where nothing is above the threshold (a map of
// zeros): its inclusive [0, 0, 0, 0].
inline constexpr vision::Box kNothingBox{0, 0, 1, 1};

// kInvalidArgument unless the thresholds of this interval are a partition of
// [0, 1): 0 < interval < 1 and the last threshold is below 1.
absl::Status ValidateTauInterval(double interval);

// The thresholds: tau_i = i * interval for 0 <= i < ceil(1 / interval), the
// products and the quotient in double. `interval` must be valid.
std::vector<double> TauList(double interval);

// The byte T such that the pixels predicted at `tau` are {byte > T}:
// int(tau * max_byte), clipped to 255. tau >= 0, 0 <= max_byte <= 255.
int LevelOfTau(double tau, int max_byte);

// What the protocol accepts as a score map: CV_64FC1, not empty, no NaN, all
// values in [0, 1]. kInvalidArgument, naming the first offending pixel.
absl::Status CheckScoreMap(const cv::Mat& map);

// Also asks for kFrameSize x kFrameSize pixels: the protocol compares any
// other size with ground truth of the frame without noticing.
absl::Status CheckFrameScoreMap(const cv::Mat& map);

// What a mask is: CV_8UC1, width x height, of the three labels.
// kInvalidArgument, naming the first offending pixel.
absl::Status CheckMask(const cv::Mat& mask, int width, int height);

// The same in the frame: kFrameSize x kFrameSize.
absl::Status CheckFrameMask(const cv::Mat& mask);

// Bytes of a valid score map: value * 255 in double, truncated. CV_8UC1.
cv::Mat QuantizeScoreMap(const cv::Mat& map);

// The box that the protocol predicts for a contour whose pixels fill `tight`
// in an image of width x height. NOTE(reference): it takes the column after
// the last one (cv::boundingRect's x + width) for the last one, clipped to the
// image: boxes are one pixel wider and higher than what they hold.
vision::Box ProtocolBox(const vision::Box& tight, int width, int height);

// A box from an image of width x height to one of new_width x new_height, the
// protocol's way: first and last column c become int(c * new_width / width),
// rows likewise. The box must hold a pixel and have no negative coordinates.
vision::Box ScaleBox(const vision::Box& box, int width, int height,
                     int new_width, int new_height);

// ScaleBox of a ground-truth box from original pixels to the frame. `box` is
// half-open, as wsol/datasets reads it (last column on disk + 1).
// Published files have last columns that equal the width: such a box may reach
// one pixel out of the image, and then does so in the frame, as in the
// protocol. kInvalidArgument for a box that is empty or reaches out further.
absl::StatusOr<vision::Box> BoxToFrame(const vision::Box& box, int width,
                                       int height);

// The pixels of a width x height image that a box of the frame covers, for
// drawing: scaled and rounded to the nearest edge, at least one pixel.
vision::Box BoxFromFrame(const vision::Box& box, int width, int height);

// The frame's label mask of an image: each PNG goes to the frame by OpenCV's
// nearest neighbour; where an instance is not 0 the label is kForegroundLabel;
// elsewhere, where `ignore` is not 0, kIgnoredLabel; elsewhere
// kBackgroundLabel. Masks are CV_8UC1 of any size; an empty `ignore` ignores
// nothing. CV_8UC1, 224 x 224. kInvalidArgument for no instance or other types.
absl::StatusOr<cv::Mat> MakeFrameMask(absl::Span<const cv::Mat> instances,
                                      const cv::Mat& ignore);

}  // namespace wsol

#endif  // WSOL_METRICS_PROTOCOL_FRAME_H_
