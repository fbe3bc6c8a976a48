// Images and maps between OpenCV's matrices and LibTorch's tensors.
//
//   at::Tensor raw = vision::ImageToTensor(rgb);    // [3, H, W], 0 to 255
//   cv::Mat map = vision::TensorToMap(cam[0]);      // [H, W] CV_32F
//
// All of them copy: no result shares memory with its argument. Tensors may lie
// on any device and have any strides; gradients are dropped.

#ifndef VISION_IMAGE_TENSOR_IMAGE_H_
#define VISION_IMAGE_TENSOR_IMAGE_H_

#include "ATen/core/Tensor.h"
#include "opencv2/core/mat.hpp"
#include "vision/image/transforms.h"

namespace vision {

// [3, H, W] float32, 0 to 255, of an RGB image [H, W] CV_8UC3.
at::Tensor ImageToTensor(const cv::Mat& rgb);

// [3, H, W] float32 (pixel / 255 - mean) / std of an RGB image CV_8UC3.
at::Tensor NormalizedImageToTensor(const cv::Mat& rgb,
                                   const Normalization& normalization = {});

// [H, W] tensor of a matrix of one channel: CV_32F -> float32, CV_64F ->
// float64, CV_8U -> uint8, CV_32S -> int32.
at::Tensor MapToTensor(const cv::Mat& map);

// RGB image [H, W] CV_8UC3 of a [3, H, W] tensor of values 0 to 255, any real
// dtype, rounded to nearest (ties to even) and clipped; NaN becomes 0.
cv::Mat TensorToImage(const at::Tensor& chw);

// Matrix [H, W] of a [H, W] tensor: float64 -> CV_64F, other floating dtypes ->
// CV_32F, uint8 and bool -> CV_8U.
cv::Mat TensorToMap(const at::Tensor& hw);

}  // namespace vision

#endif  // VISION_IMAGE_TENSOR_IMAGE_H_
