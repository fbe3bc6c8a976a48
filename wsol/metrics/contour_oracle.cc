#include "wsol/metrics/contour_oracle.h"

#include <algorithm>

#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"

namespace wsol {

OracleContours FindContours(const cv::Mat& bytes, int level) {
  cv::Mat binary;
  cv::threshold(bytes, binary, level, 255, cv::THRESH_BINARY);
  std::vector<std::vector<cv::Point>> contours;
  cv::findContours(binary, contours, cv::RETR_TREE, cv::CHAIN_APPROX_SIMPLE);

  OracleContours result;
  double largest_area = -1;
  for (const std::vector<cv::Point>& contour : contours) {
    // Inclusive [x, y, min(x + w, W - 1), min(y + h, H - 1)], made half-open.
    const cv::Rect rect = cv::boundingRect(contour);
    result.boxes.push_back(
        {rect.x, rect.y, std::min(rect.x + rect.width, bytes.cols - 1) + 1,
         std::min(rect.y + rect.height, bytes.rows - 1) + 1});
    const double area = cv::contourArea(contour);
    if (area > largest_area) {
      largest_area = area;
      result.largest_box = result.boxes.back();
    }
  }
  if (contours.empty()) {
    result.largest_box = {0, 0, 1, 1};
    result.boxes.push_back(result.largest_box);
  }
  return result;
}

}  // namespace wsol
