#include "wsol/metrics/fill_holes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "wsol/metrics/byte_plane.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "wsol/metrics/fill_holes.cc"
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

HWY_INLINE bool IsAnySet(Bytes d, Vector v) {
  return !hn::AllTrue(d, hn::Eq(v, hn::Zero(d)));
}

// *filled = max(image, min(*filled, what the row before has)); notes changes.
HWY_INLINE void Step(Bytes d, const uint8_t* image, uint8_t* filled,
                     Vector* carry, Vector* changed) {
  const Vector old = hn::Load(d, filled);
  *carry = hn::Max(hn::Load(d, image), hn::Min(old, *carry));
  *changed = hn::Or(*changed, hn::Xor(*carry, old));
  hn::Store(*carry, d, filled);
}

// Down and up four columns of vectors, side by side: a step has to wait for the
// one before it.
Vector FourColumns(Bytes d, const uint8_t* image, uint8_t* filled, int height,
                   ptrdiff_t stride) {
  const size_t n = hn::Lanes(d);
  Vector changed0 = hn::Zero(d), changed1 = changed0, changed2 = changed0,
         changed3 = changed0;
  for (const ptrdiff_t step : {stride, -stride}) {
    Vector carry0 = hn::Zero(d), carry1 = carry0, carry2 = carry0,
           carry3 = carry0;
    for (int y = 0; y < height; ++y, image += step, filled += step) {
      Step(d, image, filled, &carry0, &changed0);
      Step(d, image + n, filled + n, &carry1, &changed1);
      Step(d, image + 2 * n, filled + 2 * n, &carry2, &changed2);
      Step(d, image + 3 * n, filled + 3 * n, &carry3, &changed3);
    }
    image -= step;  // The row at the end.
    filled -= step;
  }
  return hn::Or(hn::Or(changed0, changed1), hn::Or(changed2, changed3));
}

Vector OneColumn(Bytes d, const uint8_t* image, uint8_t* filled, int height,
                 ptrdiff_t stride) {
  Vector changed = hn::Zero(d);
  for (const ptrdiff_t step : {stride, -stride}) {
    Vector carry = hn::Zero(d);
    for (int y = 0; y < height; ++y, image += step, filled += step) {
      Step(d, image, filled, &carry, &changed);
    }
    image -= step;
    filled -= step;
  }
  return changed;
}

// Lowers `filled` to what it can be by vertical paths; whether it changed.
bool VerticalPasses(const BytePlane& image, BytePlane* filled) {
  const Bytes d;
  const size_t n = hn::Lanes(d);
  const size_t width = static_cast<size_t>(image.words()) * 64;
  Vector changed = hn::Zero(d);
  size_t x = 0;
  for (; x + 4 * n <= width; x += 4 * n) {
    changed =
        hn::Or(changed, FourColumns(d, image.Row(0) + x, filled->Row(0) + x,
                                    image.height(), image.stride()));
  }
  for (; x < width; x += n) {
    changed = hn::Or(changed, OneColumn(d, image.Row(0) + x, filled->Row(0) + x,
                                        image.height(), image.stride()));
  }
  return IsAnySet(d, changed);
}

// out = in transposed.
void Transpose(const BytePlane& in, BytePlane* out) {
  const int width = in.width(), height = in.height();
  int y = 0;
#if HWY_TARGET != HWY_SCALAR && !HWY_HAVE_SCALABLE
  constexpr int kTile = 16;
  const ptrdiff_t in_stride = in.stride(), out_stride = out->stride();
  const hn::FixedTag<uint8_t, kTile> d;
  for (; y + kTile <= height; y += kTile) {
    int x = 0;
    for (; x + kTile <= width; x += kTile) {
      hn::Vec<decltype(d)> a[kTile], b[kTile];
      const uint8_t* const from = in.Row(y) + x;
      for (int i = 0; i < kTile; ++i) a[i] = hn::LoadU(d, from + i * in_stride);
      // Interleaving row i with row i + 8 moves the top bit of the row number
      // to the bottom of the column number; four times transposes.
      const auto step = [&](const hn::Vec<decltype(d)>* source,
                            hn::Vec<decltype(d)>* target) HWY_ATTR {
        for (int i = 0; i < kTile / 2; ++i) {
          target[2 * i] =
              hn::InterleaveLower(d, source[i], source[i + kTile / 2]);
          target[2 * i + 1] =
              hn::InterleaveUpper(d, source[i], source[i + kTile / 2]);
        }
      };
      step(a, b);
      step(b, a);
      step(a, b);
      step(b, a);
      uint8_t* const to = out->Row(x) + y;
      for (int i = 0; i < kTile; ++i) hn::StoreU(a[i], d, to + i * out_stride);
    }
    for (; x < width; ++x) {
      for (int i = 0; i < kTile; ++i) out->Row(x)[y + i] = in.Row(y + i)[x];
    }
  }
#endif
  for (; y < height; ++y) {
    for (int x = 0; x < width; ++x) out->Row(x)[y] = in.Row(y)[x];
  }
}

