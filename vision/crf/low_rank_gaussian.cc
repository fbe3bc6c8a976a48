#include "vision/crf/low_rank_gaussian.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include "vision/crf/symmetric_eigen.h"

namespace vision {

std::optional<LowRankGaussian> FactorizeGaussian(int size, double sigma,
                                                 double tolerance,
                                                 int max_rank) {
  const size_t n = static_cast<size_t>(size);
  // Columns of the Cholesky factor, one after the other, each for the worst
  // approximated point so far. The largest error of a positive semidefinite
  // residual is on its diagonal.
  std::vector<std::vector<double>> columns;
  std::vector<double> residual(n, 1.0);  // Diagonal of what is left.
  while (true) {
    const auto worst = std::max_element(residual.begin(), residual.end());
    if (*worst <= tolerance) break;
    if (columns.size() == static_cast<size_t>(max_rank)) return std::nullopt;
    const size_t pivot = static_cast<size_t>(worst - residual.begin());
    std::vector<double> column(n);
    for (size_t i = 0; i < n; ++i) {
      const double d =
          (static_cast<double>(i) - static_cast<double>(pivot)) / sigma;
      column[i] = std::exp(-0.5 * d * d);
    }
    for (const std::vector<double>& previous : columns) {
      const double factor = previous[pivot];
      for (size_t i = 0; i < n; ++i) column[i] -= factor * previous[i];
    }
    const double scale = 1 / std::sqrt(residual[pivot]);
    for (size_t i = 0; i < n; ++i) {
      column[i] *= scale;
      residual[i] = std::max(0.0, residual[i] - column[i] * column[i]);
    }
    residual[pivot] = 0;  // Rounding must not let a pivot come twice.
    columns.push_back(std::move(column));
  }

  // L L^T = (L V)(L V)^T with V the eigenvectors of L^T L: orthogonal columns.
  const size_t rank = columns.size();
  std::vector<double> gram(rank * rank);
  for (size_t a = 0; a < rank; ++a) {
    for (size_t b = 0; b < rank; ++b) {
      double sum = 0;
      for (size_t i = 0; i < n; ++i) sum += columns[a][i] * columns[b][i];
      gram[a * rank + b] = sum;
    }
  }
  const SymmetricEigen eigen =
      ComputeSymmetricEigen(gram, static_cast<int>(rank));
  LowRankGaussian result;
  result.size = size;
  result.rank = static_cast<int>(rank);
  result.energies = eigen.values;
  result.functions.assign(rank * n, 0.0);
  for (size_t m = 0; m < rank; ++m) {
    double* function = result.functions.data() + m * n;
    for (size_t a = 0; a < rank; ++a) {
      const double weight = eigen.vectors[m * rank + a];
      for (size_t i = 0; i < n; ++i) function[i] += weight * columns[a][i];
    }
  }
  return result;
}

}  // namespace vision
