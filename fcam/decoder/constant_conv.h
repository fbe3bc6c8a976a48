// A 3 x 3 convolution of maps that need no gradient, such as the features of a
// frozen encoder, in a quarter of the multiplications.
//
//   at::Tensor y = ConvolveConstants({features, skip}, conv.weight);
//
// Winograd's minimal filtering F(4 x 4, 3 x 3) (Lavin and Gray, Fast algorithms
// for convolutional neural networks, CVPR 2016): 36 products of matrices for 16
// pixels of 9 taps each. Where the input is constant, the gradient of the
// weights is as cheap as the convolution, and nothing else is asked for.

#ifndef FCAM_DECODER_CONSTANT_CONV_H_
#define FCAM_DECODER_CONSTANT_CONV_H_

#include <vector>

#include "ATen/core/Tensor.h"

namespace fcam {

// From so many channels on it is faster than LibTorch's convolution; with fewer
// the transforms take the time that the products save.
inline constexpr int kMinConstantConvChannels = 128;

// Whether ConvolveConstants takes `input`: float32 in channels-last format on
// the CPU, [N, C, H, W], no gradient wanted.
bool IsConstantInput(const at::Tensor& input);

// conv2d(cat(inputs, 1), weight, padding = 1) without the concatenation.
//   inputs: each [N, C_i, H, W], IsConstantInput(), of the same N, H and W.
//   weight: [O, sum of C_i, 3, 3] float32.
// Returns [N, O, H, W] in channels-last format; gradients flow to `weight`
// alone, once (no double backward). Equal to conv2d up to rounding: about 1e-5
// of the largest value. Throws c10::Error for other shapes and dtypes. Memory
// besides the result: 2.25 times a slice of 256 channels of the inputs, 4 times
// the weights of the slice.
at::Tensor ConvolveConstants(const std::vector<at::Tensor>& inputs,
                             const at::Tensor& weight);

}  // namespace fcam

#endif  // FCAM_DECODER_CONSTANT_CONV_H_
