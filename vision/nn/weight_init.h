// Initial values of weights, drawn from a generator that the caller seeds.
//
// LibTorch's own torch::nn::init functions draw from the process-wide
// generator; these draw from the one given, in the order of the calls, so a
// model's initial weights are a function of its seed alone.
//
//   at::Generator generator = vision::MakeGenerator(options.seed);
//   vision::KaimingNormal(conv->weight, generator);

#ifndef VISION_NN_WEIGHT_INIT_H_
#define VISION_NN_WEIGHT_INIT_H_

#include <cstdint>

#include "ATen/core/Generator.h"
#include "ATen/core/Tensor.h"

namespace vision {

// A CPU generator (Mersenne twister) seeded with `seed`.
at::Generator MakeGenerator(uint64_t seed);

// Each function overwrites `weight`, a float tensor [out, in, ...] on the CPU
// with at least two axes, outside of autograd. With receptive field r = product
// of the axes from 2 on: fan_in = in * r, fan_out = out * r, where `in` is per
// group of a grouped convolution. They throw c10::Error for fewer than two
// axes.

// Normal with mean 0 and deviation sqrt(2 / fan_out): He et al., ICCV 2015,
// eq. 14; what torchvision's ResNets start from.
void KaimingNormal(const at::Tensor& weight, at::Generator& generator);

// Uniform in [-a, a], a = sqrt(6 / fan_in): He et al., ICCV 2015, eq. 10.
void KaimingUniform(const at::Tensor& weight, at::Generator& generator);

// Uniform in [-a, a], a = sqrt(6 / (fan_in + fan_out)): Glorot and Bengio,
// AISTATS 2010, eq. 16.
void XavierUniform(const at::Tensor& weight, at::Generator& generator);

// Normal with mean 0 and the given deviation; of any shape.
void NormalInit(const at::Tensor& tensor, double deviation,
                at::Generator& generator);

// Uniform in [-a, a], a = 1 / sqrt(fan_in): weight and bias of PyTorch's own
// linear and convolution layers. Of any shape, so that it serves both.
void DefaultUniform(const at::Tensor& tensor, int64_t fan_in,
                    at::Generator& generator);

// Sets every value; for biases and norm layers.
void FillConstant(const at::Tensor& weight, double value);

}  // namespace vision

#endif  // VISION_NN_WEIGHT_INIT_H_
