#include "wsol/metrics/box_ious.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "vision/geometry/box_iou.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "wsol/metrics/box_ious.cc"
#include "hwy/foreach_target.h"
// foreach_target.h first: it compiles this file once for each instruction set.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace wsol {
namespace internal {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Whole vectors; returns how many boxes that were.
size_t BestIous(const LevelBoxes16& boxes, absl::Span<const vision::Box> truth,
                double* HWY_RESTRICT ious) {
  const hn::ScalableTag<double> d64;
  const hn::Rebind<int32_t, decltype(d64)> d32;
  const hn::Rebind<int16_t, decltype(d64)> d16;
  const size_t n = hn::Lanes(d64);
  const auto zero = hn::Zero(d32);
  size_t i = 0;
  for (; i + n <= boxes.size; i += n) {
    const auto load = [&](const std::vector<int16_t>& v) HWY_ATTR {
      return hn::PromoteTo(d32, hn::LoadU(d16, v.data() + i));
    };
    const auto x0 = load(boxes.x0), y0 = load(boxes.y0);
    const auto x1 = load(boxes.x1), y1 = load(boxes.y1);
    const auto area = hn::Mul(hn::Sub(x1, x0), hn::Sub(y1, y0));
    auto best = hn::Zero(d64);
    for (const vision::Box& t : truth) {
      const auto w = hn::Sub(hn::Min(x1, hn::Set(d32, t.x1)),
                             hn::Max(x0, hn::Set(d32, t.x0)));
      const auto h = hn::Sub(hn::Min(y1, hn::Set(d32, t.y1)),
                             hn::Max(y0, hn::Set(d32, t.y0)));
      const auto both = hn::Mul(hn::Max(w, zero), hn::Max(h, zero));
      // At most 2 * 32767^2, which fits.
      const auto sum =
          hn::Add(area, hn::Set(d32, (t.x1 - t.x0) * (t.y1 - t.y0)));
      const auto iou = hn::Div(hn::PromoteTo(d64, both),
                               hn::PromoteTo(d64, hn::Sub(sum, both)));
      best = hn::Max(best, iou);
    }
    hn::StoreU(best, d64, ious + i);
  }
  return i;
}

}  // namespace HWY_NAMESPACE
}  // namespace internal
}  // namespace wsol
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wsol {
namespace internal {
namespace {

HWY_EXPORT(BestIous);

}  // namespace
}  // namespace internal

void BestIous(const LevelBoxes16& boxes, absl::Span<const vision::Box> truth,
              double* ious) {
  size_t i = HWY_DYNAMIC_DISPATCH(internal::BestIous)(boxes, truth, ious);
  for (; i < boxes.size; ++i) {
    const vision::Box box{boxes.x0[i], boxes.y0[i], boxes.x1[i], boxes.y1[i]};
    ious[i] = 0;
    for (const vision::Box& t : truth) {
      ious[i] = std::max(ious[i], vision::BoxIou(box, t));
    }
  }
}

}  // namespace wsol
#endif  // HWY_ONCE
