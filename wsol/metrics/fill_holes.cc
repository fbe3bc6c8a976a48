#include "wsol/metrics/fill_holes.h"

#include <algorithm>
#include <cstddef>

namespace wsol {

bool HoleFiller::Fill(const PaddedPlane& image, PaddedPlane* filled) {
  const int width = image.width, height = image.height;
  filled->Reset(width, height);
  // The frame counts as reached: the flood does not leave the image.
  is_reached_.assign(image.values.size(), 1);
  for (int y = 0; y < height; ++y) {
    std::fill_n(is_reached_.begin() + image.Index(0, y), width, uint8_t{0});
  }

  bool has_holes = false;
  const auto reach = [&](uint32_t p, uint8_t level) {
    if (is_reached_[p]) return;
    is_reached_[p] = 1;
    const uint8_t value = image.values[p];
    has_holes |= value < level;
    filled->values[p] = std::max(value, level);
    fronts_[filled->values[p]].push_back(p);
  };
  for (int x = 0; x < width; ++x) {
    reach(image.Index(x, 0), 0);
    reach(image.Index(x, height - 1), 0);
  }
  for (int y = 0; y < height; ++y) {
    reach(image.Index(0, y), 0);
    reach(image.Index(width - 1, y), 0);
  }
  const uint32_t stride = static_cast<uint32_t>(image.Stride());
  for (size_t level = 0; level < fronts_.size(); ++level) {
    std::vector<uint32_t>& front = fronts_[level];
    while (!front.empty()) {
      const uint32_t p = front.back();
      front.pop_back();
      for (const uint32_t q : {p - 1, p + 1, p - stride, p + stride}) {
        reach(q, static_cast<uint8_t>(level));
      }
    }
  }
  return has_holes;
}

}  // namespace wsol
