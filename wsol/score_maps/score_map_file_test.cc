#include "wsol/score_maps/score_map_file.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"
#include "vision/image/image_io.h"
#include "vision/image/npy.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::vision::NpyDtype;

constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

std::string Path(const std::string& name) {
  return vision::JoinPath(::testing::TempDir(), name);
}

std::string Png(const cv::Mat& image, const std::vector<int>& options = {}) {
  std::vector<uchar> bytes;
  EXPECT_TRUE(cv::imencode(".png", image, bytes, options));
  return std::string(bytes.begin(), bytes.end());
}

// 0 ... 255 in 16 rows.
cv::Mat AllBytes() {
  cv::Mat bytes(16, 16, CV_8UC1);
  for (int i = 0; i < 256; ++i) bytes.data[i] = static_cast<uint8_t>(i);
  return bytes;
}

TEST(ScoreMapFileTest, FloatsStayAsTheyAre) {
  const cv::Mat doubles = (cv::Mat_<double>(1, 3) << 0.1, 0, 1);
  ASSERT_THAT(vision::WriteNpy(Path("f8.npy"), doubles, NpyDtype::kFloat64),
              IsOk());
  const auto f8 = ReadScoreMap(Path("f8.npy"));
  ASSERT_THAT(f8, IsOk());
  ASSERT_EQ(f8->type(), CV_64FC1);
  EXPECT_EQ(f8->at<double>(0, 0), 0.1);

  ASSERT_THAT(vision::WriteNpy(Path("f2.npy"), doubles, NpyDtype::kFloat16),
              IsOk());
  const auto f2 = ReadScoreMap(Path("f2.npy"));
  ASSERT_THAT(f2, IsOk());
  ASSERT_EQ(f2->type(), CV_32FC1);
  // 0.1 = 1.6 / 16: fraction 614.4 / 1024 rounds to 614.
  EXPECT_EQ(f2->at<float>(0, 0), (1 + 614.0f / 1024) / 16);
}

// The protocol truncates value * 255: 255 divisions must come out right.
TEST(ScoreMapFileTest, BytesOfAPngAreTheProtocolsBytes) {
  const auto map = ParseScoreMap(Png(AllBytes()), "map", ScoreMapFormat::kPng);
  ASSERT_THAT(map, IsOk());
  ASSERT_EQ(map->type(), CV_64FC1);
  EXPECT_EQ(map->at<double>(15, 15), 1);
  EXPECT_EQ(cv::norm(QuantizeScoreMap(*map), AllBytes(), cv::NORM_INF), 0);

  ASSERT_THAT(vision::WriteNpy(Path("u1.npy"), AllBytes(), NpyDtype::kUint8),
              IsOk());
  const auto npy = ReadScoreMap(Path("u1.npy"));
  ASSERT_THAT(npy, IsOk());
  EXPECT_EQ(cv::norm(*npy, *map, cv::NORM_INF), 0);
}

TEST(ScoreMapFileTest, SixteenBits) {
  const cv::Mat words = (cv::Mat_<uint16_t>(1, 3) << 0, 13107, 65535);
  const auto map = ParseScoreMap(Png(words), "map", ScoreMapFormat::kPng);
  ASSERT_THAT(map, IsOk());
  EXPECT_EQ(map->at<double>(0, 0), 0);
  EXPECT_EQ(map->at<double>(0, 1), 0.2);  // 13107 * 5 = 65535.
  EXPECT_EQ(map->at<double>(0, 2), 1);
  ASSERT_THAT(vision::WriteNpy(Path("u2.npy"), words, NpyDtype::kUint16),
              IsOk());
  const auto npy = ReadScoreMap(Path("u2.npy"));
  ASSERT_THAT(npy, IsOk());
  EXPECT_EQ(cv::norm(*npy, *map, cv::NORM_INF), 0);
}

TEST(ScoreMapFileTest, OneBit) {
  const cv::Mat mask = (cv::Mat_<uint8_t>(1, 2) << 0, 255);
  const auto map = ParseScoreMap(Png(mask, {cv::IMWRITE_PNG_BILEVEL, 1}), "map",
                                 ScoreMapFormat::kPng);
  ASSERT_THAT(map, IsOk());
  EXPECT_EQ(map->at<double>(0, 0), 0);
  EXPECT_EQ(map->at<double>(0, 1), 1);
}

TEST(ScoreMapFileTest, RefusesWhatHasNotOneScoreAPixel) {
  EXPECT_THAT(ParseScoreMap(Png(cv::Mat::zeros(2, 2, CV_8UC3)), "rgb.png",
                            ScoreMapFormat::kPng),
              StatusIs(kInvalid, HasSubstr("rgb.png: a PNG of type RGB, "
                                           "expected grey")));
  EXPECT_THAT(ParseScoreMap(Png(cv::Mat::zeros(2, 2, CV_8UC4)), "a.png",
                            ScoreMapFormat::kPng),
              StatusIs(kInvalid, HasSubstr("RGB with alpha")));
  const std::string jpeg =
      vision::EncodeJpeg(cv::Mat::zeros(8, 8, CV_8UC1), 90).value();
  EXPECT_THAT(ParseScoreMap(jpeg, "a.png", ScoreMapFormat::kPng),
              StatusIs(kInvalid, HasSubstr("a JPEG file, expected a PNG")));
  EXPECT_THAT(ReadScoreMap(Path("map.jpg")),
              StatusIs(kInvalid, HasSubstr("expected a .npy or .png file")));
  EXPECT_THAT(ReadScoreMap(Path("none.npy")),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(ScoreMapFileTest, RefusesHalfWrittenFiles) {
  const std::string png = Png(AllBytes());
  const std::string npy =
      vision::EncodeNpy(AllBytes(), NpyDtype::kUint8).value();
  for (size_t size = 0; size < png.size(); ++size) {
    EXPECT_THAT(
        ParseScoreMap(png.substr(0, size), "half.png", ScoreMapFormat::kPng),
        StatusIs(kDataLoss, HasSubstr("half.png")))
        << size;
  }
  for (size_t size = 0; size < npy.size(); ++size) {
    EXPECT_THAT(
        ParseScoreMap(npy.substr(0, size), "half.npy", ScoreMapFormat::kNpy),
        StatusIs(kDataLoss, HasSubstr("half.npy")))
        << size;
  }
}

TEST(ScoreMapFileTest, SurvivesDamagedPngs) {
  const std::string sound = Png(AllBytes());
  for (uint64_t i = 0; i < 500; ++i) {
    vision::Rng rng(3, {i});
    std::string bytes = sound;
    bytes[rng.UniformInt(bytes.size())] = static_cast<char>(rng.Next());
    const auto map = ParseScoreMap(bytes, "x.png", ScoreMapFormat::kPng);
    if (map.ok()) {
      EXPECT_EQ(map->total(), 256u);
    }
  }
}

}  // namespace
}  // namespace wsol
