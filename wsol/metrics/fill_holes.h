// Grey-scale hole filling: finds the holes of all level sets of an image at
// once. Needed for the protocol's largest contour, which is an outer one, and
// for the contours of holes.
//
//   wsol::HoleFiller filler;  // Keeps its buffers between images.
//   const bool has_holes = filler.Fill(image, &filled, &holes);

#ifndef WSOL_METRICS_FILL_HOLES_H_
#define WSOL_METRICS_FILL_HOLES_H_

#include <cstdint>
#include <vector>

#include "wsol/metrics/byte_plane.h"

namespace wsol {

// Computes the lowest level at which each pixel is joined to the border,
//   F(p) = min over 4-connected paths from p to the border of max along it,
// the morphological reconstruction of Soille's fillhole. For every T the set
// {F > T} is {image > T} together with its holes, the 4-connected components
// of {image <= T} that do not touch the border. Not thread-safe.
class HoleFiller {
 public:
  // Sets *filled to F and *holes to 255 - image(p) where image(p) < F(p), else
  // 0: a pixel is in a hole at the levels image(p) <= T < F(p), so level sets
  // of *holes have the holes for components. Returns whether there are any.
  // Both must be other planes than `image`. O(pixels); 10 to 400 microseconds
  // for 224 x 224.
  bool Fill(const BytePlane& image, BytePlane* filled, BytePlane* holes);

 private:
  // A list of pixels for each level, linked through one array.
  struct Item {
    uint32_t pixel;
    uint32_t next;
  };

  void Flood(const BytePlane& image, BytePlane* filled);

  BytePlane image_transposed_, filled_transposed_;
  std::vector<uint32_t> unstable_;
  std::vector<Item> items_;
};

}  // namespace wsol

#endif  // WSOL_METRICS_FILL_HOLES_H_
