// Round numbers along the axis of a chart.

#ifndef WSOL_REPORT_TICKS_H_
#define WSOL_REPORT_TICKS_H_

#include <string>
#include <vector>

namespace wsol {

struct Ticks {
  // Ascending multiples of `step`.
  std::vector<double> values;
  // 1, 2 or 5 times a power of ten.
  double step = 1;
  // One for each value, all with the digits that `step` needs: "0.0", "0.5".
  std::vector<std::string> labels;
};

// The multiples of a round step within [low, high], with a step such that there
// are about `target` of them: at most target + 1, and at least two unless
// `min_step` (1 for an axis of whole numbers) forbids that. Requires low <
// high, both finite, and target >= 2.
Ticks TicksWithin(double low, double high, int target, double min_step = 0);

// As TicksWithin, but the first value is at or below `low` and the last is at
// or above `high`, at most target + 2 in all: for an axis that may grow to
// round ends.
Ticks TicksAround(double low, double high, int target, double min_step = 0);

}  // namespace wsol

#endif  // WSOL_REPORT_TICKS_H_
