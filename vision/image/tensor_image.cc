#include "vision/image/tensor_image.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "ATen/ATen.h"
#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "vision/image/transforms.h"

namespace vision {
namespace {

at::ScalarType ScalarTypeOf(int depth) {
  switch (depth) {
    case CV_8U:
      return at::kByte;
    case CV_32S:
      return at::kInt;
    case CV_32F:
      return at::kFloat;
    case CV_64F:
      return at::kDouble;
    default:
      LOG(FATAL) << "no tensor type for matrices of type "
                 << cv::depthToString(depth);
      return at::kFloat;
  }
}

}  // namespace

at::Tensor ImageToTensor(const cv::Mat& rgb) {
  at::Tensor tensor = at::empty({3, rgb.rows, rgb.cols}, at::kFloat);
  ToChw(rgb, tensor.data_ptr<float>());
  return tensor;
}

at::Tensor NormalizedImageToTensor(const cv::Mat& rgb,
                                   const Normalization& normalization) {
  at::Tensor tensor = at::empty({3, rgb.rows, rgb.cols}, at::kFloat);
  PixelNormalizer(normalization)
      .Write(rgb, PixelLayout::kChw, tensor.data_ptr<float>());
  return tensor;
}

at::Tensor MapToTensor(const cv::Mat& map) {
  CHECK_EQ(map.channels(), 1) << "expected a matrix of one channel";
  at::Tensor tensor =
      at::empty({map.rows, map.cols}, ScalarTypeOf(map.depth()));
  auto* out = static_cast<uint8_t*>(tensor.data_ptr());
  const size_t row_bytes = map.cols * map.elemSize();
  for (int y = 0; y < map.rows; ++y) {
    std::memcpy(out + y * row_bytes, map.ptr(y), row_bytes);
  }
  return tensor;
}

cv::Mat TensorToImage(const at::Tensor& chw) {
  CHECK_EQ(chw.dim(), 3) << "expected [3, height, width], got " << chw.sizes();
  CHECK_EQ(chw.size(0), 3) << "expected [3, height, width], got "
                           << chw.sizes();
  // Rounding after the conversion: half integers of a double round as floats
  // do.
  const at::Tensor bytes = chw.detach()
                               .to(at::kCPU, at::kDouble)
                               .nan_to_num(0.0, 255.0, 0.0)
                               .round()
                               .clamp(0, 255)
                               .to(at::kByte)
                               .permute({1, 2, 0})
                               .contiguous();
  cv::Mat image(static_cast<int>(bytes.size(0)),
                static_cast<int>(bytes.size(1)), CV_8UC3);
  std::memcpy(image.data, bytes.data_ptr<uint8_t>(), bytes.nbytes());
  return image;
}

cv::Mat TensorToMap(const at::Tensor& hw) {
  CHECK_EQ(hw.dim(), 2) << "expected [height, width], got " << hw.sizes();
  at::ScalarType type = hw.scalar_type();
  int depth = CV_32F;
  if (type == at::kDouble) {
    depth = CV_64F;
  } else if (type == at::kByte || type == at::kBool) {
    type = at::kByte;
    depth = CV_8U;
  } else {
    CHECK(hw.is_floating_point())
        << "expected a tensor of a floating type, uint8 or bool, got "
        << hw.dtype();
    type = at::kFloat;
  }
  const at::Tensor values = hw.detach().to(at::kCPU, type).contiguous();
  cv::Mat map(static_cast<int>(values.size(0)),
              static_cast<int>(values.size(1)), depth);
  if (values.numel() > 0) {
    std::memcpy(map.data, values.data_ptr(), values.nbytes());
  }
  return map;
}

}  // namespace vision
