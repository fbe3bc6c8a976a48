// Inputs of the golden loss cases in testdata/losses.json.

#ifndef FCAM_LOSSES_GOLDEN_INPUTS_H_
#define FCAM_LOSSES_GOLDEN_INPUTS_H_

#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "nlohmann/json.hpp"

namespace fcam {

// The cases whose id starts with "losses/g/" and `prefix`, in the file's order.
std::vector<nlohmann::json> LossCases(const std::string& prefix);

// A float64 tensor from its descriptor (testing/golden.h).
at::Tensor TensorFromGolden(const nlohmann::json& descriptor);

// Row-major values of any tensor.
std::vector<double> ToVector(const at::Tensor& tensor);

// Images [N, 3, H, W] float64 with values 0..255 from {kind, gen, N, H, W}; the
// kinds "tri", "tri_noise" and "bytes" are described in the file's conventions.
at::Tensor ImagesFromGolden(const nlohmann::json& image);

// Labels [N, H, W] int64 from {kind: "mod", p, a}: 1 where (3x + 5y + 7n + a)
// mod p is 0, 0 where it is p / 2, else -255.
at::Tensor SeedsFromGolden(const nlohmann::json& seeds,
                           const at::Tensor& fcams);

}  // namespace fcam

#endif  // FCAM_LOSSES_GOLDEN_INPUTS_H_
