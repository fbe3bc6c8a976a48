#include "wsol/metrics/level_boxes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

// The protocol's boxes of contours (ProtocolBox), of what lies `margin` pixels
// within them.
void ToProtocolBoxes(int margin, int width, int height, LevelBoxes16* boxes) {
  const auto m = static_cast<int16_t>(margin);
  const auto grown = static_cast<int16_t>(margin + 1);
  const auto w = static_cast<int16_t>(width), h = static_cast<int16_t>(height);
  const size_t size = boxes->size;
  int16_t* const x0 = boxes->x0.data();
  int16_t* const y0 = boxes->y0.data();
  int16_t* const x1 = boxes->x1.data();
  int16_t* const y1 = boxes->y1.data();
  for (size_t i = 0; i < size; ++i) {
    x0[i] = static_cast<int16_t>(x0[i] - m);
    y0[i] = static_cast<int16_t>(y0[i] - m);
    x1[i] = std::min(static_cast<int16_t>(x1[i] + grown), w);
    y1[i] = std::min(static_cast<int16_t>(y1[i] + grown), h);
  }
}

}  // namespace

void LevelBoxes::Compute(const cv::Mat& bytes, EvaluationMode mode) {
  CHECK_EQ(bytes.type(), CV_8UC1);
  CHECK(bytes.cols > 0 && bytes.rows > 0);
  CHECK(bytes.cols <= kMaxSide && bytes.rows <= kMaxSide);
  const int width = bytes.cols, height = bytes.rows;
  mode_ = mode;
  image_.Resize(width, height);
  areas_.Resize(width, height);
  uint8_t max_byte = 0;
  for (int y = 0; y < height; ++y) {
    const uint8_t* const row = bytes.ptr<uint8_t>(y);
    std::memcpy(image_.Row(y), row, static_cast<size_t>(width));
    for (int x = 0; x < width; ++x) max_byte = std::max(max_byte, row[x]);
  }
  max_byte_ = max_byte;
  hole_sweep_.mutable_boxes()->size = 0;

  const bool is_protocol = mode == EvaluationMode::kProtocol;
  const bool has_holes = is_protocol && filler_.Fill(image_, &filled_, &holes_);
  // The largest contour has its holes filled.
  const BytePlane& solid = has_holes ? filled_ : image_;
  pixels_.Find(solid, Connectivity::kEight, is_protocol ? &areas_ : nullptr);
  sweep_.Run(solid, pixels_, nullptr);
  if (!is_protocol) {
    for (int y = 0; y < height; ++y) {
      std::memset(areas_.Row(y), 1, static_cast<size_t>(width));
    }
  }
  largest_.Find(solid, pixels_, sweep_, areas_,
                is_protocol ? AreaBound::kContour : AreaBound::kPixels);
  for (int level = 0; level < 256; ++level) {
    vision::Box& box = largest_box_[static_cast<size_t>(level)];
    if (level >= max_byte_) {
      box = is_protocol ? kNothingBox : vision::Box();
    } else {
      box = largest_.BoxAt(level);
      if (is_protocol) box = ProtocolBox(box, width, height);
    }
  }
  if (has_holes) {
    pixels_.Find(image_, Connectivity::kEight, nullptr);
    sweep_.RunForBoxes(image_, pixels_, nullptr);
    // Level sets of `holes_` have the holes for components, at T = 254 - S. A
    // hole ends at its surrounding wall's lowest level, `filled_`, which is the
    // same for all its pixels.
    pixels_.Find(holes_, Connectivity::kFour, nullptr);
    hole_sweep_.RunForBoxes(holes_, pixels_, &filled_);
    LevelBoxes16& holes = *hole_sweep_.mutable_boxes();
    for (size_t i = 0; i < holes.size; ++i) {
      const int first = 254 - holes.last_level[i];
      holes.last_level[i] = static_cast<uint8_t>(254 - holes.first_level[i]);
      holes.first_level[i] = static_cast<uint8_t>(first);
    }
    // The contour runs through the pixels around the hole.
    ToProtocolBoxes(1, width, height, &holes);
  }
  if (is_protocol) ToProtocolBoxes(0, width, height, sweep_.mutable_boxes());
}

std::vector<vision::Box> LevelBoxes::BoxesAt(int level) const {
  if (level >= max_byte_) {
    if (mode_ == EvaluationMode::kNative) return {};
    return {kNothingBox};
  }
  std::vector<vision::Box> boxes;
  for (const LevelBoxes16* const list : {&component_boxes(), &hole_boxes()}) {
    for (size_t i = 0; i < list->size; ++i) {
      if (list->first_level[i] <= level && level <= list->last_level[i]) {
        boxes.push_back({list->x0[i], list->y0[i], list->x1[i], list->y1[i]});
      }
    }
  }
  return boxes;
}

}  // namespace wsol
