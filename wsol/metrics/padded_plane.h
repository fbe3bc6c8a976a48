// Bytes of an image with a frame of zeros around it, so that every pixel has
// eight neighbours and loops over them need no bounds.
//
//   plane.Reset(width, height);
//   plane.values[plane.Index(x, y)] = 255;

#ifndef WSOL_METRICS_PADDED_PLANE_H_
#define WSOL_METRICS_PADDED_PLANE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace wsol {

struct PaddedPlane {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> values;  // (height + 2) rows of Stride() bytes.

  // Sets the size and all values, the frame's too, to zero.
  void Reset(int new_width, int new_height) {
    width = new_width;
    height = new_height;
    values.assign(static_cast<size_t>(Stride()) * (height + 2), 0);
  }

  // Distance between a pixel and the one below it.
  int Stride() const { return width + 2; }

  // Where pixel (x, y) of the image is, 0 <= x < width, 0 <= y < height.
  uint32_t Index(int x, int y) const {
    return static_cast<uint32_t>((y + 1) * Stride() + x + 1);
  }
};

}  // namespace wsol

#endif  // WSOL_METRICS_PADDED_PLANE_H_
