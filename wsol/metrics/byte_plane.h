// Bytes of an image between zeros, laid out for vector code: rows begin at
// multiples of 64 bytes, a power of two apart, so that an index gives its row
// and column by shifts, every pixel has eight neighbours, and whole vectors can
// be read a pixel beyond each side.
//
//   plane.Resize(width, height);
//   plane.Row(y)[x] = 255;

#ifndef WSOL_METRICS_BYTE_PLANE_H_
#define WSOL_METRICS_BYTE_PLANE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace wsol {

class BytePlane {
 public:
  // Pixels a side: coordinates fit into 16 bits, indices into 32.
  static constexpr int kMaxSide = 32766;

  // Makes a plane of zeros; keeps everything if the size is the same. Whoever
  // writes beyond the width must write zeros.
  void Resize(int width, int height) {
    if (width == width_ && height == height_) return;
    width_ = width;
    height_ = height;
    shift_ = 6;
    while ((1 << shift_) <= width) ++shift_;
    lines_.assign((static_cast<size_t>(height + 2) << shift_) / kLine + 2,
                  Line());
  }

  int width() const { return width_; }
  int height() const { return height_; }
  // Words of 64 pixels that cover a row.
  int words() const { return (width_ + 63) / 64; }
  int shift() const { return shift_; }
  ptrdiff_t stride() const { return ptrdiff_t{1} << shift_; }

  // The first pixel of row -1 <= y <= height; the outer two are zeros.
  uint8_t* Row(int y) {
    return data() + (static_cast<ptrdiff_t>(y + 1) << shift_);
  }
  const uint8_t* Row(int y) const {
    return data() + (static_cast<ptrdiff_t>(y + 1) << shift_);
  }

  // Pixels by index: data()[Index(x, y)] is Row(y)[x].
  uint8_t* data() { return lines_[1].bytes; }
  const uint8_t* data() const { return lines_[1].bytes; }
  uint32_t Index(int x, int y) const {
    return (static_cast<uint32_t>(y + 1) << shift_) + static_cast<uint32_t>(x);
  }
  int X(uint32_t index) const {
    return static_cast<int>(index & ((uint32_t{1} << shift_) - 1));
  }
  int Y(uint32_t index) const { return static_cast<int>(index >> shift_) - 1; }

 private:
  static constexpr size_t kLine = 64;
  struct alignas(kLine) Line {
    uint8_t bytes[kLine] = {};
  };

  int width_ = 0;
  int height_ = 0;
  int shift_ = 6;
  // A line before row -1 and one after row `height`.
  std::vector<Line> lines_ = std::vector<Line>(4);
};

}  // namespace wsol

#endif  // WSOL_METRICS_BYTE_PLANE_H_
