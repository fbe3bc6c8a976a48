// The predicted boxes of all level sets {byte > T} of a score map at once.
//
// The WSOL protocol thresholds a map of bytes at up to 1000 values of tau and
// traces the contours of each binary image. There are at most 255 different
// ones, and two trees describe the boxes of all of them (verified against
// cv::findContours, see the test):
//  1. The boxes of RETR_TREE's contours are the bounding boxes of the
//     8-connected components of {byte > T} and, grown by a pixel to each side,
//     of the 4-connected components of {byte <= T} that do not reach the
//     border.
//  2. The contour of largest area is an outer one, of a component with its
//     holes filled; of equals OpenCV lists the one first whose first pixel in
//     raster order comes last.
//
//   wsol::LevelBoxes level_boxes;  // One per thread; keeps its buffers.
//   level_boxes.Compute(wsol::QuantizeScoreMap(map),
//                       wsol::EvaluationMode::kProtocol);
//   const int level = wsol::LevelOfTau(tau, level_boxes.max_byte());
//   vision::Box box = level_boxes.LargestBox(level);

#ifndef WSOL_METRICS_LEVEL_BOXES_H_
#define WSOL_METRICS_LEVEL_BOXES_H_

#include <array>
#include <vector>

#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"
#include "wsol/metrics/byte_plane.h"
#include "wsol/metrics/component_sweep.h"
#include "wsol/metrics/critical_pixels.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/fill_holes.h"
#include "wsol/metrics/largest_component.h"

namespace wsol {

// Not thread-safe.
class LevelBoxes {
 public:
  static constexpr int kMaxSide = BytePlane::kMaxSide;

  // Takes in one map, CV_8UC1, at least one pixel and at most kMaxSide a side.
  // In protocol mode boxes are the protocol's (ProtocolBox of protocol_frame.h)
  // for all contours; in native mode tight ones of components. 0.1 ms for a
  // smooth map of 224 x 224 pixels, 3 ms for noise.
  void Compute(const cv::Mat& bytes, EvaluationMode mode);

  // The largest byte of the map. From this level on the level sets are empty.
  int max_byte() const { return max_byte_; }

  // The box of the largest contour (MaxBoxAcc), or component, 0 <= level <=
  // 255. Where the level set is empty kNothingBox; in native mode an empty box.
  const vision::Box& LargestBox(int level) const {
    return largest_box_[static_cast<size_t>(level)];
  }

  // The boxes of all contours (MaxBoxAccV2), or components, at one level, 0 <=
  // level <= 255, in no particular order. Where the level set is empty
  // kNothingBox; in native mode none. O(all boxes).
  std::vector<vision::Box> BoxesAt(int level) const;

  // All boxes, of components and of holes, with the levels below max_byte() at
  // which they are there.
  const LevelBoxes16& component_boxes() const { return sweep_.boxes(); }
  const LevelBoxes16& hole_boxes() const { return hole_sweep_.boxes(); }

 private:
  int max_byte_ = 0;
  EvaluationMode mode_ = EvaluationMode::kProtocol;
  BytePlane image_, filled_, holes_, areas_;
  HoleFiller filler_;
  CriticalPixels pixels_;
  ComponentSweep sweep_, hole_sweep_;
  LargestComponent largest_;
  std::array<vision::Box, 256> largest_box_ = {};
};

}  // namespace wsol

#endif  // WSOL_METRICS_LEVEL_BOXES_H_
