#include "wsol/metrics/critical_pixels.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "wsol/metrics/byte_plane.h"

#ifndef WSOL_METRICS_CRITICAL_PIXELS_RULES_
#define WSOL_METRICS_CRITICAL_PIXELS_RULES_

namespace wsol {
namespace internal {

// The eight neighbours, clockwise from north. Bit i of a mask: neighbour i.
constexpr int kRingX[8] = {0, 1, 1, 1, 0, -1, -1, -1};
constexpr int kRingY[8] = {-1, -1, 0, 1, 1, 1, 0, -1};

// The neighbours that came before a pixel: groups that hang together within the
// ring and that the pixel is connected to, and one neighbour of each.
struct NeighbourRule {
  int num_groups = 0;
  int8_t neighbour[4] = {0, 0, 0, 0};
};
using NeighbourRules = std::array<NeighbourRule, 256>;

const NeighbourRules& RulesOf(Connectivity connectivity);

}  // namespace internal
}  // namespace wsol

#endif  // WSOL_METRICS_CRITICAL_PIXELS_RULES_

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "wsol/metrics/critical_pixels.cc"
#include "hwy/foreach_target.h"
// foreach_target.h first: it compiles this file once for each instruction set.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace wsol {
namespace internal {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::CappedTag<uint8_t, 64>;
using Vector = hn::Vec<Bytes>;
using Word = uint64_t;  // 64 pixels of a row, the first one in the lowest bit.
using Data = CriticalPixels::Data;

// Comparisons of the pixels of a row with their western, north-western,
// northern and north-eastern neighbours: "neighbour >= pixel" and "neighbour ==
// pixel", in words 1 ... num_words. Words 0 and num_words + 1 stand for pixels
// of value 0 that see something higher.
struct RowBits {
  RowBits(std::vector<uint64_t>* storage, size_t num_words)
      : size(num_words + 2) {
    storage->resize(kNumArrays * size);
    Word* const base = storage->data();
    live = base;
    Word** const ge[] = {&ge_w, &ge_nw, &ge_n, &ge_ne};
    Word** const eq[] = {&eq_w, &eq_nw, &eq_n, &eq_ne};
    for (size_t i = 0; i < 4; ++i) {
      *ge[i] = base + (1 + 2 * i) * size;
      *eq[i] = base + (2 + 2 * i) * size;
    }
    SetOutside(0, 1);
    SetOutside(size - 1, size);
  }

  void SetOutside(size_t begin, size_t end) {
    for (size_t w = begin; w < end; ++w) {
      ge_w[w] = ge_nw[w] = ge_n[w] = ge_ne[w] = ~Word{0};
      live[w] = eq_w[w] = eq_nw[w] = eq_n[w] = eq_ne[w] = 0;
    }
  }

  static constexpr size_t kNumArrays = 9;
  size_t size;
  Word* live;  // pixel > 0
  Word* ge_w;
  Word* eq_w;
  Word* ge_nw;
  Word* eq_nw;
  Word* ge_n;
  Word* eq_n;
  Word* ge_ne;
  Word* eq_ne;
};

// Fills in the bits of row y; whether any pixel is live.
bool CompareRow(const BytePlane& plane, int y, RowBits* bits) {
  const Bytes d;
  const size_t n = hn::Lanes(d);
  const uint8_t* const row = plane.Row(y);
  const uint8_t* const above = plane.Row(y - 1);
  const size_t width = static_cast<size_t>(plane.words()) * 64;
  Vector any = hn::Zero(d);
  for (size_t x = 0; x < width; x += n) {
    const size_t byte = 8 + x / 8;
    const Vector v = hn::Load(d, row + x);
    any = hn::Or(any, v);
    const auto store = [&](hn::Mask<Bytes> mask, Word* to) HWY_ATTR {
      hn::StoreMaskBits(d, mask, reinterpret_cast<uint8_t*>(to) + byte);
    };
    const auto compare = [&](Vector neighbour, Word* ge, Word* eq) HWY_ATTR {
      store(hn::Eq(hn::Max(neighbour, v), neighbour), ge);
      store(hn::Eq(neighbour, v), eq);
    };
    store(hn::Ne(v, hn::Zero(d)), bits->live);
    compare(hn::LoadU(d, row + x - 1), bits->ge_w, bits->eq_w);
    compare(hn::LoadU(d, above + x - 1), bits->ge_nw, bits->eq_nw);
    compare(hn::Load(d, above + x), bits->ge_n, bits->eq_n);
    compare(hn::LoadU(d, above + x + 1), bits->ge_ne, bits->eq_ne);
  }
  return !hn::AllTrue(d, hn::Eq(any, hn::Zero(d)));
}

// Spreads seeds from each pixel to the next one on the right wherever `link` is
// set there, word by word: the carry of an addition runs through a stretch of
// ones.
class Flood {
 public:
  HWY_INLINE Word Spread(Word seeds, Word link) {
    const Word entry = (seeds << 1 | seed_before_) & link;
    const Word sum = link + entry;
    const Word total = sum + carry_;
    carry_ = static_cast<Word>(sum < link) | static_cast<Word>(total < sum);
    seed_before_ = seeds >> 63;
    return seeds | (link & (~total | entry));
  }