// Lists the pixels that a neighbour can still lower; gives up at the end of a
// row with `limit` of them in all.
void FindUnstable(const BytePlane& image, const BytePlane& filled, size_t limit,
                  std::vector<uint32_t>* unstable) {
  unstable->clear();
  const Bytes d;
  const size_t n = hn::Lanes(d);
  const size_t width = static_cast<size_t>(image.words()) * 64;
  const ptrdiff_t stride = image.stride();
  for (int y = 0; y < image.height() && unstable->size() < limit; ++y) {
    const uint8_t* const a = image.Row(y);
    const uint8_t* const f = filled.Row(y);
    for (size_t x = 0; x < width; x += n) {
      const uint8_t* const p = f + x;
      const Vector around =
          hn::Min(hn::Min(hn::LoadU(d, p - 1), hn::LoadU(d, p + 1)),
                  hn::Min(hn::Load(d, p - stride), hn::Load(d, p + stride)));
      const Vector old = hn::Load(d, p);
      const Vector now = hn::Min(old, hn::Max(hn::Load(d, a + x), around));
      const auto is_stable = hn::Eq(now, old);
      if (hn::AllTrue(d, is_stable)) continue;
      uint64_t bits = 0;
      hn::StoreMaskBits(d, hn::Not(is_stable),
                        reinterpret_cast<uint8_t*>(&bits));
      for (; bits != 0; bits &= bits - 1) {
        unstable->push_back(
            image.Index(static_cast<int>(x) + __builtin_ctzll(bits), y));
      }
    }
  }
}

// Sweeps along columns and rows in turn until nothing changes (true), or until
// few pixels are left, or for so long that there must be a maze.
bool Relax(const BytePlane& image, BytePlane* filled,
           BytePlane* image_transposed, BytePlane* filled_transposed,
           std::vector<uint32_t>* unstable) {
  constexpr int kMaxCycles = 16;
  constexpr size_t kFew = 512;
  VerticalPasses(image, filled);
  Transpose(image, image_transposed);
  for (int cycle = 0; cycle < kMaxCycles; ++cycle) {
    Transpose(*filled, filled_transposed);
    if (!VerticalPasses(*image_transposed, filled_transposed)) return true;
    Transpose(*filled_transposed, filled);
    if (!VerticalPasses(image, filled)) return true;
    FindUnstable(image, *filled, kFew, unstable);
    if (unstable->size() < kFew) return unstable->empty();
  }
  FindUnstable(image, *filled, std::numeric_limits<size_t>::max(), unstable);
  return false;
}

bool MarkHoles(const BytePlane& image, const BytePlane& filled,
               BytePlane* holes) {
  const Bytes d;
  const size_t n = hn::Lanes(d);
  const size_t width = static_cast<size_t>(image.words()) * 64;
  Vector any = hn::Zero(d);
  for (int y = 0; y < image.height(); ++y) {
    const uint8_t* const a = image.Row(y);
    const uint8_t* const f = filled.Row(y);
    uint8_t* const out = holes->Row(y);
    for (size_t x = 0; x < width; x += n) {
      const Vector value = hn::Load(d, a + x);
      // F is never below the image.
      const auto is_solid = hn::Eq(hn::Load(d, f + x), value);
      const Vector hole = hn::IfThenZeroElse(is_solid, hn::Not(value));
      any = hn::Or(any, hole);
      hn::Store(hole, d, out + x);
    }
  }
  return IsAnySet(d, any);
}

}  // namespace HWY_NAMESPACE
}  // namespace internal
}  // namespace wsol
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wsol {
namespace internal {
namespace {

HWY_EXPORT(Relax);
HWY_EXPORT(MarkHoles);

}  // namespace
}  // namespace internal

bool HoleFiller::Fill(const BytePlane& image, BytePlane* filled,
                      BytePlane* holes) {
  const int width = image.width(), height = image.height();
  filled->Resize(width, height);
  holes->Resize(width, height);
  image_transposed_.Resize(height, width);
  filled_transposed_.Resize(height, width);
  for (int y = 0; y < height; ++y) {
    std::memset(filled->Row(y), 255, static_cast<size_t>(width));
  }
  if (!HWY_DYNAMIC_DISPATCH(internal::Relax)(image, filled, &image_transposed_,
                                             &filled_transposed_, &unstable_)) {
    Flood(image, filled);
  }
  return HWY_DYNAMIC_DISPATCH(internal::MarkHoles)(image, *filled, holes);
}

// From the unstable pixels on, in order of levels (Dijkstra's algorithm with a
// list for each level). A pixel is listed at most once as unstable and once by
// the first neighbour that reaches it.
void HoleFiller::Flood(const BytePlane& image, BytePlane* filled) {
  constexpr uint32_t kNone = 0xFFFFFFFF;
  uint32_t head[256];
  std::fill(std::begin(head), std::end(head), kNone);
  items_.clear();
  const uint8_t* const value = image.data();
  uint8_t* const level = filled->data();
  const auto lower = [&](uint32_t pixel, uint8_t to) {
    if (to >= level[pixel]) return;
    level[pixel] = to;
    const auto item = static_cast<uint32_t>(items_.size());
    items_.push_back({pixel, head[to]});
    head[to] = item;
  };
  const auto stride = static_cast<uint32_t>(image.stride());
  for (const uint32_t p : unstable_) {
    const uint8_t around = std::min(
        {level[p - 1], level[p + 1], level[p - stride], level[p + stride]});
    lower(p, std::max(value[p], around));
  }
  for (size_t now = 0; now < 256; ++now) {
    while (head[now] != kNone) {
      const Item item = items_[head[now]];
      head[now] = item.next;
      const uint32_t p = item.pixel;
      if (level[p] != now) continue;  // Lowered further since.
      for (const uint32_t q : {p - 1, p + 1, p - stride, p + stride}) {
        lower(q, std::max(value[q], static_cast<uint8_t>(now)));
      }
    }
  }
}

}  // namespace wsol
#endif  // HWY_ONCE
