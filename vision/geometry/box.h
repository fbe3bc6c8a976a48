// A box of pixels, the one type for boxes in this repository.
//
//   const vision::Box box{2, 1, 5, 3};  // Columns 2, 3, 4 of rows 1 and 2.
//   box.Width();   // 3
//   box.Area();    // 6
//
// Formats with inclusive ends or other corners are converted where they are
// read or computed, never here.

#ifndef VISION_GEOMETRY_BOX_H_
#define VISION_GEOMETRY_BOX_H_

#include <cstdint>
#include <ostream>

namespace vision {

// The pixels (x, y) with x0 <= x < x1 and y0 <= y < y1: half-open, x to the
// right, y down, in pixels. A box with x1 <= x0 or y1 <= y0 holds none.
struct Box {
  int x0 = 0;
  int y0 = 0;
  int x1 = 0;
  int y1 = 0;

  // True if the box holds no pixel.
  constexpr bool IsEmpty() const { return x1 <= x0 || y1 <= y0; }
  // Extents in pixels; 0 for an empty box. 64 bits: no coordinates overflow.
  constexpr int64_t Width() const {
    return IsEmpty() ? 0 : static_cast<int64_t>(x1) - x0;
  }
  constexpr int64_t Height() const {
    return IsEmpty() ? 0 : static_cast<int64_t>(y1) - y0;
  }
  // Number of pixels. Exact for areas below 2^63.
  constexpr int64_t Area() const { return Width() * Height(); }
};

// Equality of the four numbers: two empty boxes may differ.
constexpr bool operator==(const Box& a, const Box& b) {
  return a.x0 == b.x0 && a.y0 == b.y0 && a.x1 == b.x1 && a.y1 == b.y1;
}
constexpr bool operator!=(const Box& a, const Box& b) { return !(a == b); }

// Writes "[x0, x1) x [y0, y1)".
std::ostream& operator<<(std::ostream& os, const Box& box);

// The pixels in both boxes; Box() if there are none.
Box Intersection(const Box& a, const Box& b);

}  // namespace vision

#endif  // VISION_GEOMETRY_BOX_H_
