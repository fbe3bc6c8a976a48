#include "fcam/seeds/erosion.h"

#include <algorithm>
#include <vector>

#include "glog/logging.h"

namespace fcam {

void Erode(absl::Span<const uint8_t> map, int height, int width, int kernel,
           absl::Span<uint8_t> eroded) {
  CHECK_GE(kernel, 1);
  CHECK_EQ(map.size(), static_cast<size_t>(height) * width);
  CHECK_EQ(eroded.size(), map.size());
  const int before = kernel / 2;
  const int after = kernel - 1 - before;

  // holes[y][x]: a 0 lies in the row window of (y, x).
  std::vector<uint8_t> holes(map.size());
  for (int y = 0; y < height; ++y) {
    const uint8_t* row = map.data() + static_cast<size_t>(y) * width;
    uint8_t* row_holes = holes.data() + static_cast<size_t>(y) * width;
    int zeros = 0;
    for (int x = 0; x < std::min(after, width); ++x) zeros += row[x] == 0;
    for (int x = 0; x < width; ++x) {
      if (x + after < width) zeros += row[x + after] == 0;
      row_holes[x] = zeros > 0;
      if (x - before >= 0) zeros -= row[x - before] == 0;
    }
  }

  // The same along columns, a whole row of counts at a time.
  std::vector<int32_t> counts(width, 0);
  const auto add = [&](int y, int sign) {
    const uint8_t* row = holes.data() + static_cast<size_t>(y) * width;
    for (int x = 0; x < width; ++x) counts[x] += sign * row[x];
  };
  for (int y = 0; y < std::min(after, height); ++y) add(y, 1);
  for (int y = 0; y < height; ++y) {
    if (y + after < height) add(y + after, 1);
    uint8_t* out = eroded.data() + static_cast<size_t>(y) * width;
    for (int x = 0; x < width; ++x) out[x] = counts[x] == 0;
    if (y - before >= 0) add(y - before, -1);
  }
}

int ErodeUnlessEmpty(int height, int width, int kernel, int iterations,
                     absl::Span<uint8_t> map) {
  std::vector<uint8_t> eroded(map.size());
  for (int i = 0; i < iterations; ++i) {
    Erode(map, height, width, kernel, absl::MakeSpan(eroded));
    if (std::find(eroded.begin(), eroded.end(), 1) == eroded.end()) return i;
    std::copy(eroded.begin(), eroded.end(), map.begin());
  }
  return iterations;
}

}  // namespace fcam
