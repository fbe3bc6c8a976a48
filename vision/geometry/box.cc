#include "vision/geometry/box.h"

#include <algorithm>
#include <ostream>

namespace vision {

std::ostream& operator<<(std::ostream& os, const Box& box) {
  return os << "[" << box.x0 << ", " << box.x1 << ") x [" << box.y0 << ", "
            << box.y1 << ")";
}

Box Intersection(const Box& a, const Box& b) {
  const Box result{std::max(a.x0, b.x0), std::max(a.y0, b.y0),
                   std::min(a.x1, b.x1), std::min(a.y1, b.y1)};
  return result.IsEmpty() ? Box() : result;
}

}  // namespace vision
