// The connected components of all upper level sets {value > level} of an
// image of bytes, from one sweep over the levels (a max-tree by union-find:
// Salembier, Oliveras, Garrido, IEEE TIP 1998; Berger et al., ICIP 2007).
// level_boxes.h makes contours of these; use that one.
//
//   wsol::ComponentSweep sweep;  // Keeps its buffers between images.
//   std::vector<wsol::LevelBox> boxes;
//   sweep.Run(plane, wsol::Connectivity::kEight, &boxes, nullptr);

#ifndef WSOL_METRICS_COMPONENT_SWEEP_H_
#define WSOL_METRICS_COMPONENT_SWEEP_H_

#include <array>
#include <cstdint>
#include <vector>

#include "vision/geometry/box.h"
#include "wsol/metrics/padded_plane.h"

namespace wsol {

enum class Connectivity { kFour, kEight };

// A box that is there at all levels from first_level to last_level, both
// included. `pixel` is one of its component's at last_level, as an index of
// the plane.
struct LevelBox {
  vision::Box box;
  int first_level = 0;
  int last_level = 0;
  uint32_t pixel = 0;
};

// At each level T the bounding box of the component of {value > T} that the
// protocol prefers; meaningless from the image's largest value on.
using PreferredBoxes = std::array<vision::Box, 256>;

// Pixels join in order of falling value; a component is known by a small
// number, given at its birth (a local maximum), which its pixels carry. Nearly
// all pixels only take over the number of a neighbour. Not thread-safe.
class ComponentSweep {
 public:
  // Sweeps over `plane`, at most 32766 pixels a side.
  //
  // Unless null, `boxes` gets the tight bounding boxes of all components
  // appended: for 0 <= T <= 254 the boxes whose levels include T are those of
  // the components of {value > T}, one each, in no particular order.
  //
  // Unless null, `preferred` gets the box of the component with the largest
  // contour area (of equals the one whose first pixel in raster order comes
  // last). Only for eight-connected components without holes (fill_holes.h).
  // The contour area of cv::contourArea is a sum over 2 x 2 windows of 1 where
  // all four pixels are in and 1/2 where three are.
  //
  // O(pixels * inverse Ackermann + boxes); about 1 ms for 224 x 224 pixels.
  void Run(const PaddedPlane& plane, Connectivity connectivity,
           std::vector<LevelBox>* boxes, PreferredBoxes* preferred);

 private:
  struct Component {
    int16_t x0, y0, x1, y1;  // Bounding box, half-open.
    int16_t value;           // The box is that of {>= value}; so far ...
    uint16_t rank;           // Union by rank.
    uint32_t parent;         // Number of a component it is part of, or its own.
    uint32_t birth;          // The pixel it grew from.
    uint32_t first;          // Its first pixel in raster order ...
    uint32_t area;           // ... and twice its contour area.
  };

  uint32_t Find(uint32_t number);
  uint32_t Merge(uint32_t a, uint32_t b, int value);
  void Extend(Component* component, int x, int y, int value);
  void Close(const Component& component, int value);
  void SortPixels(const PaddedPlane& plane);
  void FindNeighbours(const PaddedPlane& plane);
  void NoteArea(const Component& component, bool has_changed);
  const Component& Preferred();

  std::vector<LevelBox>* boxes_ = nullptr;
  std::array<uint32_t, 257> begin_of_value_ = {};
  std::vector<uint32_t> pixels_;     // By value, then in raster order.
  std::vector<uint8_t> neighbours_;  // Which of the eight come before a pixel.
  std::vector<uint32_t> number_;     // Of the component that a pixel is in.
  std::vector<Component> components_;
  // The largest area so far and a heap of the first pixels of the components
  // that may have it; outdated entries are dropped when they come up.
  uint32_t largest_area_ = 0;
  std::vector<uint32_t> candidates_;
};

}  // namespace wsol

#endif  // WSOL_METRICS_COMPONENT_SWEEP_H_
