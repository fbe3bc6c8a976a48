#include "vision/crf/multiply_add_peak.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vision/crf/multiply_add_peak.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vision {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Does rounds of operations that do not wait for each other; returns their
// number. `out` makes them necessary.
double RunMultiplyAdds(int64_t rounds, float* out) {
  const hn::CappedTag<float, 16> d;
  const auto factor = hn::Set(d, 0.999f);
  const auto term = hn::Set(d, 1e-3f);
  auto a = hn::Set(d, 0.1f), b = a, c = a, e = a, f = a, g = a, h = a, i = a,
       j = a, k = a;
  for (int64_t round = 0; round < rounds; ++round) {
    a = hn::MulAdd(a, factor, term);
    b = hn::MulAdd(b, factor, term);
    c = hn::MulAdd(c, factor, term);
    e = hn::MulAdd(e, factor, term);
    f = hn::MulAdd(f, factor, term);
    g = hn::MulAdd(g, factor, term);
    h = hn::MulAdd(h, factor, term);
    i = hn::MulAdd(i, factor, term);
    j = hn::MulAdd(j, factor, term);
    k = hn::MulAdd(k, factor, term);
    // The compiler must not see that the chains are alike.
    if (round == rounds / 2) {
      b = hn::Add(b, term);
      c = hn::Sub(c, term);
      e = hn::Mul(e, term);
      f = hn::Mul(f, factor);
      g = hn::Max(g, term);
      h = hn::Neg(h);
      i = hn::Mul(i, i);
      j = hn::Add(j, factor);
      k = hn::Sub(k, factor);
    }
  }
  a = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, e)),
              hn::Add(hn::Add(f, g), hn::Add(h, i)));
  *out = hn::GetLane(hn::Add(a, hn::Add(j, k)));
  return 10.0 * static_cast<double>(rounds) * static_cast<double>(hn::Lanes(d));
}

}  // namespace HWY_NAMESPACE
}  // namespace vision
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vision {

HWY_EXPORT(RunMultiplyAdds);

double MultiplyAddPeak() {
  static const double peak = [] {
    double best = 0;
    for (int repetition = 0; repetition < 20; ++repetition) {
      float out;
      const auto begin = std::chrono::steady_clock::now();
      const double count = HWY_DYNAMIC_DISPATCH(RunMultiplyAdds)(100000, &out);
      const std::chrono::duration<double> seconds =
          std::chrono::steady_clock::now() - begin;
      best = std::max(best, count / seconds.count());
    }
    return best;
  }();
  return peak;
}

}  // namespace vision
#endif  // HWY_ONCE