 private:
  Word seed_before_ = 0;
  Word carry_ = 0;
};

// Bit i: the neighbour in this direction comes before pixel i.
struct Neighbours {
  Word ring[8];  // Clockwise from north.
};

// The neighbour masks of all 64 pixels.
HWY_INLINE void ExpandMasks(const Neighbours& before, uint8_t* masks) {
  const Bytes d;
  for (size_t x = 0; x < 64; x += hn::Lanes(d)) {
    Vector mask = hn::Zero(d);
    for (size_t i = 0; i < 8; ++i) {
      const auto* const bits =
          reinterpret_cast<const uint8_t*>(&before.ring[i]) + x / 8;
      mask = hn::Or(
          mask, hn::IfThenElseZero(hn::LoadMaskBits(d, bits),
                                   hn::Set(d, static_cast<uint8_t>(1 << i))));
    }
    hn::Store(mask, d, masks + x);
  }
}

HWY_INLINE uint32_t MaskOf(const Neighbours& before, int pixel) {
  uint32_t mask = 0;
  for (int i = 0; i < 8; ++i) {
    mask |= static_cast<uint32_t>(before.ring[i] >> pixel & 1) << i;
  }
  return mask;
}

// Of each pixel the number of its four 2 x 2 windows in which at least two of
// the other three came before.
HWY_INLINE void StoreAreas(const Neighbours& before, uint8_t* out) {
  const Bytes d;
  const auto two = [](Word a, Word b, Word c)
                       HWY_ATTR { return (a & b) | (c & (a | b)); };
  const Word* const r = before.ring;
  const Word w0 = two(r[0], r[1], r[2]), w1 = two(r[2], r[3], r[4]),
             w2 = two(r[4], r[5], r[6]), w3 = two(r[6], r[7], r[0]);
  // Their sum in binary.
  const Word s01 = w0 ^ w1, c01 = w0 & w1, s23 = w2 ^ w3, c23 = w2 & w3;
  const Word carry = s01 & s23;
  const Word digits[3] = {s01 ^ s23, c01 ^ c23 ^ carry,
                          (c01 & c23) | (carry & (c01 ^ c23))};
  for (size_t x = 0; x < 64; x += hn::Lanes(d)) {
    Vector sum = hn::Zero(d);
    for (size_t i = 0; i < 3; ++i) {
      const auto* const bits =
          reinterpret_cast<const uint8_t*>(&digits[i]) + x / 8;
      sum = hn::Or(
          sum, hn::IfThenElseZero(hn::LoadMaskBits(d, bits),
                                  hn::Set(d, static_cast<uint8_t>(1 << i))));
    }
    hn::Store(sum, d, out + x);
  }
}

template <typename T>
void EnsureSize(size_t size, std::vector<T>* v) {
  if (v->size() < size) v->resize(size + size / 2);
}

// Lists runs, saddles and extremes.
template <bool kIsEight>
void Classify(const BytePlane& plane, const NeighbourRules& rules,
              BytePlane* areas, Data* data) {
  const size_t num_words = static_cast<size_t>(plane.words());
  const auto width = static_cast<size_t>(plane.width());
  const int height = plane.height();
  int32_t offsets[8];
  for (int i = 0; i < 8; ++i) {
    offsets[i] = static_cast<int32_t>(kRingY[i] * plane.stride() + kRingX[i]);
  }
  RowBits rows[2] = {RowBits(&data->row_bits[0], num_words),
                     RowBits(&data->row_bits[1], num_words)};
  RowBits* here = &rows[0];
  RowBits* below = &rows[1];
  // Of the row above: was something as high beside the vertical plateau?
  data->beside_left.assign(num_words + 2, 0);
  data->beside_right.assign(num_words + 2, 0);
  Word* const beside_left = data->beside_left.data();
  Word* const beside_right = data->beside_right.data();
  EnsureSize(static_cast<size_t>(height) * num_words, &data->run_starts);
  size_t num_runs = 0, num_saddles = 0, num_extremes = 0;

  bool is_any_here = CompareRow(plane, 0, here);
  for (int y = 0; y < height; ++y, std::swap(here, below)) {
    bool is_any_below = false;
    if (y + 1 < height) {
      is_any_below = CompareRow(plane, y + 1, below);
    } else {
      below->SetOutside(0, below->size);
    }
    Data::RunStarts* const run_starts =
        &data->run_starts[static_cast<size_t>(y) * num_words];
    const bool is_any = is_any_here;
    is_any_here = is_any_below;
    if (!is_any) {
      std::fill_n(beside_left, num_words + 2, Word{0});
      std::fill_n(beside_right, num_words + 2, Word{0});
      std::fill_n(run_starts, num_words, Data::RunStarts{0, 0});
      continue;
    }
    EnsureSize(num_runs + width, &data->run_peaks);
    EnsureSize(num_runs + width, &data->run_targets);
    EnsureSize(num_saddles + width, &data->saddle_pixels);
    EnsureSize(num_saddles + width, &data->saddle_masks);
    EnsureSize(num_extremes + width, &data->extreme_pixels);
    uint32_t* const run_peaks = data->run_peaks.data();
    uint32_t* const run_targets = data->run_targets.data();
    uint32_t* const saddle_pixels = data->saddle_pixels.data();
    uint8_t* const saddle_masks = data->saddle_masks.data();
    uint32_t* const extreme_pixels = data->extreme_pixels.data();

    Flood left_first_flood, top_flood, bottom_flood;
    const auto left_first_of = [&](size_t w) HWY_ATTR {
      return left_first_flood.Spread(here->ge_w[w] & ~here->eq_w[w],
                                     here->eq_w[w]);
    };
    Word goes_east_before = 0;
    auto run_before = static_cast<uint32_t>(num_runs) - 1;
    for (size_t w = 1; w <= num_words; ++w) {
      const Word live = here->live[w];
      const Word ge_w = here->ge_w[w], eq_w = here->eq_w[w];
      const Word gt_w = ge_w & ~eq_w;
      const Word ge_nw = here->ge_nw[w], ge_n = here->ge_n[w];
      const Word ge_ne = here->ge_ne[w], eq_n = here->eq_n[w];
      const Word gt_n = ge_n & ~eq_n;
      // Comparisons of the neighbours with this pixel, turned round.
      const auto of_next = [w](const Word* bits) HWY_ATTR {
        return bits[w] >> 1 | bits[w + 1] << 63;
      };
      const auto of_last = [w](const Word* bits) HWY_ATTR {
        return bits[w] << 1 | bits[w - 1] >> 63;
      };
      const Word gt_e = ~of_next(here->ge_w), eq_e = of_next(here->eq_w);
      const Word ge_e = gt_e | eq_e;
      const Word gt_s = ~below->ge_n[w], ge_s = gt_s | below->eq_n[w];
      const Word gt_se = ~of_next(below->ge_nw);
      const Word gt_sw = ~of_last(below->ge_ne);

      const Word left_first = left_first_of(w);
      const Neighbours before = {{ge_n, ge_ne, gt_e | (eq_e & ~left_first),
                                  gt_se, gt_s, gt_sw,
                                  gt_w | (eq_w & left_first), ge_nw}};
      const Word* const r = before.ring;
      const Word n = r[0], ne = r[1], e = r[2], se = r[3], s = r[4], sw = r[5],
                 west = r[6], nw = r[7];

      // Two groups of neighbours or more (Yokoi's crossing numbers).
      Word a, b, c, d, is_birth;
      if constexpr (kIsEight) {
        a = ~n & (ne | e);
        b = ~e & (se | s);
        c = ~s & (sw | west);
        d = ~west & (nw | n);
        is_birth = ~(n | ne | e | se | s | sw | west | nw);
      } else {
        a = n & ~(ne & e);
        b = e & ~(se & s);
        c = s & ~(sw & west);
        d = west & ~(nw & n);
        is_birth = ~(n | e | s | west);
      }
      const Word saddle = live & ((a & b) | (c & d) | ((a | b) & (c | d)));

      // The lower end of a vertical plateau with nothing as high to its left
      // (right) nor higher above may move the left (right) side of a box; the
      // right end of a horizontal plateau the upper (lower) side.
      Word left = ge_w | gt_n, right = ge_e | gt_n;
      Word top = ge_n | gt_w, bottom = ge_s | gt_w;
      if constexpr (kIsEight) {
        const Word ge_se = gt_se | of_next(below->eq_nw);
        const Word ge_sw = gt_sw | of_last(below->eq_ne);
        left |= ge_nw | ge_sw;
        right |= ge_ne | ge_se;
        top |= ge_nw | ge_ne;
        bottom |= ge_sw | ge_se;
      }
      left |= eq_n & beside_left[w];
      right |= eq_n & beside_right[w];
      beside_left[w] = left;
      beside_right[w] = right;
      top = top_flood.Spread(top, eq_w);
      bottom = bottom_flood.Spread(bottom, eq_w);
      const Word extreme =
          live & ~is_birth &
          ((~ge_s & ~(left & right)) | (~ge_e & ~(top & bottom)));

      // Runs: each pixel leads to a horizontal neighbour before it, if any.
      const Word goes_west = west & live;
      const Word goes_east = e & live & ~west;
      const Word peak = live & ~(goes_west | goes_east);
      const Word start =
          live & ~goes_west & ~(goes_east << 1 | goes_east_before);
      goes_east_before = goes_east >> 63;
      run_starts[w - 1] = {start, run_before};
      run_before += static_cast<uint32_t>(__builtin_popcountll(start));

      const uint32_t first = plane.Index(static_cast<int>(64 * (w - 1)), y);
      HWY_ALIGN uint8_t masks[64];
      const bool are_many = __builtin_popcountll(peak | saddle) > 8;
      if (are_many) ExpandMasks(before, masks);
      for (Word rest = peak; rest != 0; rest &= rest - 1) {
        const int i = __builtin_ctzll(rest);
        const uint32_t pixel = first + static_cast<uint32_t>(i);
        const NeighbourRule& rule =
            rules[are_many ? masks[i] : MaskOf(before, i)];
        run_peaks[num_runs] = pixel;
        run_targets[num_runs] =
            rule.num_groups == 0
                ? pixel
                : pixel + static_cast<uint32_t>(offsets[rule.neighbour[0]]);
        ++num_runs;
      }
      for (Word rest = saddle; rest != 0; rest &= rest - 1) {
        const int i = __builtin_ctzll(rest);
        saddle_pixels[num_saddles] = first + static_cast<uint32_t>(i);
        saddle_masks[num_saddles] =
            static_cast<uint8_t>(are_many ? masks[i] : MaskOf(before, i));
        ++num_saddles;
      }
      for (Word rest = extreme; rest != 0; rest &= rest - 1) {
        extreme_pixels[num_extremes++] =
            first + static_cast<uint32_t>(__builtin_ctzll(rest));
      }
      if (areas != nullptr) StoreAreas(before, areas->data() + first);
    }
  }
  data->num_runs = num_runs;
  data->num_saddles = num_saddles;
  data->num_extremes = num_extremes;
}

// Finds the run of a pixel.
class RunFinder {
 public:
  RunFinder(const BytePlane& plane, const Data& data)
      : starts_(data.run_starts.data()),
        words_(static_cast<size_t>(plane.words())),
        shift_(plane.shift()),
        x_mask_((uint32_t{1} << plane.shift()) - 1) {}

