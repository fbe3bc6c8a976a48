// Closed-form weights of the golden files, for networks of any size.
//
// A fill is {gen, gain, bn, keyed, [bn3], [head_gain]}. With u the stream of
// `gen` (testing/golden.h), restarted for each tensor, and v = 2 u - 1:
//   more than one axis: v * gain * sqrt(6 / fan_in), fan_in the product of all
//     axes but the first; `head_gain` instead of gain in classification_head;
//   batch norm, bn "unit": 1, 0, mean 0, variance 1; bn "affine": weight and
//     variance 1 + v / 4, bias and mean v / 8; `bn3` sets weights named
//     *bn3.weight;
//   other biases: v / 10.
// If `keyed`, crc32(name) mod 2^16 is added to the stream's k0 or seed.

#ifndef VISION_BACKBONES_GOLDEN_WEIGHTS_H_
#define VISION_BACKBONES_GOLDEN_WEIGHTS_H_

#include <string>

#include "nlohmann/json.hpp"
#include "vision/nn/state_dict.h"

namespace vision {

// Overwrites the tensors of `dict`; their full names are `prefix` + key.
void FillGoldenWeights(const nlohmann::json& fill, const std::string& prefix,
                       const StateDict& dict);

}  // namespace vision

#endif  // VISION_BACKBONES_GOLDEN_WEIGHTS_H_
