#include "wsol/metrics/largest_component.h"

#include <algorithm>
#include <utility>

namespace wsol {
namespace {

constexpr uint32_t kNone = ComponentSweep::kNone;

// Up to so many components a table of 2 KiB for each is faster than fronts.
constexpr size_t kMaxTabulated = 192;

// Bounds of smaller areas are not worth the time.
constexpr uint32_t kSmallBound = 64;

}  // namespace

void LargestComponent::Find(const BytePlane& plane,
                            const CriticalPixels& pixels,
                            const ComponentSweep& sweep, const BytePlane& areas,
                            AreaBound bound) {
  plane_ = &plane;
  pixels_ = &pixels;
  sweep_ = &sweep;
  areas_ = &areas;
  const absl::Span<const uint32_t> births = pixels.births();
  if (births.empty()) return;  // No level has a component.
  int max_value = 0;
  for (const uint32_t birth : births) {
    max_value = std::max<int>(max_value, plane.data()[birth]);
  }
  NumberComponents(births.size());
  largest_area_ = 0;
  ties_.clear();
  next_join_ = 0;
  is_tabulated_ = num_components_ <= kMaxTabulated;
  if (alone_from_ < max_value) {
    if (is_tabulated_) {
      TabulateAreas();
    } else {
      StartFronts();
      BoundAreas(bound);
      pending_value_ = max_value;
    }
  }
  uint32_t champion = kNone;
  for (int value = max_value; value >= 1; --value) {
    const int level = value - 1;
    JoinAt(value);
    if (value <= alone_from_) {
      champion = root_[0];
    } else {
      // The area is at least that of the pixels counted so far. Can anybody
      // else's box hold as much?
      bool is_certain = false;
      if (!is_tabulated_ && champion != kNone) {
        champion = root_[champion];
        const auto at = static_cast<size_t>(level);
        const bool has_first = BoxOf(champion, level) == bound_box_[at];
        is_certain = area_[champion] >
                     (has_first ? second_bound_[at] : first_bound_[at]);
      }
      if (!is_certain) {
        AddAreas(value);
        champion = largest_area_ == 0 ? LastOfAll(value) : LastOfTies(value);
      }
    }
    const LevelBoxes16& boxes = sweep.boxes();
    const uint32_t box = BoxOf(champion, level);
    box_at_[static_cast<size_t>(level)] = {boxes.x0[box], boxes.y0[box],
                                           boxes.x1[box], boxes.y1[box]};
  }
}

// Basins that were swallowed at the value of their birth count for the winner.
void LargestComponent::NumberComponents(size_t num_basins) {
  constexpr uint32_t kIsBasin = 0x80000000;
  if (component_of_.size() < num_basins) {
    for (std::vector<uint32_t>* const v :
         {&component_of_, &basin_of_, &root_, &next_, &elder_, &area_, &size_,
          &box_}) {
      v->resize(num_basins + num_basins / 2);
    }
  }
  std::fill_n(component_of_.begin(), num_basins, kNone);
  size_t num_joins = 0;
  int last_join = 0;
  for (const ComponentSweep::Join& join : sweep_->joins()) {
    if (join.is_transient) {
      component_of_[join.loser] = join.winner | kIsBasin;
    } else {
      ++num_joins;
      last_join = join.value;
    }
  }
  size_t n = 0;
  for (size_t basin = 0; basin < num_basins; ++basin) {
    if (component_of_[basin] != kNone) continue;
    basin_of_[n] = static_cast<uint32_t>(basin);
    component_of_[basin] = static_cast<uint32_t>(n++);
  }
  for (size_t basin = 0; basin < num_basins; ++basin) {
    uint32_t number = component_of_[basin];
    while ((number & kIsBasin) != 0) number = component_of_[number & ~kIsBasin];
    component_of_[basin] = number;
  }
  num_components_ = n;
  alone_from_ = n == 1 ? 255 : num_joins + 1 == n ? last_join : 0;
  for (size_t i = 0; i < n; ++i) {
    root_[i] = next_[i] = elder_[i] = static_cast<uint32_t>(i);
    area_[i] = 0;
    size_[i] = 1;
    box_[i] = sweep_->FirstBox(basin_of_[i]);
  }
}

// Two tables for each component: an addition has to wait for the one before it
// if both go to the same place.
void LargestComponent::TabulateAreas() {
  table_.assign(512 * num_components_, 0);
  const uint8_t* const value = plane_->data();
  const uint8_t* const area = areas_->data();
  pixels_->ForEachRun([&](const CriticalPixels::Run& run) {
    uint32_t* const table = &table_[512 * size_t{component_of_[run.basin]}];
    uint32_t begin = run.begin, end = run.end;
    while (begin < end && value[begin] <= alone_from_) ++begin;
    while (begin < end && value[end - 1] <= alone_from_) --end;
    for (; begin + 2 <= end; begin += 2) {
      table[value[begin]] += area[begin];
      table[256 + value[begin + 1]] += area[begin + 1];
    }
    if (begin < end) table[value[begin]] += area[begin];
  });
}

// A front for every run, in the list of its peak's value.
void LargestComponent::StartFronts() {
  front_list_.fill(kNone);
  if (fronts_.size() < pixels_->num_runs()) fronts_.resize(pixels_->num_runs());
  uint32_t number = 0;
  const uint8_t* const value = plane_->data();
  pixels_->ForEachRun([&](const CriticalPixels::Run& run) {
    uint32_t& list = front_list_[value[run.peak]];
    fronts_[number] = {
        run.begin, run.end, run.peak, run.peak, component_of_[run.basin], list};
    list = number++;
  });
}

// Takes in the pixels of `value` next to the front; returns their area.
uint32_t LargestComponent::Advance(Front* front, int value) const {
  const uint8_t* const value_of = plane_->data();
  const uint8_t* const area_of = areas_->data();
  uint32_t area = 0;
  uint32_t left = front->left, right = front->right;
  while (left > front->begin && value_of[left - 1] == value) {
    area += area_of[--left];
  }
  while (right < front->end && value_of[right] == value) {
    area += area_of[right++];
  }
  front->left = left;
  front->right = right;
  return area;
}

// The two largest bounds of the areas at every level, and the box of the first.
void LargestComponent::BoundAreas(AreaBound bound) {
  first_bound_.fill(kSmallBound);
  second_bound_.fill(kSmallBound);
  bound_box_.fill(kNone);
  const LevelBoxes16& boxes = sweep_->boxes();
  for (size_t i = 0; i < boxes.size; ++i) {
    const auto width = static_cast<uint32_t>(boxes.x1[i] - boxes.x0[i]);
    const auto height = static_cast<uint32_t>(boxes.y1[i] - boxes.y0[i]);
    const uint32_t area = bound == AreaBound::kContour
                              ? 2 * (width - 1) * (height - 1)
                              : width * height;
    if (area <= kSmallBound) continue;
    for (size_t level = boxes.first_level[i]; level <= boxes.last_level[i];
         ++level) {
      if (area > first_bound_[level]) {
        second_bound_[level] = first_bound_[level];
        first_bound_[level] = area;
        bound_box_[level] = static_cast<uint32_t>(i);
      } else {
        second_bound_[level] = std::max(second_bound_[level], area);
      }
    }
  }
}

void LargestComponent::JoinAt(int value) {
  const std::vector<ComponentSweep::Join>& joins = sweep_->joins();
  for (; next_join_ < joins.size() && joins[next_join_].value == value;
       ++next_join_) {
    const ComponentSweep::Join& join = joins[next_join_];
    if (join.is_transient) continue;
    uint32_t large = root_[component_of_[join.winner]];
    uint32_t small = root_[component_of_[join.loser]];
    const uint32_t elder = elder_[large];
    if (size_[large] < size_[small]) std::swap(large, small);
    uint32_t member = small;
    do {
      root_[member] = large;
      member = next_[member];
    } while (member != small);
    std::swap(next_[large], next_[small]);
    elder_[large] = elder;
    size_[large] += size_[small];
    area_[large] += area_[small];
    if (area_[large] > 0) NoteArea(large);
  }
}

void LargestComponent::AddAreas(int value) {
  if (is_tabulated_) {
    const uint32_t* table = table_.data() + value;
    for (size_t i = 0; i < num_components_; ++i, table += 512) {
      const uint32_t more = table[0] + table[256];
      if (more == 0) continue;
      area_[root_[i]] += more;
      NoteArea(root_[i]);
    }
    return;
  }
  const uint8_t* const value_of = plane_->data();
  for (; pending_value_ >= value; --pending_value_) {
    uint32_t number =
        std::exchange(front_list_[static_cast<size_t>(pending_value_)], kNone);
    while (number != kNone) {
      Front& front = fronts_[number];
      const uint32_t more = Advance(&front, pending_value_);
      // On to the list of the largest value beside it. Nobody reads that of 0.
      const uint8_t left =
          front.left > front.begin ? value_of[front.left - 1] : uint8_t{0};
      const uint8_t right =
          front.right < front.end ? value_of[front.right] : uint8_t{0};
      uint32_t& list = front_list_[std::max(left, right)];
      number = std::exchange(front.next, std::exchange(list, number));
      if (more == 0) continue;
      const uint32_t root = root_[front.component];
      area_[root] += more;
      NoteArea(root);
    }
  }
}

// Areas never shrink, so who has the largest one keeps it until it grows or
// somebody else's grows larger.
void LargestComponent::NoteArea(uint32_t root) {
  if (area_[root] > largest_area_) {
    largest_area_ = area_[root];
    ties_.clear();
  }
  if (area_[root] == largest_area_) ties_.push_back(root);
}

uint32_t LargestComponent::LastOfTies(int value) {
  uint32_t best = root_[ties_[0]];
  if (ties_.size() == 1) return best;
  uint32_t last = 0;
  size_t num_kept = 0;
  for (size_t i = 0; i < ties_.size(); ++i) {
    const uint32_t root = root_[ties_[i]];
    const uint32_t pixel = FirstPixel(root, value);
    if (pixel == last) continue;  // The same set again.
    if (pixel > last) {
      last = pixel;
      best = root;
    }
    ties_[num_kept++] = root;
  }
  ties_.resize(num_kept);
  return best;
}

// All areas are zero: isolated pixels and thin diagonals.
uint32_t LargestComponent::LastOfAll(int value) {
  const absl::Span<const uint32_t> births = pixels_->births();
  uint32_t best = root_[0], last = 0;
  for (size_t i = num_components_; i-- > 0;) {
    const uint32_t birth = births[basin_of_[i]];
    if (birth < last) break;  // Nor do the others begin later.
    if (plane_->data()[birth] < value) continue;
    const uint32_t pixel = FirstPixel(root_[i], value);
    if (pixel > last) {
      last = pixel;
      best = root_[i];
    }
  }
  return best;
}

// The number of the set's box at this level. Levels must fall.
uint32_t LargestComponent::BoxOf(uint32_t root, int level) {
  uint32_t& box = box_[elder_[root]];
  while (sweep_->boxes().first_level[box] > level) box = sweep_->NextBox(box);
  return box;
}

// The set's first pixel in raster order in {>= value}, in its box's first row.
uint32_t LargestComponent::FirstPixel(uint32_t root, int value) {
  const LevelBoxes16& boxes = sweep_->boxes();
  const uint32_t box = BoxOf(root, value - 1);
  uint32_t pixel = plane_->Index(boxes.x0[box], boxes.y0[box]);
  while (plane_->data()[pixel] < value ||
         root_[component_of_[pixels_->BasinOf(pixel)]] != root) {
    ++pixel;
  }
  return pixel;
}

}  // namespace wsol
