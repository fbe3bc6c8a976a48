#include "wsol/metrics/component_sweep.h"

#include <algorithm>
#include <utility>

namespace wsol {

void LevelBoxes16::Reserve(size_t capacity) {
  if (x0.size() >= capacity) return;
  capacity += capacity / 2;
  for (std::vector<int16_t>* const v : {&x0, &y0, &x1, &y1}) {
    v->resize(capacity);
  }
  first_level.resize(capacity);
  last_level.resize(capacity);
}

// The larger, the older: by value of the oldest basin, then by its number.
inline uint64_t ComponentSweep::Age(const Component& c) {
  return uint64_t{c.birth} << 32 | (kNone - c.elder);
}

// Whether a box sticks out of the component's: the sign of one of four
// differences, since four comparisons that nobody can predict cost more.
inline bool ComponentSweep::IsOutside(int x0, int y0, int x1, int y1,
                                      const Component& c) {
  return ((x0 - c.x0) | (y0 - c.y0) | (c.x1 - x1) | (c.y1 - y1)) < 0;
}

void ComponentSweep::Run(const BytePlane& plane, const CriticalPixels& pixels,
                         const BytePlane* end_values) {
  Sweep<true>(plane, pixels, end_values);
}

void ComponentSweep::RunForBoxes(const BytePlane& plane,
                                 const CriticalPixels& pixels,
                                 const BytePlane* end_values) {
  Sweep<false>(plane, pixels, end_values);
}

// One long function with local pointers: stores of bytes could change the
// members, and compilers would read them anew after each.
template <bool kIsLinked>
void ComponentSweep::Sweep(const BytePlane& plane, const CriticalPixels& pixels,
                           const BytePlane* end_values) {
  const absl::Span<const uint32_t> births = pixels.births();
  const size_t num_basins = births.size();
  Reserve(pixels);
  int16_t* const box_x0 = boxes_.x0.data();
  int16_t* const box_y0 = boxes_.y0.data();
  int16_t* const box_x1 = boxes_.x1.data();
  int16_t* const box_y1 = boxes_.y1.data();
  uint8_t* const box_first = boxes_.first_level.data();
  uint8_t* const box_last = boxes_.last_level.data();
  uint32_t* const first_box = first_box_.data();
  uint32_t* const next_box = next_box_.data();
  uint32_t* const root = root_.data();
  uint32_t* const next = next_.data();
  Component* const components = components_.data();
  size_t num_boxes = 0;

  for (size_t b = 0; b < num_basins; ++b) {
    const auto basin = static_cast<uint32_t>(b);
    const auto x = static_cast<int16_t>(plane.X(births[b]));
    const auto y = static_cast<int16_t>(plane.Y(births[b]));
    const uint8_t value = plane.data()[births[b]];
    root[b] = next[b] = basin;
    if constexpr (kIsLinked) first_box[b] = kNone;
    components[b] = {x, y, x, y, basin, kNone, 1, value, value};
  }

  // Notes the component's box, before it changes at `value`, for the levels at
  // which it was there, if any: a box that changes twice at one value was there
  // at none.
  const auto record = [&](Component& c, int value) {
    if (c.since == value) return;
    const size_t i = num_boxes++;
    box_x0[i] = c.x0;
    box_y0[i] = c.y0;
    box_x1[i] = static_cast<int16_t>(c.x1 + 1);
    box_y1[i] = static_cast<int16_t>(c.y1 + 1);
    box_first[i] = static_cast<uint8_t>(value);
    box_last[i] = static_cast<uint8_t>(c.since - 1);
    if constexpr (kIsLinked) {
      const auto number = static_cast<uint32_t>(i);
      (c.last_box == kNone ? first_box[c.elder] : next_box[c.last_box]) =
          number;
      c.last_box = number;
    }
    c.since = static_cast<uint8_t>(value);
  };

  for (int value = 255; value >= 1; --value) {
    for (const Saddle& saddle : pixels.SaddlesOf(value)) {
      const uint32_t a = root[saddle.basin_a], b = root[saddle.basin_b];
      if (a == b) continue;
      const bool is_a_older = Age(components[a]) > Age(components[b]);
      Component& winner = components[is_a_older ? a : b];
      Component& loser = components[is_a_older ? b : a];
      if constexpr (kIsLinked) {
        joins_.push_back({winner.elder, loser.elder,
                          static_cast<uint8_t>(value), loser.birth == value});
      }
      record(loser, value);
      if (IsOutside(loser.x0, loser.y0, loser.x1, loser.y1, winner)) {
        record(winner, value);
        winner.x0 = std::min(winner.x0, loser.x0);
        winner.y0 = std::min(winner.y0, loser.y0);
        winner.x1 = std::max(winner.x1, loser.x1);
        winner.y1 = std::max(winner.y1, loser.y1);
      }
      // The larger set keeps its root, so that a basin changes it O(log n)
      // times.
      const bool is_a_larger = components[a].size >= components[b].size;
      const uint32_t large = is_a_larger ? a : b;
      const uint32_t small = is_a_larger ? b : a;
      winner.size += loser.size;
      if (&winner != &components[large]) components[large] = winner;
      uint32_t member = small;
      do {
        root[member] = large;
        member = next[member];
      } while (member != small);
      std::swap(next[large], next[small]);
    }
    for (const Extreme& extreme : pixels.ExtremesOf(value)) {
      Component& c = components[root[extreme.basin]];
      if (!IsOutside(extreme.x, extreme.y, extreme.x, extreme.y, c)) continue;
      record(c, value);
      c.x0 = std::min(c.x0, extreme.x);
      c.y0 = std::min(c.y0, extreme.y);
      c.x1 = std::max(c.x1, extreme.x);
      c.y1 = std::max(c.y1, extreme.y);
    }
  }
  for (size_t b = 0; b < num_basins; ++b) {
    if (root[b] != b) continue;
    const int end =
        end_values == nullptr ? 0 : 255 - end_values->data()[births[b]];
    record(components[b], end);
  }
  boxes_.size = num_boxes;
}

void ComponentSweep::Reserve(const CriticalPixels& pixels) {
  const size_t num_basins = pixels.births().size();
  if (root_.size() < num_basins) {
    const size_t size = num_basins + num_basins / 2;
    root_.resize(size);
    next_.resize(size);
    components_.resize(size);
    first_box_.resize(size);
  }
  // A box ends with each extreme, with each of two components that join, and in
  // the end.
  boxes_.Reserve(pixels.num_extremes() + 3 * num_basins);
  next_box_.resize(boxes_.x0.size());
  joins_.clear();
}

}  // namespace wsol
