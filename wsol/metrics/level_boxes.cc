#include "wsol/metrics/level_boxes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {

void LevelBoxes::Compute(const cv::Mat& bytes) {
  CHECK_EQ(bytes.type(), CV_8UC1);
  CHECK(bytes.cols > 0 && bytes.rows > 0);
  const int width = bytes.cols, height = bytes.rows;
  image_.Reset(width, height);
  for (int y = 0; y < height; ++y) {
    std::copy_n(bytes.ptr<uint8_t>(y), width,
                &image_.values[image_.Index(0, y)]);
  }
  max_byte_ = *std::max_element(image_.values.begin(), image_.values.end());

  all_contours_.clear();
  const bool has_holes = filler_.Fill(image_, &filled_);
  if (has_holes) {
    sweep_.Run(image_, Connectivity::kEight, &all_contours_, nullptr);
    sweep_.Run(filled_, Connectivity::kEight, nullptr, &largest_contour_);
  } else {
    sweep_.Run(image_, Connectivity::kEight, &all_contours_, &largest_contour_);
  }
  for (LevelBox& contour : all_contours_) {
    contour.box = ProtocolBox(contour.box, width, height);
  }
  for (int level = 0; level < 256; ++level) {
    vision::Box& box = largest_contour_[static_cast<size_t>(level)];
    box = level < max_byte_ ? ProtocolBox(box, width, height) : kNothingBox;
  }
  if (!has_holes) return;

  // A pixel p is in a hole at the levels image(p) <= T < filled(p). So lower
  // level sets of those pixels alone have the holes for components: {255 -
  // image > S} at T = 254 - S. Pixels of one component are cut off from the
  // border by the same wall, hence have the same F, the level at which the hole
  // ends.
  holes_.Reset(width, height);
  for (size_t p = 0; p < image_.values.size(); ++p) {
    const bool is_hole = image_.values[p] < filled_.values[p];
    holes_.values[p] =
        is_hole ? static_cast<uint8_t>(255 - image_.values[p]) : 0;
  }
  const size_t num_outer = all_contours_.size();
  sweep_.Run(holes_, Connectivity::kFour, &all_contours_, nullptr);
  for (size_t i = num_outer; i < all_contours_.size(); ++i) {
    LevelBox& hole = all_contours_[i];
    // The contour runs through the pixels around the hole.
    const vision::Box around{hole.box.x0 - 1, hole.box.y0 - 1, hole.box.x1 + 1,
                             hole.box.y1 + 1};
    hole.box = ProtocolBox(around, width, height);
    const int first_level = 254 - hole.last_level;
    hole.last_level =
        std::min(254 - hole.first_level, filled_.values[hole.pixel] - 1);
    hole.first_level = first_level;
  }
}

const vision::Box& LevelBoxes::LargestContourBox(int level) const {
  return largest_contour_[static_cast<size_t>(level)];
}

std::vector<vision::Box> LevelBoxes::ContourBoxes(int level) const {
  if (level >= max_byte_) return {kNothingBox};
  std::vector<vision::Box> boxes;
  for (const LevelBox& contour : all_contours_) {
    if (contour.first_level <= level && level <= contour.last_level) {
      boxes.push_back(contour.box);
    }
  }
  return boxes;
}

}  // namespace wsol
