// Maps, masks and boxes drawn over images, for reports.
//
//   cv::Mat panel = vision::OverlayMap(rgb, map, /*alpha=*/0.5);
//   vision::DrawBox(&panel, box, vision::kGreen);
//   vision::DrawBox(&panel, truth, vision::kWhite, 1,
//   vision::LineStyle::kDashed);
//
// Nothing is anti-aliased or scaled: on small images enlarge first.

#ifndef VISION_IMAGE_OVERLAY_H_
#define VISION_IMAGE_OVERLAY_H_

#include <cstdint>

#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"
#include "vision/image/colormap.h"

namespace vision {

struct RgbColor {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;
};

// Told apart under the common colour deficiencies (Okabe and Ito, 2008).
inline constexpr RgbColor kWhite{255, 255, 255};
inline constexpr RgbColor kBlack{0, 0, 0};
inline constexpr RgbColor kOrange{230, 159, 0};
inline constexpr RgbColor kSkyBlue{86, 180, 233};
inline constexpr RgbColor kGreen{0, 158, 115};
inline constexpr RgbColor kYellow{240, 228, 66};
inline constexpr RgbColor kBlue{0, 114, 178};
inline constexpr RgbColor kVermilion{213, 94, 0};

enum class LineStyle { kSolid, kDashed };

// (1 - alpha) * rgb + alpha * colormap(map), rounded to nearest, CV_8UC3.
// `rgb` is CV_8UC3, `map` of the same size as in ApplyColormap, alpha in [0, 1]
// (CHECK).
cv::Mat OverlayMap(const cv::Mat& rgb, const cv::Mat& map, double alpha,
                   Colormap colormap = Colormap::kTurbo);

// Pixels where `mask` (CV_8UC1, same size) is not zero become
// (1 - alpha) * rgb + alpha * color; a contour of the full colour,
// `contour_thickness` pixels wide, runs along the inside of the region's edge
// (0: none). The image's border is an edge. CV_8UC3.
cv::Mat OverlayMask(const cv::Mat& rgb, const cv::Mat& mask, RgbColor color,
                    double alpha, int contour_thickness = 1);

// Draws the outline of a half-open box into `rgb` (CV_8UC3). The line is
// `thickness` pixels wide and lies inside the box: its outer edge is the box's
// own pixels. Dashes are 3 * thickness + 1 long with gaps of 2 * thickness + 1,
// begun at each corner. Parts outside the image are not drawn; an empty box
// draws nothing. thickness must be positive (CHECK).
void DrawBox(cv::Mat* rgb, const Box& box, RgbColor color, int thickness = 1,
             LineStyle style = LineStyle::kSolid);

}  // namespace vision

#endif  // VISION_IMAGE_OVERLAY_H_
