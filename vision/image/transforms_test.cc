#include "vision/image/transforms.h"

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"
#include "vision/image/resize.h"

namespace vision {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::IsEmpty;
using ::testing::IsOk;

TEST(SampleCropFlipTest, IsInsideAndReachesAllPositions) {
  std::set<std::pair<int, int>> positions;
  int flips = 0;
  constexpr int kDraws = 2000;
  for (int i = 0; i < kDraws; ++i) {
    Rng rng(1, {static_cast<uint64_t>(i)});
    const CropFlip geometry = SampleCropFlip(7, 4, rng);
    EXPECT_EQ(geometry.size, 4);
    EXPECT_GE(geometry.top, 0);
    EXPECT_LE(geometry.top, 3);
    EXPECT_GE(geometry.left, 0);
    EXPECT_LE(geometry.left, 3);
    positions.insert({geometry.top, geometry.left});
    flips += geometry.flip;
  }
  EXPECT_EQ(positions.size(), 16u);
  // Six standard deviations of a binomial: 6 * sqrt(2000 / 4) = 134.
  EXPECT_NEAR(flips, kDraws / 2, 134);
}

TEST(SampleCropFlipTest, IsAFunctionOfTheKeyAndAlwaysTakesThreeDraws) {
  for (const int crop : {4, 7}) {
    Rng rng(5, {2, 3});
    const CropFlip a = SampleCropFlip(7, crop, rng);
    Rng again(5, {2, 3});
    const CropFlip b = SampleCropFlip(7, crop, again);
    EXPECT_EQ(a.top, b.top);
    EXPECT_EQ(a.left, b.left);
    EXPECT_EQ(a.flip, b.flip);
    Rng three(5, {2, 3});
    for (int i = 0; i < 3; ++i) three.Next();
    EXPECT_EQ(rng.Next(), three.Next());
  }
}

TEST(SampleCropFlipTest, FullSizeHasOnePosition) {
  Rng rng(1);
  const CropFlip geometry = SampleCropFlip(9, 9, rng);
  EXPECT_EQ(geometry.top, 0);
  EXPECT_EQ(geometry.left, 0);
}

TEST(SampleCropFlipTest, ChecksTheSizes) {
  Rng rng(1);
  EXPECT_DEATH(SampleCropFlip(4, 5, rng), "crop <= resize");
  EXPECT_DEATH(SampleCropFlip(4, 0, rng), "crop > 0");
}

cv::Mat Counting(int type) {
  cv::Mat image = (cv::Mat_<double>(3, 4) << 0, 1, 2, 3,  //
                   10, 11, 12, 13,                        //
                   20, 21, 22, 23);
  cv::Mat converted;
  image.convertTo(converted, type);
  return converted;
}

CropFlip Geometry(int top, int left, int size, bool flip) {
  CropFlip geometry;
  geometry.top = top;
  geometry.left = left;
  geometry.size = size;
  geometry.flip = flip;
  return geometry;
}

TEST(ApplyCropFlipTest, HandComputedForImageMapAndMaskAlike) {
  for (const int type : {CV_8U, CV_32F, CV_64F}) {
    cv::Mat crop;
    ApplyCropFlip(Counting(type), Geometry(1, 2, 2, false))
        .convertTo(crop, CV_64F);
    EXPECT_THAT(cv::Mat_<double>(crop), ElementsAre(12, 13, 22, 23));
    ApplyCropFlip(Counting(type), Geometry(1, 2, 2, true))
        .convertTo(crop, CV_64F);
    EXPECT_THAT(cv::Mat_<double>(crop), ElementsAre(13, 12, 23, 22));
  }
}

TEST(ApplyCropFlipTest, FlipKeepsChannelsTogether) {
  const cv::Mat image = (cv::Mat_<uint8_t>(1, 6) << 1, 2, 3, 4, 5, 6);
  const cv::Mat two = image.reshape(3);  // One row of two pixels.
  cv::Mat square;
  cv::vconcat(two, two, square);
  const cv::Mat flipped = ApplyCropFlip(square, Geometry(0, 0, 2, true));
  EXPECT_EQ(flipped.at<cv::Vec3b>(0, 0), cv::Vec3b(4, 5, 6));
  EXPECT_EQ(flipped.at<cv::Vec3b>(1, 1), cv::Vec3b(1, 2, 3));
}

TEST(ApplyCropFlipTest, ResultIsAContinuousCopy) {
  cv::Mat image = Counting(CV_8U);
  for (const bool flip : {false, true}) {
    cv::Mat crop = ApplyCropFlip(image, Geometry(0, 0, 3, flip));
    EXPECT_TRUE(crop.isContinuous());
    crop.setTo(99);
    EXPECT_EQ(image.at<uint8_t>(0, 0), 0);
  }
}

TEST(ApplyCropFlipTest, ChecksThatTheCropIsInside) {
  const cv::Mat image = Counting(CV_8U);
  EXPECT_DEATH(ApplyCropFlip(image, Geometry(2, 0, 2, false)), "geometry.top");
  EXPECT_DEATH(ApplyCropFlip(image, Geometry(0, 3, 2, false)), "geometry.left");
  EXPECT_DEATH(ApplyCropFlip(image, Geometry(-1, 0, 2, false)), "geometry.top");
  EXPECT_DEATH(ApplyCropFlip(image, Geometry(0, 0, 0, false)), "geometry.size");
}

TEST(PixelNormalizerTest, HandComputed) {
  cv::Mat image(1, 2, CV_8UC3);
  image.at<cv::Vec3b>(0, 0) = {0, 51, 255};
  image.at<cv::Vec3b>(0, 1) = {255, 102, 0};
  Normalization normalization;
  normalization.mean = {0.5f, 0.25f, 0.0f};
  normalization.std = {0.5f, 0.25f, 2.0f};
  std::array<float, 6> chw;
  const PixelNormalizer normalizer(normalization);
  normalizer.Write(image, PixelLayout::kChw, chw.data());
  // Red: (0 - .5) / .5, (1 - .5) / .5; green: (.2 - .25) / .25, (.4 - .25) /
  // .25; blue: 1 / 2, 0.
  EXPECT_THAT(chw, ElementsAre(-1, 1, FloatNear(-0.2f, 1e-6f),
                               FloatNear(0.6f, 1e-6f), 0.5, 0));
  std::array<float, 6> hwc;
  normalizer.Write(image, PixelLayout::kHwc, hwc.data());
  EXPECT_THAT(hwc, ElementsAre(chw[0], chw[2], chw[4], chw[1], chw[3], chw[5]));
}

TEST(PixelNormalizerTest, Bfloat16IsTheNearest) {
  // One pixel: with mean 0 and std s the value is x / 255 / s.
  cv::Mat image(1, 1, CV_8UC3);
  image.at<cv::Vec3b>(0, 0) = {255, 255, 255};
  Normalization normalization;
  normalization.mean = {0, 0, 2};
  // bfloat16 has 7 bits after the point: 1 + 1/256 is a tie between 1 (even)
  // and 1 + 1/128; 1 + 3/256 one between 1 + 1/128 and 1 + 2/128 (even).
  normalization.std = {1 / (1 + 1 / 256.0f), 1 / (1 + 3 / 256.0f), 1};
  const PixelNormalizer normalizer(normalization);
  std::array<float, 3> exact;
  normalizer.Write(image, PixelLayout::kHwc, exact.data());
  ASSERT_EQ(exact[0], 1 + 1 / 256.0f);
  ASSERT_EQ(exact[1], 1 + 3 / 256.0f);
  std::array<uint16_t, 3> bits;
  normalizer.WriteBfloat16(image, PixelLayout::kHwc, bits.data());
  // 1 is 0x3f80, the next larger one 0x3f81; -1 is 0xbf80.
  EXPECT_THAT(bits, ElementsAre(0x3f80, 0x3f82, 0xbf80));
}

TEST(PixelNormalizerTest, Bfloat16LayoutsAgree) {
  cv::Mat image(3, 4, CV_8UC3);
  cv::randu(image, 0, 256);
  const PixelNormalizer normalizer{Normalization()};
  std::array<uint16_t, 36> chw;
  std::array<uint16_t, 36> hwc;
  normalizer.WriteBfloat16(image, PixelLayout::kChw, chw.data());
  normalizer.WriteBfloat16(image, PixelLayout::kHwc, hwc.data());
  for (int i = 0; i < 12; ++i) {
    for (int c = 0; c < 3; ++c) EXPECT_EQ(hwc[3 * i + c], chw[12 * c + i]);
  }
}

TEST(PixelNormalizerTest, ReadsStridedRows) {
  cv::Mat image(4, 5, CV_8UC3);
  cv::randu(image, 0, 256);
  const cv::Mat part = image(cv::Rect(1, 1, 3, 2));
  std::array<float, 18> strided;
  std::array<float, 18> continuous;
  const PixelNormalizer normalizer{Normalization()};
  for (const PixelLayout layout : {PixelLayout::kChw, PixelLayout::kHwc}) {
    normalizer.Write(part, layout, strided.data());
    normalizer.Write(part.clone(), layout, continuous.data());
    EXPECT_EQ(strided, continuous);
  }
}

TEST(PixelNormalizerTest, ChecksTheType) {
  float chw = 0;
  const PixelNormalizer normalizer{Normalization()};
  EXPECT_DEATH(
      normalizer.Write(cv::Mat(1, 1, CV_8UC1), PixelLayout::kChw, &chw),
      "expected an RGB image of 8 bits");
  EXPECT_DEATH(ToChw(cv::Mat(1, 1, CV_32FC3), &chw),
               "expected an RGB image of 8 bits");
}

TEST(ToChwTest, SeparatesTheChannels) {
  cv::Mat image(1, 2, CV_8UC3);
  image.at<cv::Vec3b>(0, 0) = {0, 51, 255};
  image.at<cv::Vec3b>(0, 1) = {1, 2, 3};
  std::array<float, 6> chw;
  ToChw(image, chw.data());
  EXPECT_THAT(chw, ElementsAre(0, 1, 51, 2, 255, 3));
}

// The training and evaluation transforms of the published protocol.
TEST(TransformsGoldenTest, ResizeCropFlipNormalise) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("vision/image/testdata/resize.json");
  int cases = 0;
  for (const nlohmann::json& test : golden["cases"]) {
    const std::string id = test["id"];
    if (id.find("/transform-") == std::string::npos) continue;
    ++cases;
    const nlohmann::json& inputs = test["inputs"];
    const nlohmann::json& expected = test["expect"];
    const int width = inputs["size"][0];
    const int height = inputs["size"][1];
    cv::Mat image(height, width, CV_8UC3);
    const std::vector<double> stream =
        ::testing::GoldenStream(inputs["gen"], int64_t{3} * width * height);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        for (int c = 0; c < 3; ++c) {
          image.at<cv::Vec3b>(y, x)[c] =
              inputs["kind"] == "bytes"
                  ? static_cast<uint8_t>(256 * stream[(y * width + x) * 3 + c])
                  : static_cast<uint8_t>(x * 3 + y * 2 + c * 85 + x * y / 64);
        }
      }
    }
    const auto check = [&](const cv::Mat& pixels, const std::string& prefix) {
      EXPECT_EQ(
          Crc32(absl::string_view(reinterpret_cast<const char*>(pixels.data),
                                  pixels.total() * 3)),
          expected[prefix + "_crc32"].get<uint32_t>())
          << id << " " << prefix;
      std::vector<float> chw(pixels.total() * 3);
      PixelNormalizer(Normalization())
          .Write(pixels, PixelLayout::kChw, chw.data());
      EXPECT_THAT(::testing::CompareWithGolden(
                      expected[prefix + "_normalised"],
                      std::vector<double>(chw.begin(), chw.end()),
                      test["tol"]["rtol"], test["tol"]["atol"]),
                  IsEmpty())
          << id << " " << prefix;
    };
    const absl::StatusOr<cv::Mat> for_training =
        ResizeAntialiased(image, 256, 256);
    ASSERT_THAT(for_training, IsOk());
    check(ApplyCropFlip(*for_training,
                        Geometry(inputs["crop_row"], inputs["crop_col"], 224,
                                 inputs["flip"])),
          "train");
    const absl::StatusOr<cv::Mat> for_evaluation =
        ResizeAntialiased(image, 224, 224);
    ASSERT_THAT(for_evaluation, IsOk());
    check(*for_evaluation, "eval");
  }
  EXPECT_EQ(cases, 2);
}

}  // namespace
}  // namespace vision
