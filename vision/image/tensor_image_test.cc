#include "vision/image/tensor_image.h"

#include <cstdint>
#include <limits>

#include "ATen/ATen.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/image/resize_map.h"
#include "vision/image/transforms.h"

namespace vision {
namespace {

using ::testing::HasShape;
using ::testing::IsOk;
using ::testing::TensorEq;
using ::testing::TensorNear;

// Two rows of three pixels.
cv::Mat SmallImage() {
  cv::Mat image(2, 3, CV_8UC3);
  for (int i = 0; i < 18; ++i) image.data[i] = static_cast<uint8_t>(10 * i);
  return image;
}

TEST(ImageToTensorTest, HandComputed) {
  const at::Tensor tensor = ImageToTensor(SmallImage());
  // Element [c, y, x] is 10 * ((y * 3 + x) * 3 + c).
  const at::Tensor expected =
      (at::arange(18, at::kFloat) * 10).view({2, 3, 3}).permute({2, 0, 1});
  EXPECT_THAT(tensor, TensorEq(expected));
  EXPECT_TRUE(tensor.is_contiguous());
}

TEST(ImageToTensorTest, IsACopy) {
  cv::Mat image = SmallImage();
  const at::Tensor tensor = ImageToTensor(image);
  image.setTo(7);
  EXPECT_EQ(tensor[0][0][1].item<float>(), 30);
}

TEST(ImageToTensorTest, EmptyImage) {
  EXPECT_THAT(ImageToTensor(cv::Mat(0, 4, CV_8UC3)), HasShape({3, 0, 4}));
}

TEST(NormalizedImageToTensorTest, IsTheFormula) {
  const Normalization normalization;
  const at::Tensor mean = at::tensor({0.485f, 0.456f, 0.406f}).view({3, 1, 1});
  const at::Tensor std = at::tensor({0.229f, 0.224f, 0.225f}).view({3, 1, 1});
  const cv::Mat image = SmallImage();
  // Bit for bit what PyTorch computes.
  EXPECT_THAT(NormalizedImageToTensor(image, normalization),
              TensorEq((ImageToTensor(image) / 255).sub(mean).div(std)));
}

TEST(MapToTensorTest, KeepsValuesAndTypes) {
  const cv::Mat map = (cv::Mat_<double>(2, 3) << 0, 1, 2, 3, 4, 5);
  const at::Tensor expected = at::arange(6, at::kDouble).view({2, 3});
  EXPECT_THAT(MapToTensor(map), TensorEq(expected));
  cv::Mat converted;
  map.convertTo(converted, CV_32F);
  EXPECT_THAT(MapToTensor(converted), TensorEq(expected.to(at::kFloat)));
  map.convertTo(converted, CV_8U);
  EXPECT_THAT(MapToTensor(converted), TensorEq(expected.to(at::kByte)));
  map.convertTo(converted, CV_32S);
  EXPECT_THAT(MapToTensor(converted), TensorEq(expected.to(at::kInt)));
}

TEST(MapToTensorTest, ReadsStridedRowsAndCopies) {
  cv::Mat map = (cv::Mat_<float>(2, 3) << 0, 1, 2, 3, 4, 5);
  const at::Tensor tensor = MapToTensor(map.colRange(1, 3));
  map.setTo(9);
  EXPECT_THAT(tensor, TensorEq(at::tensor({1.f, 2.f, 4.f, 5.f}).view({2, 2})));
}

TEST(MapToTensorTest, ChecksTheType) {
  EXPECT_DEATH(MapToTensor(cv::Mat(2, 2, CV_8UC3)), "one channel");
  EXPECT_DEATH(MapToTensor(cv::Mat(2, 2, CV_16UC1)), "CV_16U");
}

TEST(TensorToImageTest, InvertsImageToTensor) {
  const cv::Mat image = SmallImage();
  for (const at::ScalarType type :
       {at::kFloat, at::kDouble, at::kByte, at::kInt}) {
    const cv::Mat result = TensorToImage(ImageToTensor(image).to(type));
    EXPECT_EQ(result.type(), CV_8UC3);
    EXPECT_EQ(cv::norm(image, result, cv::NORM_INF), 0) << type;
  }
}

TEST(TensorToImageTest, RoundsClipsAndReplacesNan) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  // Ties to even: 0.5 -> 0, 1.5 -> 2.
  const at::Tensor chw = at::tensor({0.5f, 1.5f, 254.6f, -3.f, 300.f, kNan,
                                     kInfinity, -kInfinity, 2.4f})
                             .view({3, 1, 3});
  const cv::Mat image = TensorToImage(chw);
  EXPECT_EQ(image.at<cv::Vec3b>(0, 0), cv::Vec3b(0, 0, 255));
  EXPECT_EQ(image.at<cv::Vec3b>(0, 1), cv::Vec3b(2, 255, 0));
  EXPECT_EQ(image.at<cv::Vec3b>(0, 2), cv::Vec3b(255, 0, 2));
}

TEST(TensorToImageTest, TakesAnyStridesAndGradients) {
  const at::Tensor chw = at::arange(24, at::kFloat).view({3, 2, 4});
  const cv::Mat expected = TensorToImage(chw);
  const at::Tensor strided =
      chw.permute({1, 2, 0}).contiguous().permute({2, 0, 1});
  EXPECT_EQ(cv::norm(expected, TensorToImage(strided), cv::NORM_INF), 0);
  EXPECT_EQ(
      cv::norm(expected, TensorToImage(chw.clone().set_requires_grad(true)),
               cv::NORM_INF),
      0);
}

TEST(TensorToImageTest, ChecksTheShape) {
  EXPECT_DEATH(TensorToImage(at::zeros({1, 2, 2})), "got \\[1, 2, 2\\]");
  EXPECT_DEATH(TensorToImage(at::zeros({2, 2})), "got \\[2, 2\\]");
}

TEST(TensorToMapTest, KeepsFloatAndDouble) {
  const at::Tensor values = at::rand({3, 4}, at::kDouble);
  const cv::Mat map = TensorToMap(values);
  EXPECT_EQ(map.type(), CV_64FC1);
  EXPECT_THAT(MapToTensor(map), TensorEq(values));
  EXPECT_EQ(TensorToMap(values.to(at::kFloat)).type(), CV_32FC1);
  EXPECT_THAT(MapToTensor(TensorToMap(values.to(at::kBFloat16))),
              TensorEq(values.to(at::kBFloat16).to(at::kFloat)));
}

TEST(TensorToMapTest, BytesAndBooleans) {
  const at::Tensor mask = at::tensor({0, 1, 1, 0}).view({2, 2});
  EXPECT_THAT(MapToTensor(TensorToMap(mask.to(at::kBool))),
              TensorEq(mask.to(at::kByte)));
  EXPECT_THAT(MapToTensor(TensorToMap(mask.to(at::kByte))),
              TensorEq(mask.to(at::kByte)));
}

TEST(TensorToMapTest, TakesAnyStridesGradientsAndEmptyMaps) {
  const at::Tensor values =
      at::rand({3, 4}, at::kFloat).set_requires_grad(true);
  EXPECT_THAT(MapToTensor(TensorToMap(values.t())),
              TensorEq(values.detach().t()));
  EXPECT_EQ(TensorToMap(at::zeros({0, 4})).cols, 4);
}

TEST(TensorToMapTest, ChecksShapeAndType) {
  EXPECT_DEATH(TensorToMap(at::zeros({1, 2, 2})), "got \\[1, 2, 2\\]");
  EXPECT_DEATH(TensorToMap(at::zeros({2, 2}, at::kLong)), "got long");
}

// resize_map.h promises LibTorch's bilinear upsampling; it has no LibTorch to
// compare with, so that is done here.
TEST(ResizeMapBilinearTest, IsLibTorchsUpsampling) {
  const int64_t sizes[][4] = {
      {28, 28, 224, 224}, {7, 5, 20, 33}, {50, 41, 13, 17}, {1, 3, 4, 3}};
  for (const auto& size : sizes) {
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
      const at::Tensor map = at::rand({size[0], size[1]}, type);
      const at::Tensor expected =
          at::upsample_bilinear2d(map.view({1, 1, size[0], size[1]}),
                                  {size[2], size[3]},
                                  /*align_corners=*/false)
              .view({size[2], size[3]});
      const absl::StatusOr<cv::Mat> actual =
          ResizeMapBilinear(TensorToMap(map), static_cast<int>(size[3]),
                            static_cast<int>(size[2]));
      ASSERT_THAT(actual, IsOk());
      // LibTorch's vector code may contract products and sums: a position near
      // 50 is then off by one unit of its last place.
      EXPECT_THAT(MapToTensor(*actual),
                  TensorNear(expected, type == at::kFloat ? 8e-6 : 2e-14));
    }
  }
}

}  // namespace
}  // namespace vision
