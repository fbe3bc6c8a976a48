// Intersection over union of pixel boxes, the overlap of detection.
//
//   vision::BoxIou({0, 0, 2, 2}, {1, 0, 3, 2});  // 2 / 6 = 1/3
//
// The WSOL protocol counts with inclusive ends; its evaluator converts to
// half-open boxes first (x1 + 1, y1 + 1), and then the figures are the same.

#ifndef VISION_GEOMETRY_BOX_IOU_H_
#define VISION_GEOMETRY_BOX_IOU_H_

#include "vision/geometry/box.h"

namespace vision {

// |a and b| / |a or b| in pixels, in [0, 1]; 0 if both boxes are empty. One
// division of exact integers, so equal overlaps give equal bits.
double BoxIou(const Box& a, const Box& b);

}  // namespace vision

#endif  // VISION_GEOMETRY_BOX_IOU_H_
