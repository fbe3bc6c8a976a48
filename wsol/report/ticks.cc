#include "wsol/report/ticks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_format.h"
#include "glog/logging.h"

namespace wsol {
namespace {

// A step of mantissa * 10^exponent. Kept apart so that values are computed with
// one rounding: 3 * 0.1 is not 0.3, but 3 / 10 is.
struct Step {
  int mantissa;
  int exponent;

  double Multiple(int64_t k) const {
    const double scaled = static_cast<double>(k) * mantissa;
    return exponent < 0 ? scaled / std::pow(10.0, -exponent)
                        : scaled * std::pow(10.0, exponent);
  }
};

// The smallest round step that is at least `raw`.
Step RoundStep(double raw) {
  const int exponent = static_cast<int>(std::floor(std::log10(raw)));
  // A tolerance, so that 0.2 asks for 0.2 and not for 0.5.
  const double mantissa = raw / std::pow(10.0, exponent) * (1 - 1e-9);
  if (mantissa <= 1) return {1, exponent};
  if (mantissa <= 2) return {2, exponent};
  if (mantissa <= 5) return {5, exponent};
  return {1, exponent + 1};
}

Step SmallerStep(const Step& step) {
  if (step.mantissa == 5) return {2, step.exponent};
  if (step.mantissa == 2) return {1, step.exponent};
  return {5, step.exponent - 1};
}

Ticks MakeTicks(const Step& step, int64_t first, int64_t last) {
  Ticks ticks;
  ticks.step = step.Multiple(1);
  // Beyond a million digits are hard to count, and so are those of 0.000001.
  const bool scientific = step.exponent < -5 || step.exponent > 6;
  for (int64_t k = first; k <= last; ++k) {
    const double value = step.Multiple(k);
    ticks.values.push_back(value);
    ticks.labels.push_back(
        scientific && k != 0
            ? absl::StrFormat("%.3g", value)
            : absl::StrFormat(
                  "%.*f", scientific ? 0 : std::max(0, -step.exponent), value));
  }
  return ticks;
}

void CheckRange(double low, double high, int target) {
  CHECK(std::isfinite(low) && std::isfinite(high)) << low << " " << high;
  CHECK_LT(low, high);
  CHECK_GE(target, 2);
}

}  // namespace

Ticks TicksWithin(double low, double high, int target, double min_step) {
  CheckRange(low, high, target);
  Step step = RoundStep(std::max(min_step, (high - low) / target));
  while (true) {
    const double size = step.Multiple(1);
    const int64_t first = static_cast<int64_t>(std::ceil(low / size - 1e-9));
    const int64_t last = static_cast<int64_t>(std::floor(high / size + 1e-9));
    const Step smaller = SmallerStep(step);
    if (last > first || smaller.Multiple(1) < min_step) {
      return MakeTicks(step, first, last);
    }
    step = smaller;
  }
}

Ticks TicksAround(double low, double high, int target, double min_step) {
  CheckRange(low, high, target);
  const Step step = RoundStep(std::max(min_step, (high - low) / target));
  const double size = step.Multiple(1);
  return MakeTicks(step, static_cast<int64_t>(std::floor(low / size + 1e-9)),
                   static_cast<int64_t>(std::ceil(high / size - 1e-9)));
}

}  // namespace wsol
