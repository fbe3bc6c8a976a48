// Resizing of score maps (bilinear) and masks (nearest), as WSOL evaluation
// defines it.
//
//   VISION_ASSIGN_OR_RETURN(const cv::Mat map,
//                           vision::ResizeMapBilinear(cam, 224, 224));
//   VISION_ASSIGN_OR_RETURN(const cv::Mat mask,
//                           vision::ResizeMaskNearest(png, 224, 224));
//
// Neither anti-aliases; photographs go through resize.h.

#ifndef VISION_IMAGE_RESIZE_MAP_H_
#define VISION_IMAGE_RESIZE_MAP_H_

#include "absl/status/statusor.h"
#include "opencv2/core/mat.hpp"

namespace vision {

// Bilinear interpolation with pixel centres at half integers and clamped
// borders: LibTorch's upsample_bilinear2d with align_corners = False. Target
// pixel i reads position max(0, (i + 1/2) * source / target - 1/2).
// `map` is [height, width] CV_32F or CV_64F; the result has its type, and
// positions and sums are computed in it, as in LibTorch. NaN and infinities
// spread to the pixels whose weights touch them. kInvalidArgument for other
// types and empty sizes, kResourceExhausted if the target does not fit in
// memory.
absl::StatusOr<cv::Mat> ResizeMapBilinear(const cv::Mat& map, int width,
                                          int height);

// OpenCV's nearest neighbour: along each axis target pixel i reads source pixel
//   min(floor(i * (1.0 / (target / source))), source - 1)
// with both divisions in double. (i * source / target differs where it should
// be an integer but the reciprocal rounds down, as for 400 or 1200 to 224.)
// `mask` is [height, width] CV_8UC1. Errors as above.
absl::StatusOr<cv::Mat> ResizeMaskNearest(const cv::Mat& mask, int width,
                                          int height);

}  // namespace vision

#endif  // VISION_IMAGE_RESIZE_MAP_H_
