// Eigenvectors of small symmetric matrices.

#ifndef VISION_CRF_SYMMETRIC_EIGEN_H_
#define VISION_CRF_SYMMETRIC_EIGEN_H_

#include <vector>

#include "absl/types/span.h"

namespace vision {

struct SymmetricEigen {
  std::vector<double> values;  // Descending.
  std::vector<double>
      vectors;  // [n, n]: row m is the unit vector of values[m].
};

// Eigen-decomposition of the symmetric row-major [size, size] `matrix` by
// cyclic Jacobi rotations (Golub and Van Loan, section 8.5), to full double
// precision. O(size^3) with a large constant: for size below a hundred.
SymmetricEigen ComputeSymmetricEigen(absl::Span<const double> matrix, int size);

}  // namespace vision

#endif  // VISION_CRF_SYMMETRIC_EIGEN_H_
