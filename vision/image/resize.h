// Anti-aliased resizing of 8-bit images, bit for bit that of Pillow.
//
//   VISION_ASSIGN_OR_RETURN(const cv::Mat small,
//                           vision::ResizeAntialiased(rgb, 224, 224));
//
// Pretrained weights have seen pixels that Pillow resized, so images that enter
// a network are resized here. OpenCV's and LibTorch's bilinear resizing differ:
// they do not widen the filter when they shrink. Maps and masks go through
// resize_map.h.

#ifndef VISION_IMAGE_RESIZE_H_
#define VISION_IMAGE_RESIZE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"

namespace vision {

// The interpolation kernel, in Pillow's words; x is in source pixels when
// enlarging and in target pixels when shrinking.
enum class ResizeFilter {
  kNearest,   // The source pixel under the target pixel's centre; no filter.
  kBox,       // 1 on (-1/2, 1/2].
  kBilinear,  // 1 - |x| on [-1, 1].
  kBicubic,   // Keys' cubic convolution with a = -1/2, on [-2, 2].
};

// "nearest", "box", "bilinear", "bicubic".
absl::string_view ResizeFilterName(ResizeFilter filter);

// The filter of that name; kInvalidArgument lists the names.
absl::StatusOr<ResizeFilter> ParseResizeFilter(absl::string_view name);

// Returns the image at `width` x `height`, same type; the aspect ratio is not
// kept. `image` is [height, width] CV_8UC1, CV_8UC2, CV_8UC3 or CV_8UC4, at
// most 2^24 pixels wide or high, rows possibly strided; channels are filtered
// independently (alpha is not premultiplied).
//
// Along each axis, with scale s = source size / target size and r = max(s, 1),
// target pixel i is the weighted mean of source pixels j whose weights are
//   k_i(j) = filter((j + 1/2 - (i + 1/2) s) / r), normalised to sum 1,
// rounded to 22-bit fixed point (Pillow 3.4 and later). The horizontal pass
// comes first; each pass rounds to nearest and clips to [0, 255]. An axis whose
// size does not change is not filtered.
//
// Errors: kInvalidArgument naming the type or size that cannot be,
// kResourceExhausted if the target does not fit in memory.
// Cost: source height * width * taps + target height * width * taps byte
// products, with about 2 r support + 1 taps (bilinear: support 1). 0.2 ms for
// 500x375 to 256x256 RGB with 256-bit vectors. One thread; call it from many.
absl::StatusOr<cv::Mat> ResizeAntialiased(
    const cv::Mat& image, int width, int height,
    ResizeFilter filter = ResizeFilter::kBilinear);

}  // namespace vision

#endif  // VISION_IMAGE_RESIZE_H_
