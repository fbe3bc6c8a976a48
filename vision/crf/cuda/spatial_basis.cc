#include "vision/crf/cuda/spatial_basis.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "vision/crf/low_rank_gaussian.h"

namespace vision {
namespace {

constexpr int kMaxRank = 32;  // Of one direction.
constexpr size_t kMaxFunctions = 96;
// Fills up the lanes of a warp for one and two channels: more functions there
// cost nothing.
constexpr size_t kMultiple = 8;

struct Product {
  double energy;
  size_t a, b;
};

}  // namespace

absl::StatusOr<SpatialBasis> MakeSpatialBasis(int height, int width,
                                              double sigma_xy_pixels,
                                              double tolerance) {
  if (height < 1 || width < 1 ||
      !(sigma_xy_pixels > 0 && std::isfinite(sigma_xy_pixels)) ||
      !(tolerance > 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "height, width, sigma_xy_pixels and tolerance must be positive, got ",
        height, ", ", width, ", ", sigma_xy_pixels, ", ", tolerance));
  }
  const absl::Status too_small = absl::InvalidArgumentError(absl::StrCat(
      "The grid filter needs a sigma_xy_pixels of the order of the image "
      "(about a sixth of its sides or more), got ",
      sigma_xy_pixels, " for ", height, " x ", width));
  // Factors of one direction must not spoil their truncated product.
  const std::optional<LowRankGaussian> along_x =
      FactorizeGaussian(width, sigma_xy_pixels, 0.01 * tolerance, kMaxRank);
  const std::optional<LowRankGaussian> along_y =
      FactorizeGaussian(height, sigma_xy_pixels, 0.01 * tolerance, kMaxRank);
  if (!along_x.has_value() || !along_y.has_value()) return too_small;

  std::vector<Product> products;
  for (size_t a = 0; a < along_x->energies.size(); ++a) {
    for (size_t b = 0; b < along_y->energies.size(); ++b) {
      products.push_back({along_x->energies[a] * along_y->energies[b], a, b});
    }
  }
  std::stable_sort(products.begin(), products.end(),
                   [](const Product& left, const Product& right) {
                     return left.energy > right.energy;
                   });
  // The diagonal of the kernel is one; what is missing there bounds the error.
  const size_t columns = static_cast<size_t>(width);
  const size_t rows = static_cast<size_t>(height);
  std::vector<double> diagonal(columns * rows, 0.0);
  size_t count = 0;
  while (count < products.size()) {
    const Product product = products[count++];
    const double* fx = along_x->functions.data() + product.a * columns;
    const double* fy = along_y->functions.data() + product.b * rows;
    double least = 1;
    for (size_t y = 0; y < rows; ++y) {
      for (size_t x = 0; x < columns; ++x) {
        const double phi = fx[x] * fy[y];
        diagonal[y * columns + x] += phi * phi;
        least = std::min(least, diagonal[y * columns + x]);
      }
    }
    if (1 - least <= tolerance) break;
    if (count == kMaxFunctions) return too_small;
  }
  const size_t padded = (count + kMultiple - 1) / kMultiple * kMultiple;
  count = std::min(padded, products.size());

  SpatialBasis basis;
  basis.num_functions = static_cast<int>(padded);
  basis.x.assign(columns * padded, 0.0f);
  basis.y.assign(rows * padded, 0.0f);
  for (size_t m = 0; m < count; ++m) {
    for (size_t x = 0; x < columns; ++x) {
      basis.x[x * padded + m] =
          static_cast<float>(along_x->functions[products[m].a * columns + x]);
    }
    for (size_t y = 0; y < rows; ++y) {
      basis.y[y * padded + m] =
          static_cast<float>(along_y->functions[products[m].b * rows + y]);
    }
  }
  return basis;
}

}  // namespace vision
