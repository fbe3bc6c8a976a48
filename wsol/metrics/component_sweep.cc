#include "wsol/metrics/component_sweep.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "glog/logging.h"

namespace wsol {
namespace {

// The eight neighbours, clockwise from north. Bit i of a mask: neighbour i.
constexpr int kRingX[8] = {0, 1, 1, 1, 0, -1, -1, -1};
constexpr int kRingY[8] = {-1, -1, 0, 1, 1, 1, 0, -1};

// What a pixel does when it joins, by which of its neighbours are in already.
struct Rule {
  // Groups of neighbours that hang together within the ring and that the pixel
  // is connected to, and one neighbour of each.
  int8_t num_groups = 0;
  int8_t neighbour[4] = {0, 0, 0, 0};
  // False if neighbours on all sides prove that the box holds the pixel.
  bool may_extend = true;
  // Windows of 2 x 2 pixels in which it is the third or the fourth: each adds
  // one half to the contour area.
  uint8_t twice_area = 0;
};

using Rules = std::array<Rule, 256>;

Rule MakeRule(int mask, Connectivity connectivity) {
  const bool is_eight = connectivity == Connectivity::kEight;
  const auto is_in = [mask](int i) { return ((mask >> (i & 7)) & 1) != 0; };
  const auto touch = [is_eight](int i, int j) {
    const int dx = std::abs(kRingX[i] - kRingX[j]);
    const int dy = std::abs(kRingY[i] - kRingY[j]);
    return is_eight ? std::max(dx, dy) <= 1 : dx + dy <= 1;
  };
  int group[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  for (int pass = 0; pass < 8; ++pass) {
    for (int i = 0; i < 8; ++i) {
      for (int j = 0; j < 8; ++j) {
        if (is_in(i) && is_in(j) && touch(i, j)) {
          group[i] = group[j] = std::min(group[i], group[j]);
        }
      }
    }
  }
  Rule rule;
  bool is_joined[8] = {};
  for (int i = 0; i < 8; ++i) {
    const bool is_connected = is_eight || kRingX[i] == 0 || kRingY[i] == 0;
    if (!is_in(i) || !is_connected || is_joined[group[i]]) continue;
    is_joined[group[i]] = true;
    rule.neighbour[rule.num_groups++] = static_cast<int8_t>(i);
  }
  bool left = false, right = false, above = false, below = false;
  for (int i = 0; i < 8; ++i) {
    if (!is_in(i) || !is_joined[group[i]]) continue;
    left |= kRingX[i] <= 0;
    right |= kRingX[i] >= 0;
    above |= kRingY[i] <= 0;
    below |= kRingY[i] >= 0;
  }
  rule.may_extend = !(left && right && above && below);
  for (int corner = 1; corner < 8; corner += 2) {
    const int others = is_in(corner - 1) + is_in(corner) + is_in(corner + 1);
    rule.twice_area += others >= 2;
  }
  return rule;
}

Rules MakeRules(Connectivity connectivity) {
  Rules rules;
  for (int mask = 0; mask < 256; ++mask) {
    rules[static_cast<size_t>(mask)] = MakeRule(mask, connectivity);
  }
  return rules;
}

const Rules& RulesOf(Connectivity connectivity) {
  static const Rules* const four = new Rules(MakeRules(Connectivity::kFour));
  static const Rules* const eight = new Rules(MakeRules(Connectivity::kEight));
  return connectivity == Connectivity::kFour ? *four : *eight;
}

}  // namespace

void ComponentSweep::Run(const PaddedPlane& plane, Connectivity connectivity,
                         std::vector<LevelBox>* boxes,
                         PreferredBoxes* preferred) {
  // int16_t holds the coordinates.
  CHECK(plane.width <= 32766 && plane.height <= 32766)
      << plane.width << " x " << plane.height;
  CHECK(preferred == nullptr || connectivity == Connectivity::kEight);
  boxes_ = boxes;
  SortPixels(plane);
  FindNeighbours(plane);
  number_.resize(plane.values.size());
  components_.clear();
  candidates_.clear();
  largest_area_ = 0;

  const Rules& rules = RulesOf(connectivity);
  const uint32_t stride = static_cast<uint32_t>(plane.Stride());
  std::array<uint32_t, 8> offset;  // Modulo 2^32.
  for (size_t i = 0; i < 8; ++i) {
    offset[i] = static_cast<uint32_t>(kRingY[i] * plane.Stride() + kRingX[i]);
  }
  for (size_t value = 255; value >= 1; --value) {
    const int v = static_cast<int>(value);
    const uint32_t begin = begin_of_value_[value];
    const uint32_t end = begin_of_value_[value + 1];
    for (uint32_t i = begin; i < end; ++i) {
      const uint32_t p = pixels_[i];
      const Rule& rule = rules[neighbours_[p]];
      const auto neighbour_number = [&](int group) {
        return number_[p + offset[static_cast<size_t>(rule.neighbour[group])]];
      };
      uint32_t number;
      if (rule.num_groups == 0) {
        number = static_cast<uint32_t>(components_.size());
        const auto x = static_cast<int16_t>(p % stride - 1);
        const auto y = static_cast<int16_t>(p / stride - 1);
        components_.push_back({x, y, static_cast<int16_t>(x + 1),
                               static_cast<int16_t>(y + 1),
                               static_cast<int16_t>(v), 0, number, p, p, 0});
      } else {
        number = neighbour_number(0);
        if (rule.num_groups == 1 && !rule.may_extend && preferred == nullptr) {
          number_[p] = number;
          continue;
        }
        number = Find(number);
        for (int group = 1; group < rule.num_groups; ++group) {
          number = Merge(number, Find(neighbour_number(group)), v);
        }
        if (rule.may_extend) {
          Extend(&components_[number], static_cast<int>(p % stride) - 1,
                 static_cast<int>(p / stride) - 1, v);
        }
      }
      number_[p] = number;
      if (preferred != nullptr) {
        Component& component = components_[number];
        component.area += rule.twice_area;
        component.first = std::min(component.first, p);
        NoteArea(component, rule.num_groups != 1 || rule.twice_area > 0 ||
                                component.first == p);
      }
    }
    if (preferred == nullptr) continue;
    if (begin == end) {
      if (value < 255) (*preferred)[value - 1] = (*preferred)[value];
    } else {
      const Component& best = Preferred();
      (*preferred)[value - 1] = {best.x0, best.y0, best.x1, best.y1};
    }
  }
  for (size_t i = 0; i < components_.size(); ++i) {
    if (components_[i].parent == i) Close(components_[i], 0);
  }
}

void ComponentSweep::SortPixels(const PaddedPlane& plane) {
  std::array<uint32_t, 256> cursor = {};
  for (int y = 0; y < plane.height; ++y) {
    const uint8_t* const row = &plane.values[plane.Index(0, y)];
    for (int x = 0; x < plane.width; ++x) ++cursor[row[x]];
  }
  uint32_t sum = 0;
  for (size_t value = 0; value < 256; ++value) {
    begin_of_value_[value] = sum;
    sum += cursor[value];
    cursor[value] = begin_of_value_[value];
  }
  begin_of_value_[256] = sum;
  pixels_.resize(sum);
  for (int y = 0; y < plane.height; ++y) {
    const uint32_t begin = plane.Index(0, y);
    for (uint32_t p = begin; p < begin + static_cast<uint32_t>(plane.width);
         ++p) {
      pixels_[cursor[plane.values[p]]++] = p;
    }
  }
}

void ComponentSweep::FindNeighbours(const PaddedPlane& plane) {
  neighbours_.resize(plane.values.size());
  const ptrdiff_t stride = plane.Stride();
  for (int y = 0; y < plane.height; ++y) {
    const uint32_t begin = plane.Index(0, y);
    const uint8_t* const here = &plane.values[begin];
    const uint8_t* const above = here - stride;
    const uint8_t* const below = here + stride;
    uint8_t* const mask = &neighbours_[begin];
    // Of equal values those before it in raster order have joined. Compilers
    // turn this into vector code.
    for (int x = 0; x < plane.width; ++x) {
      const uint8_t v = here[x];
      mask[x] = static_cast<uint8_t>(
          (above[x] >= v ? 1 : 0) | (above[x + 1] >= v ? 2 : 0) |
          (here[x + 1] > v ? 4 : 0) | (below[x + 1] > v ? 8 : 0) |
          (below[x] > v ? 16 : 0) | (below[x - 1] > v ? 32 : 0) |
          (here[x - 1] >= v ? 64 : 0) | (above[x - 1] >= v ? 128 : 0));
    }
  }
}

uint32_t ComponentSweep::Find(uint32_t number) {
  uint32_t parent = components_[number].parent;
  while (parent != number) {  // Halves the path.
    const uint32_t grandparent = components_[parent].parent;
    components_[number].parent = grandparent;
    number = grandparent;
    parent = components_[number].parent;
  }
  return number;
}

// Joins two components at `value`, given by their roots; returns the new root.
uint32_t ComponentSweep::Merge(uint32_t a, uint32_t b, int value) {
  if (a == b) return a;
  if (components_[a].rank < components_[b].rank) std::swap(a, b);
  Component& root = components_[a];
  Component& child = components_[b];
  if (root.rank == child.rank) ++root.rank;
  child.parent = a;
  root.area += child.area;
  root.first = std::min(root.first, child.first);

  const int16_t x0 = std::min(root.x0, child.x0);
  const int16_t y0 = std::min(root.y0, child.y0);
  const int16_t x1 = std::max(root.x1, child.x1);
  const int16_t y1 = std::max(root.y1, child.y1);
  const auto is_union = [&](const Component& c) {
    return c.x0 == x0 && c.y0 == y0 && c.x1 == x1 && c.y1 == y1;
  };
  // A box that does not change lives on; the others end here.
  if (is_union(root)) {
    Close(child, value);
  } else if (is_union(child)) {
    Close(root, value);
    root.value = child.value;
    root.birth = child.birth;
  } else {
    Close(root, value);
    Close(child, value);
    root.value = static_cast<int16_t>(value);
  }
  root.x0 = x0;
  root.y0 = y0;
  root.x1 = x1;
  root.y1 = y1;
  return a;
}

// Takes pixel (x, y) into the box.
void ComponentSweep::Extend(Component* component, int x, int y, int value) {
  if (x >= component->x0 && x < component->x1 && y >= component->y0 &&
      y < component->y1) {
    return;
  }
  Close(*component, value);
  component->value = static_cast<int16_t>(value);
  component->x0 = static_cast<int16_t>(std::min<int>(component->x0, x));
  component->y0 = static_cast<int16_t>(std::min<int>(component->y0, y));
  component->x1 = static_cast<int16_t>(std::max<int>(component->x1, x + 1));
  component->y1 = static_cast<int16_t>(std::max<int>(component->y1, y + 1));
}

// Records the box for the sets {>= component.value} to {>= value + 1}, if any:
// a box that changes twice at one value existed at no level.
void ComponentSweep::Close(const Component& component, int value) {
  if (boxes_ == nullptr || component.value <= value) return;
  boxes_->push_back({{component.x0, component.y0, component.x1, component.y1},
                     value,
                     component.value - 1,
                     component.birth});
}

// Areas never shrink, so the largest one only grows, and a component that has
// it stays a candidate until it changes or another one grows larger.
void ComponentSweep::NoteArea(const Component& component, bool has_changed) {
  if (component.area < largest_area_ || !has_changed) return;
  if (component.area > largest_area_) {
    largest_area_ = component.area;
    candidates_.clear();
  }
  candidates_.push_back(component.first);
  std::push_heap(candidates_.begin(), candidates_.end());
}

const ComponentSweep::Component& ComponentSweep::Preferred() {
  while (true) {
    CHECK(!candidates_.empty());
    const uint32_t first = candidates_.front();
    const Component& component = components_[Find(number_[first])];
    if (component.first == first && component.area == largest_area_) {
      return component;
    }
    std::pop_heap(candidates_.begin(), candidates_.end());
    candidates_.pop_back();
  }
}

}  // namespace wsol
