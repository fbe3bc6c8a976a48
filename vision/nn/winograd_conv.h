// 3 x 3 convolutions with a quarter of the multiplications, for inference.
//
//   if (vision::WinogradConv::Fits(conv)) {
//     const vision::WinogradConv fast(conv.weight, conv.bias);
//     at::Tensor y = fast.Run(x, /*relu=*/true);   // max(0, conv(x))
//   }
//
// Winograd's minimal filtering F(4 x 4, 3 x 3) (Lavin and Gray, Fast Algorithms
// for Convolutional Neural Networks, CVPR 2016): tiles of 6 x 6 input pixels
// are transformed, multiplied with transformed weights as 36 matrix products
// over the channels, and transformed back to 4 x 4 output pixels,
//   Y = A^T [ sum_c (G g_c G^T) * (B^T d_c B) ] A.
// The interpolation points are 0, +-sqrt(1/2), +-sqrt(2) and infinity instead
// of the paper's 0, +-1, +-2: errors are about 2e-6 of the largest output
// instead of 1e-5 (directly computed: 3e-7).

#ifndef VISION_NN_WINOGRAD_CONV_H_
#define VISION_NN_WINOGRAD_CONV_H_

#include "ATen/core/Tensor.h"
#include "torch/nn/modules/conv.h"

namespace vision {

class WinogradConv {
 public:
  // Whether it computes what `conv` does, and faster: 3 x 3, stride and
  // dilation 1, padded by a zero on each side, one group, float32 on the CPU
  // with bias, and channels enough that the transforms cost less than they
  // save.
  static bool Fits(const torch::nn::Conv2dImpl& conv);

  // `weight`: [K, C, 3, 3], `bias`: [K], float32 on the CPU. Keeps 4 times the
  // weights' memory; they must not change afterwards. Throws c10::Error for
  // other shapes.
  WinogradConv(const at::Tensor& weight, const at::Tensor& bias);

  // conv(x), with max(0, .) if `relu`. `x`: [N, C, H, W] float32 on the CPU, at
  // least one pixel; returns [N, K, H, W] in channels-last format. No gradient.
  // Thread-safe. Throws c10::Error for other shapes. LibTorch's threads; the
  // result does not depend on their number, but for the matrix products'.
  at::Tensor Run(const at::Tensor& x, bool relu) const;

 private:
  int64_t in_channels_;
  int64_t out_channels_;
  at::Tensor weight_;  // [36, C, K], transformed.
  at::Tensor bias_;    // [K].
};

}  // namespace vision

#endif  // VISION_NN_WINOGRAD_CONV_H_