  HWY_INLINE uint32_t Find(uint32_t pixel) const {
    const uint32_t x = pixel & x_mask_;
    const Data::RunStarts& starts =
        starts_[((pixel >> shift_) - 1) * words_ + x / 64];
    return starts.before + static_cast<uint32_t>(__builtin_popcountll(
                               starts.bits << (63 - x % 64)));
  }

 private:
  const Data::RunStarts* starts_;
  size_t words_;
  int shift_;
  uint32_t x_mask_;
};

// A run belongs to the basin at the end of the path from its peak to the run of
// its target, and so on; found by pointer doubling.
void FindBasins(const BytePlane& plane, Data* data) {
  const size_t num_runs = data->num_runs;
  EnsureSize(num_runs, &data->run_basins);
  EnsureSize(num_runs, &data->run_numbers);
  EnsureSize(num_runs + 1, &data->births);
  const RunFinder runs(plane, *data);
  const uint32_t* const target = data->run_targets.data();
  const uint32_t* const peak = data->run_peaks.data();
  uint32_t* const link = data->run_basins.data();
  uint32_t* const number = data->run_numbers.data();
  uint32_t* const births = data->births.data();
  size_t num_basins = 0;
  for (size_t r = 0; r < num_runs; ++r) {
    const uint32_t to = runs.Find(target[r]);
    link[r] = to;
    number[r] = static_cast<uint32_t>(num_basins);
    births[num_basins] = peak[r];
    num_basins += to == r;
  }
  for (uint32_t changed = 1; changed != 0;) {
    changed = 0;
    for (size_t r = 0; r < num_runs; ++r) {
      const uint32_t to = link[link[r]];
      changed |= to ^ link[r];
      link[r] = to;
    }
  }
  for (size_t r = 0; r < num_runs; ++r) link[r] = number[link[r]];
  data->num_basins = num_basins;
}

// counts[v] becomes the number of items of value v and above.
HWY_INLINE void CountToEnds(std::array<uint32_t, 257>* counts) {
  for (size_t v = 256; v-- > 0;) (*counts)[v] += (*counts)[v + 1];
}

// Saddles become pairs of basins; both lists are sorted by falling value.
void Sort(const BytePlane& plane, const NeighbourRules& rules, Data* data) {
  const uint8_t* const value = plane.data();
  uint32_t offsets[8];
  for (int i = 0; i < 8; ++i) {
    offsets[i] = static_cast<uint32_t>(kRingY[i] * plane.stride() + kRingX[i]);
  }
  const size_t num_saddles = data->num_saddles;
  const size_t num_extremes = data->num_extremes;
  EnsureSize(3 * num_saddles + 1, &data->saddles);
  EnsureSize(3 * num_saddles + 1, &data->sorted_saddles);
  EnsureSize(num_extremes, &data->sorted_extremes);
  const RunFinder runs(plane, *data);
  const uint32_t* const basins = data->run_basins.data();
  const uint32_t* const saddle_pixels = data->saddle_pixels.data();
  const uint8_t* const saddle_masks = data->saddle_masks.data();
  const uint32_t* const extreme_pixels = data->extreme_pixels.data();
  Data::UnsortedSaddle* const saddles = data->saddles.data();
  Saddle* const sorted_saddles = data->sorted_saddles.data();
  Extreme* const sorted_extremes = data->sorted_extremes.data();
  // Counts by value, then ends, then cursors: index v + 1 for value v.
  std::array<uint32_t, 257> saddle_counts, extreme_counts;
  saddle_counts.fill(0);
  extreme_counts.fill(0);
  size_t num_pairs = 0;
  for (size_t i = 0; i < num_saddles; ++i) {
    const uint32_t pixel = saddle_pixels[i];
    const uint8_t v = value[pixel];
    const NeighbourRule& rule = rules[saddle_masks[i]];
    const uint32_t a = basins[runs.Find(pixel + offsets[rule.neighbour[0]])];
    for (int group = 1; group < rule.num_groups; ++group) {
      const uint32_t b =
          basins[runs.Find(pixel + offsets[rule.neighbour[group]])];
      saddles[num_pairs] = {a, b, v};
      num_pairs += a != b;
      saddle_counts[v] += a != b;
    }
  }
  for (size_t i = 0; i < num_extremes; ++i) {
    ++extreme_counts[value[extreme_pixels[i]]];
  }
  CountToEnds(&saddle_counts);
  CountToEnds(&extreme_counts);
  data->saddles_end = saddle_counts;
  data->extremes_end = extreme_counts;
  for (size_t i = 0; i < num_pairs; ++i) {
    sorted_saddles[saddle_counts[saddles[i].value + 1]++] = {
        saddles[i].basin_a, saddles[i].basin_b};
  }
  for (size_t i = 0; i < num_extremes; ++i) {
    const uint32_t pixel = extreme_pixels[i];
    sorted_extremes[extreme_counts[value[pixel] + size_t{1}]++] = {
        basins[runs.Find(pixel)], static_cast<int16_t>(plane.X(pixel)),
        static_cast<int16_t>(plane.Y(pixel))};
  }
}

void FindCriticalPixels(const BytePlane& plane, Connectivity connectivity,
                        const NeighbourRules& rules, BytePlane* areas,
                        Data* data) {
  if (connectivity == Connectivity::kEight) {
    Classify<true>(plane, rules, areas, data);
  } else {
    Classify<false>(plane, rules, areas, data);
  }
  FindBasins(plane, data);
  Sort(plane, rules, data);
}

}  // namespace HWY_NAMESPACE
}  // namespace internal
}  // namespace wsol
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wsol {
namespace internal {
namespace {

HWY_EXPORT(FindCriticalPixels);

NeighbourRule MakeRule(int mask, Connectivity connectivity) {
  const bool is_eight = connectivity == Connectivity::kEight;
  const auto is_in = [mask](int i) { return (mask >> i & 1) != 0; };
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
  NeighbourRule rule;
  bool is_joined[8] = {};
  for (int i = 0; i < 8; ++i) {
    const bool is_connected = is_eight || kRingX[i] == 0 || kRingY[i] == 0;
    if (!is_in(i) || !is_connected || is_joined[group[i]]) continue;
    is_joined[group[i]] = true;
    rule.neighbour[rule.num_groups++] = static_cast<int8_t>(i);
  }
  return rule;
}

NeighbourRules MakeRules(Connectivity connectivity) {
  NeighbourRules rules;
  for (int mask = 0; mask < 256; ++mask) {
    rules[static_cast<size_t>(mask)] = MakeRule(mask, connectivity);
  }
  return rules;
}

}  // namespace

const NeighbourRules& RulesOf(Connectivity connectivity) {
  static const auto* const four =
      new NeighbourRules(MakeRules(Connectivity::kFour));
  static const auto* const eight =
      new NeighbourRules(MakeRules(Connectivity::kEight));
  return connectivity == Connectivity::kFour ? *four : *eight;
}

}  // namespace internal

void CriticalPixels::Find(const BytePlane& plane, Connectivity connectivity,
                          BytePlane* areas) {
  words_ = plane.words();
  shift_ = plane.shift();
  width_ = plane.width();
  height_ = plane.height();
  HWY_DYNAMIC_DISPATCH(internal::FindCriticalPixels)
  (plane, connectivity, internal::RulesOf(connectivity), areas, &data_);
}

uint32_t CriticalPixels::BasinOf(uint32_t pixel) const {
  const uint32_t x = pixel & ((uint32_t{1} << shift_) - 1);
  const uint32_t y = (pixel >> shift_) - 1;
  const Data::RunStarts& starts =
      data_.run_starts[size_t{y} * static_cast<size_t>(words_) + x / 64];
  const uint32_t run =
      starts.before +
      static_cast<uint32_t>(__builtin_popcountll(starts.bits << (63 - x % 64)));
  return data_.run_basins[run];
}

}  // namespace wsol
#endif  // HWY_ONCE
