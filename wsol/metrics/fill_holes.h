// Grey-scale hole filling: fills the holes of all level sets of an image at
// once. Needed for the protocol's largest contour, which is an outer one.
//
//   wsol::HoleFiller filler;  // Keeps its buffers between images.
//   const bool has_holes = filler.Fill(image, &filled);

#ifndef WSOL_METRICS_FILL_HOLES_H_
#define WSOL_METRICS_FILL_HOLES_H_

#include <array>
#include <cstdint>
#include <vector>

#include "wsol/metrics/padded_plane.h"

namespace wsol {

// Computes the lowest level at which each pixel is joined to the border,
//   F(p) = min over 4-connected paths from p to the border of max along it,
// the morphological reconstruction of Soille's fillhole. For every T the set
// {F > T} is {image > T} together with its holes, the 4-connected components
// of {image <= T} that do not touch the border. Not thread-safe.
class HoleFiller {
 public:
  // Sets *filled (which must not be `image`) to F. True if it differs from
  // the image. A flood in order of levels: O(pixels).
  bool Fill(const PaddedPlane& image, PaddedPlane* filled);

 private:
  // Pixels that the flood has reached and not yet left, by their F.
  std::array<std::vector<uint32_t>, 256> fronts_;
  std::vector<uint8_t> is_reached_;
};

}  // namespace wsol

#endif  // WSOL_METRICS_FILL_HOLES_H_
