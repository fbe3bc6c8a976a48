// Few functions whose outer products add up to a wide Gaussian kernel.

#ifndef VISION_CRF_LOW_RANK_GAUSSIAN_H_
#define VISION_CRF_LOW_RANK_GAUSSIAN_H_

#include <optional>
#include <vector>

namespace vision {

// exp(-(i - j)^2 / (2 sigma^2)) = sum_m f_m(i) f_m(j) + error, 0 <= i, j <
// size.
struct LowRankGaussian {
  int size = 0;
  int rank = 0;
  // [rank, size]: orthogonal, so that any prefix is near the best of its rank.
  std::vector<double> functions;
  // |f_m|^2, descending: nearly the kernel matrix's eigenvalues.
  std::vector<double> energies;
};

// The factorisation whose error is at most `tolerance` anywhere, or nullopt if
// that takes more than `max_rank` functions (about 2 size / sigma + 5 do).
// Pivoted Cholesky (Harbrecht et al., 2012) and an eigen-decomposition of its
// small Gram matrix: O(size rank^2 + rank^3). `size` and `sigma` positive.
std::optional<LowRankGaussian> FactorizeGaussian(int size, double sigma,
                                                 double tolerance,
                                                 int max_rank);

}  // namespace vision

#endif  // VISION_CRF_LOW_RANK_GAUSSIAN_H_
