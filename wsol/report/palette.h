// Colours of the series in charts.

#ifndef WSOL_REPORT_PALETTE_H_
#define WSOL_REPORT_PALETTE_H_

#include <array>

namespace wsol {

// Dark enough for white paper (3:1 or more), apart from each other in hue and
// lightness also for red-green blindness.
inline constexpr std::array<const char*, 8> kSeriesPalette = {
    "#0067a5", "#d1500b", "#00805c", "#a8488a",
    "#946300", "#2a86b5", "#5a5f66", "#7a4fb5"};

}  // namespace wsol

#endif  // WSOL_REPORT_PALETTE_H_
