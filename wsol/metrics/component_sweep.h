// The bounding boxes of the connected components of all upper level sets
// {value > level} of an image of bytes, from one sweep over the levels: a
// max-tree by union-find (Salembier, Oliveras, Garrido, IEEE TIP 1998; Berger
// et al., ICIP 2007) that only touches critical pixels. level_boxes.h makes
// contours of these; use that one.
//
//   wsol::CriticalPixels pixels;
//   pixels.Find(plane, wsol::Connectivity::kEight, nullptr);
//   wsol::ComponentSweep sweep;  // Both keep their buffers between images.
//   sweep.Run(plane, pixels, nullptr);
//   sweep.boxes().size;

#ifndef WSOL_METRICS_COMPONENT_SWEEP_H_
#define WSOL_METRICS_COMPONENT_SWEEP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "wsol/metrics/byte_plane.h"
#include "wsol/metrics/critical_pixels.h"

namespace wsol {

// Boxes, half-open, each with the levels, both included, at which it is there.
// Arrays of numbers, for vector code; only the first `size` entries count.
struct LevelBoxes16 {
  size_t size = 0;
  std::vector<int16_t> x0, y0, x1, y1;
  std::vector<uint8_t> first_level, last_level;

  // Makes room for `capacity` boxes.
  void Reserve(size_t capacity);
};

// Not thread-safe.
class ComponentSweep {
 public:
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  // Two components, each known by its oldest basin, join at `value`. The box of
  // `winner` goes on. If is_transient, `loser` began at this very value and was
  // never a component of a level set.
  struct Join {
    uint32_t winner;
    uint32_t loser;
    uint8_t value;
    bool is_transient;
  };

  // Sweeps over `plane`, given its critical pixels. What is left in the end
  // lives down to level 0, or, unless `end_values` is null, down to level 255 -
  // end_values(p) for the first pixel p that it began with. O(critical pixels *
  // log(basins)).
  void Run(const BytePlane& plane, const CriticalPixels& pixels,
           const BytePlane* end_values);

  // The same without what follows boxes(), in less time.
  void RunForBoxes(const BytePlane& plane, const CriticalPixels& pixels,
                   const BytePlane* end_values);

  // The tight bounding boxes of all components: those whose levels include T
  // are those of the components of {value > T}, one each, in no particular
  // order.
  const LevelBoxes16& boxes() const { return boxes_; }
  LevelBoxes16* mutable_boxes() { return &boxes_; }

  // In order of falling value.
  const std::vector<Join>& joins() const { return joins_; }

  // The boxes of the component whose oldest basin this is, from its highest
  // levels down: the number of the first one in boxes() (kNone if it is
  // transient), and of the one after a box.
  uint32_t FirstBox(uint32_t basin) const { return first_box_[basin]; }
  uint32_t NextBox(uint32_t box) const { return next_box_[box]; }

 private:
  struct Component {
    int16_t x0, y0, x1, y1;  // Bounding box, both ends included.
    uint32_t elder;          // Its oldest basin.
    uint32_t last_box;       // The last one recorded.
    uint32_t size;           // Basins.
    uint8_t since;           // The box is that of {>= value} from here on.
    uint8_t birth;           // Value of the oldest basin.
  };

  static uint64_t Age(const Component& component);
  static bool IsOutside(int x0, int y0, int x1, int y1,
                        const Component& component);

  template <bool kIsLinked>
  void Sweep(const BytePlane& plane, const CriticalPixels& pixels,
             const BytePlane* end_values);
  void Reserve(const CriticalPixels& pixels);

  LevelBoxes16 boxes_;
  std::vector<uint32_t> first_box_, next_box_;
  std::vector<Join> joins_;
  // Sets of basins, flat: every basin knows its set's root, and the members of
  // a set form a ring.
  std::vector<uint32_t> root_, next_;
  std::vector<Component> components_;
};

}  // namespace wsol

#endif  // WSOL_METRICS_COMPONENT_SWEEP_H_
