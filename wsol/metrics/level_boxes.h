// The contour boxes of all level sets {byte > T} of a score map at once.
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
//   level_boxes.Compute(wsol::QuantizeScoreMap(map));
//   const int level = wsol::LevelOfTau(tau, level_boxes.max_byte());
//   vision::Box box = level_boxes.LargestContourBox(level);

#ifndef WSOL_METRICS_LEVEL_BOXES_H_
#define WSOL_METRICS_LEVEL_BOXES_H_

#include <vector>

#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"
#include "wsol/metrics/component_sweep.h"
#include "wsol/metrics/fill_holes.h"
#include "wsol/metrics/padded_plane.h"

namespace wsol {

// All boxes are the protocol's (ProtocolBox of protocol_frame.h). Not
// thread-safe.
class LevelBoxes {
 public:
  // Takes in one map, CV_8UC1, at least one pixel and at most 32766 a side.
  // About 1 ms for a smooth map of 224 x 224 pixels, 4 ms for noise.
  void Compute(const cv::Mat& bytes);

  // The largest byte of the map. From this level on the level sets are empty
  // and the only box is kNothingBox.
  int max_byte() const { return max_byte_; }

  // The box of the largest contour (MaxBoxAcc), 0 <= level <= 255.
  const vision::Box& LargestContourBox(int level) const;

  // The boxes of all contours (MaxBoxAccV2) with the levels, below max_byte(),
  // at which they exist; in no particular order. LevelBox::pixel is unused.
  const std::vector<LevelBox>& all_contours() const { return all_contours_; }

  // The boxes of all contours at one level, 0 <= level <= 255, in no
  // particular order. O(all_contours()).
  std::vector<vision::Box> ContourBoxes(int level) const;

 private:
  int max_byte_ = 0;
  PaddedPlane image_, filled_, holes_;
  HoleFiller filler_;
  ComponentSweep sweep_;
  std::vector<LevelBox> all_contours_;
  PreferredBoxes largest_contour_ = {};
};

}  // namespace wsol

#endif  // WSOL_METRICS_LEVEL_BOXES_H_
