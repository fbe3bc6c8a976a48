#include "vision/crf/symmetric_eigen.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include "absl/types/span.h"
#include "glog/logging.h"

namespace vision {
namespace {

// Replaces (x, y) by the rotated (c x - s y, s x + c y).
void Rotate(double c, double s, double* x, double* y) {
  const double old_x = *x;
  *x = c * old_x - s * *y;
  *y = s * old_x + c * *y;
}

}  // namespace

SymmetricEigen ComputeSymmetricEigen(absl::Span<const double> matrix,
                                     int size) {
  const size_t n = static_cast<size_t>(size);
  CHECK_EQ(matrix.size(), n * n);
  std::vector<double> a(matrix.begin(), matrix.end());
  std::vector<double> v(n * n, 0.0);  // Row m converges to eigenvector m.
  for (size_t m = 0; m < n; ++m) v[m * n + m] = 1.0;
  double squared_norm = 0;
  for (const double x : a) squared_norm += x * x;

  // It converges quadratically, in 5 to 8 sweeps; more would be for nothing.
  constexpr int kMaxSweeps = 30;
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    double off_diagonal = 0;
    for (size_t p = 0; p < n; ++p) {
      for (size_t q = p + 1; q < n; ++q)
        off_diagonal += a[p * n + q] * a[p * n + q];
    }
    if (off_diagonal <= 1e-30 * squared_norm) break;
    for (size_t p = 0; p < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) {
        const double apq = a[p * n + q];
        if (std::abs(apq) < std::numeric_limits<double>::min()) continue;
        // The smaller of the two angles that make a_pq zero.
        const double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
        const double t = (theta >= 0 ? 1.0 : -1.0) /
                         (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1);
        const double s = t * c;
        for (size_t k = 0; k < n; ++k)
          Rotate(c, s, &a[k * n + p], &a[k * n + q]);
        for (size_t k = 0; k < n; ++k)
          Rotate(c, s, &a[p * n + k], &a[q * n + k]);
        for (size_t k = 0; k < n; ++k)
          Rotate(c, s, &v[p * n + k], &v[q * n + k]);
      }
    }
  }

  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) {
    return a[x * n + x] > a[y * n + y];
  });
  SymmetricEigen eigen;
  for (const size_t m : order) {
    eigen.values.push_back(a[m * n + m]);
    eigen.vectors.insert(eigen.vectors.end(), v.begin() + m * n,
                         v.begin() + (m + 1) * n);
  }
  return eigen;
}

}  // namespace vision
