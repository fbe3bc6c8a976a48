// Which component of each level set is the largest one.
//
//   wsol::LargestComponent largest;  // Keeps its buffers between images.
//   largest.Find(plane, pixels, sweep, areas, wsol::AreaBound::kContour);
//   largest.BoxAt(level);

#ifndef WSOL_METRICS_LARGEST_COMPONENT_H_
#define WSOL_METRICS_LARGEST_COMPONENT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "vision/geometry/box.h"
#include "wsol/metrics/byte_plane.h"
#include "wsol/metrics/component_sweep.h"
#include "wsol/metrics/critical_pixels.h"

namespace wsol {

// What an area can be at most in a box of w x h pixels.
enum class AreaBound {
  kContour,  // 2 (w - 1)(h - 1): twice the contour area.
  kPixels,   // w h: the number of pixels.
};

// Not thread-safe.
class LargestComponent {
 public:
  // Finds the component of largest area at each level, the area being the sum
  // of `areas` (0 to 4) over its pixels; of equals the one whose first pixel in
  // raster order comes last, as OpenCV 4.6 lists contours. `plane`, `pixels`
  // and `sweep` belong together; areas are at most AreaBound's.
  void Find(const BytePlane& plane, const CriticalPixels& pixels,
            const ComponentSweep& sweep, const BytePlane& areas,
            AreaBound bound);

  // Its tight bounding box, at a level below the plane's largest value.
  const vision::Box& BoxAt(int level) const {
    return box_at_[static_cast<size_t>(level)];
  }

 private:
  // Of a run begin ... end - 1 the pixels left ... right - 1 are in the areas
  // already.
  struct Front {
    uint32_t begin, end, left, right;
    uint32_t component;
    uint32_t next;  // In the list of those that wait for the same value.
  };

  void NumberComponents(size_t num_basins);
  void TabulateAreas();
  void StartFronts();
  void BoundAreas(AreaBound bound);
  void JoinAt(int value);
  void AddAreas(int value);
  uint32_t Advance(Front* front, int value) const;
  void NoteArea(uint32_t root);
  uint32_t LastOfTies(int value);
  uint32_t LastOfAll(int value);
  uint32_t BoxOf(uint32_t root, int level);
  uint32_t FirstPixel(uint32_t root, int value);

  // The arguments of Find.
  const BytePlane* plane_ = nullptr;
  const CriticalPixels* pixels_ = nullptr;
  const ComponentSweep* sweep_ = nullptr;
  const BytePlane* areas_ = nullptr;

  // Components by number: basins that were one at some level; in raster order
  // of their births. The number of every basin, and the other way round.
  size_t num_components_ = 0;
  std::vector<uint32_t> component_of_, basin_of_;
  // Down to this value no area matters: there is one component only.
  int alone_from_ = 0;
  size_t next_join_ = 0;

  // Sets of components, flat as in ComponentSweep. By root: the one whose boxes
  // are the set's, its area and its number of members. By elder: the box at the
  // level at hand.
  std::vector<uint32_t> root_, next_, elder_, area_, size_, box_;

  // The largest area so far, and who may have it.
  uint32_t largest_area_ = 0;
  std::vector<uint32_t> ties_;

  // For few components: [component][2][value] sums of areas. For many: fronts,
  // in lists by the value that they wait for, and bounds of the areas.
  bool is_tabulated_ = false;
  std::vector<uint32_t> table_;
  std::vector<Front> fronts_;
  std::array<uint32_t, 256> front_list_ = {};
  int pending_value_ = 0;
  std::array<uint32_t, 256> first_bound_ = {}, second_bound_ = {};
  std::array<uint32_t, 256> bound_box_ = {};

  std::array<vision::Box, 256> box_at_ = {};
};

}  // namespace wsol

#endif  // WSOL_METRICS_LARGEST_COMPONENT_H_
