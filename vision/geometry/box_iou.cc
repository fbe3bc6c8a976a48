#include "vision/geometry/box_iou.h"

#include <cstdint>

#include "vision/geometry/box.h"

namespace vision {

double BoxIou(const Box& a, const Box& b) {
  const int64_t both = Intersection(a, b).Area();
  const int64_t either = a.Area() + b.Area() - both;
  if (either == 0) return 0;
  return static_cast<double>(both) / static_cast<double>(either);
}

}  // namespace vision
