#include "vision/image/overlay.h"

#include <algorithm>
#include <cstdint>

#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "vision/geometry/box.h"
#include "vision/image/colormap.h"

namespace vision {
namespace {

void CheckImage(const cv::Mat& rgb) {
  CHECK_EQ(rgb.type(), CV_8UC3) << "expected an RGB image of 8 bits";
}

void CheckAlpha(double alpha) {
  CHECK(alpha >= 0 && alpha <= 1)
      << "alpha is " << alpha << ", expected 0 to 1";
}

uint8_t Blend(uint8_t below, uint8_t above, double alpha) {
  return static_cast<uint8_t>((1 - alpha) * below + alpha * above + 0.5);
}

cv::Vec3b ToPixel(RgbColor color) {
  return {color.red, color.green, color.blue};
}

// True for pixels of a region whose square neighbourhood of `radius` pixels
// leaves the region or the image: two passes of a run-length count per axis
// would be faster, but reports are small.
bool IsNearEdge(const cv::Mat& mask, int y, int x, int radius) {
  for (int v = y - radius; v <= y + radius; ++v) {
    for (int u = x - radius; u <= x + radius; ++u) {
      if (v < 0 || u < 0 || v >= mask.rows || u >= mask.cols ||
          mask.at<uint8_t>(v, u) == 0) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

cv::Mat OverlayMap(const cv::Mat& rgb, const cv::Mat& map, double alpha,
                   Colormap colormap) {
  CheckImage(rgb);
  CheckAlpha(alpha);
  CHECK(rgb.size() == map.size())
      << "image of " << rgb.size() << ", map of " << map.size();
  cv::Mat result = ApplyColormap(map, colormap);
  for (int y = 0; y < rgb.rows; ++y) {
    const uint8_t* below = rgb.ptr<uint8_t>(y);
    uint8_t* out = result.ptr<uint8_t>(y);
    for (int x = 0; x < 3 * rgb.cols; ++x) {
      out[x] = Blend(below[x], out[x], alpha);
    }
  }
  return result;
}

cv::Mat OverlayMask(const cv::Mat& rgb, const cv::Mat& mask, RgbColor color,
                    double alpha, int contour_thickness) {
  CheckImage(rgb);
  CheckAlpha(alpha);
  CHECK_EQ(mask.type(), CV_8UC1) << "expected a mask of 8 bits";
  CHECK(rgb.size() == mask.size())
      << "image of " << rgb.size() << ", mask of " << mask.size();
  CHECK_GE(contour_thickness, 0);
  const cv::Vec3b pixel = ToPixel(color);
  cv::Mat result = rgb.clone();
  for (int y = 0; y < rgb.rows; ++y) {
    for (int x = 0; x < rgb.cols; ++x) {
      if (mask.at<uint8_t>(y, x) == 0) continue;
      auto& out = result.at<cv::Vec3b>(y, x);
      if (contour_thickness > 0 && IsNearEdge(mask, y, x, contour_thickness)) {
        out = pixel;
      } else {
        for (int c = 0; c < 3; ++c) out[c] = Blend(out[c], pixel[c], alpha);
      }
    }
  }
  return result;
}

void DrawBox(cv::Mat* rgb, const Box& box, RgbColor color, int thickness,
             LineStyle style) {
  CHECK(rgb != nullptr);
  CheckImage(*rgb);
  CHECK_GT(thickness, 0);
  const cv::Vec3b pixel = ToPixel(color);
  const int64_t dash = int64_t{3} * thickness + 1;
  const int64_t period = dash + int64_t{2} * thickness + 1;
  // Along a side dashes are counted from the nearer corner, so that all four
  // corners look alike.
  const auto is_drawn = [&](int64_t position, int64_t length) {
    if (style == LineStyle::kSolid) return true;
    return std::min(position, length - 1 - position) % period < dash;
  };
  const Box visible = Intersection(box, Box{0, 0, rgb->cols, rgb->rows});
  for (int y = visible.y0; y < visible.y1; ++y) {
    // Distances in 64 bits: the box may reach far outside.
    const int64_t from_top = int64_t{y} - box.y0;
    const bool in_rows =
        std::min(from_top, box.Height() - 1 - from_top) < thickness;
    auto* row = rgb->ptr<cv::Vec3b>(y);
    for (int x = visible.x0; x < visible.x1; ++x) {
      const int64_t from_left = int64_t{x} - box.x0;
      const bool in_columns =
          std::min(from_left, box.Width() - 1 - from_left) < thickness;
      if ((in_rows && is_drawn(from_left, box.Width())) ||
          (in_columns && is_drawn(from_top, box.Height()))) {
        row[x] = pixel;
      }
    }
  }
}

}  // namespace vision
