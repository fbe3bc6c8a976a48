// Tensors of the golden files: closed forms, so that nothing large is stored.
//
// A descriptor is {shape, gen, mul, add, [floor]}: element k of the row-major
// tensor is mul * u_k + add (floored if asked), where gen names the stream u:
//   {kind: sine, k0}:  u_k = h(k0 + k), h(k) = fractional part of
//                      43758.5453 * sin(12.9898 * k + 78.233), all in double
//                      and without fused multiply-add;
//   {kind: lcg, seed}: x_0 = seed, x_{k+1} = 1664525 x_k + 1013904223 mod 2^32,
//                      u_k = floor(x_{k+1} / 2^8) / 2^24.

#ifndef TESTING_GOLDEN_H_
#define TESTING_GOLDEN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace testing {

// Shape and row-major values of a tensor.
struct GoldenTensor {
  std::vector<int64_t> shape;
  std::vector<double> data;
};

// The first `count` values of a stream, from its "gen" object.
std::vector<double> GoldenStream(const nlohmann::json& gen, int64_t count);

// A tensor from its descriptor, or from {shape, data} where null means NaN.
GoldenTensor MakeGoldenTensor(const nlohmann::json& descriptor);

// Checks `data` against an expectation, {shape, data} in full or a summary
// {shape, mean, std, sum, abs_sum, sq_sum, min, max, wsum, at}, within
// `tolerance` {rtol, atol}. Relative means relative to the largest magnitude
// of the tensor (sums: to abs_sum). Returns an empty string or what differs.
std::string CompareWithGolden(const nlohmann::json& expected,
                              const std::vector<double>& data, double rtol,
                              double atol);

}  // namespace testing

#endif  // TESTING_GOLDEN_H_
