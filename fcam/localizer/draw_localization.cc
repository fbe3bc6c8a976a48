#include "fcam/localizer/draw_localization.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/status_util.h"
#include "vision/geometry/box.h"
#include "vision/image/opencv_status.h"
#include "vision/image/overlay.h"
#include "vision/image/resize.h"
#include "vision/image/resize_map.h"

namespace fcam {
namespace {

constexpr int kFont = cv::FONT_HERSHEY_SIMPLEX;

cv::Scalar ToScalar(vision::RgbColor color) {
  return {static_cast<double>(color.red), static_cast<double>(color.green),
          static_cast<double>(color.blue)};
}

// The colour of a value is the more opaque the larger the value is: the ground
// stays as it is.
cv::Mat Tint(const cv::Mat& rgb, const cv::Mat& map,
             const DrawOptions& options) {
  const cv::Mat colors = vision::ApplyColormap(map, options.colormap);
  cv::Mat result(rgb.size(), CV_8UC3);
  for (int y = 0; y < rgb.rows; ++y) {
    const uint8_t* const below = rgb.ptr<uint8_t>(y);
    const uint8_t* const above = colors.ptr<uint8_t>(y);
    const float* const value = map.ptr<float>(y);
    uint8_t* const out = result.ptr<uint8_t>(y);
    for (int x = 0; x < rgb.cols; ++x) {
      const double alpha =
          options.opacity * std::clamp(static_cast<double>(value[x]), 0., 1.);
      for (int c = 3 * x; c < 3 * x + 3; ++c) {
        out[c] = static_cast<uint8_t>((1 - alpha) * below[c] +
                                      alpha * above[c] + 0.5);
      }
    }
  }
  return result;
}

std::string Ascii(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 && byte < 0xC0) continue;  // Goes on with a letter.
    result += byte >= 0x20 && byte < 0x7F ? c : '?';
  }
  return result;
}

// A label over the box's upper edge, or inside where there is no room.
void DrawCaption(const std::string& text, const vision::Box& box, int line,
                 vision::RgbColor color, cv::Mat* picture) {
  const double scale =
      std::max(0.45, std::max(picture->cols, picture->rows) / 1000.);
  const int thickness = std::max(1, static_cast<int>(std::lround(scale * 1.6)));
  std::string shown = text;
  int baseline = 0;
  cv::Size size = cv::getTextSize(shown, kFont, scale, thickness, &baseline);
  const int margin = std::max(3, size.height / 3);
  while (shown.size() > 4 && size.width + 2 * margin > picture->cols) {
    shown = absl::StrCat(shown.substr(0, shown.size() - 4), "...");
    size = cv::getTextSize(shown, kFont, scale, thickness, &baseline);
  }
  const int width = size.width + 2 * margin;
  const int height = size.height + baseline + margin;
  const int x = std::clamp(box.x0, 0, std::max(0, picture->cols - width));
  int y = box.y0 - height;
  if (y < 0) y = std::min(box.y0 + line, std::max(0, picture->rows - height));
  cv::rectangle(*picture, cv::Rect(x, y, width, height), ToScalar(color),
                cv::FILLED);
  cv::putText(*picture, shown,
              cv::Point(x + margin, y + size.height + margin / 2 + 1), kFont,
              scale, ToScalar(vision::kBlack), thickness, cv::LINE_AA);
}

}  // namespace

absl::Status DrawOptions::Validate() const {
  if (!(opacity >= 0 && opacity <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("opacity is ", opacity, ", expected a number in [0, 1]"));
  }
  if (min_side < 1 || max_side < min_side) {
    return absl::InvalidArgumentError(
        absl::StrCat("sides are ", min_side, " to ", max_side,
                     ", expected at least 1, the second not below the first"));
  }
  return absl::OkStatus();
}

absl::StatusOr<cv::Mat> DrawLocalization(const cv::Mat& rgb,
                                         const Localization& localization,
                                         const DrawOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  const auto check = [&](const char* what, const cv::Mat& matrix, int type) {
    if (matrix.type() == type && matrix.size() == rgb.size() &&
        !matrix.empty()) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("the ", what, " is ", cv::typeToString(matrix.type()),
                     ", ", matrix.cols, "x", matrix.rows, ", expected ",
                     cv::typeToString(type), ", ", rgb.cols, "x", rgb.rows));
  };
  VISION_RETURN_IF_ERROR(check("image", rgb, CV_8UC3));
  VISION_RETURN_IF_ERROR(check("map", localization.map, CV_32FC1));
  VISION_RETURN_IF_ERROR(check("mask", localization.mask, CV_8UC1));

  const int longer = std::max(rgb.cols, rgb.rows);
  double factor = 1;
  if (longer < options.min_side) {
    factor = std::min(16, (options.min_side + longer - 1) / longer);
  } else if (longer > options.max_side) {
    factor = static_cast<double>(options.max_side) / longer;
  }
  const auto scaled = [&](int size) {
    return std::max(1, static_cast<int>(std::lround(size * factor)));
  };
  const int width = scaled(rgb.cols);
  const int height = scaled(rgb.rows);
  VISION_ASSIGN_OR_RETURN(
      const cv::Mat image,
      vision::ResizeAntialiased(rgb, width, height,
                                vision::ResizeFilter::kBicubic));
  VISION_ASSIGN_OR_RETURN(
      const cv::Mat map,
      vision::ResizeMapBilinear(localization.map, width, height));
  VISION_ASSIGN_OR_RETURN(
      const cv::Mat mask,
      vision::ResizeMaskNearest(localization.mask, width, height));
  return vision::CallOpencv(
      "drawing a localization", [&]() -> absl::StatusOr<cv::Mat> {
        const int line = std::max(2, std::max(width, height) / 300);
        cv::Mat picture =
            vision::OverlayMask(Tint(image, map, options), mask, vision::kWhite,
                                0, std::max(1, line / 2));
        constexpr vision::RgbColor kColor = vision::kYellow;
        std::string caption;
        if (!localization.classes.empty()) {
          const ClassScore& best = localization.classes.front();
          caption = absl::StrFormat("%s %.1f%%", Ascii(best.name),
                                    100 * best.probability);
        }
        vision::Box labelled;  // The upper left corner, if there is no box.
        for (size_t i = localization.boxes.size(); i-- > 0;) {
          const vision::Box& box = localization.boxes[i].box;
          vision::Box drawn;
          drawn.x0 = static_cast<int>(std::lround(box.x0 * factor));
          drawn.y0 = static_cast<int>(std::lround(box.y0 * factor));
          drawn.x1 = static_cast<int>(std::lround(box.x1 * factor));
          drawn.y1 = static_cast<int>(std::lround(box.y1 * factor));
          vision::DrawBox(
              &picture, drawn, kColor, line,
              i == 0 ? vision::LineStyle::kSolid : vision::LineStyle::kDashed);
          labelled = drawn;
        }
        if (!caption.empty()) {
          DrawCaption(caption, labelled, line, kColor, &picture);
        }
        return picture;
      });
}

}  // namespace fcam
