#include "vision/image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
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

namespace vision {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr ResizeFilter kAllFilters[] = {
    ResizeFilter::kNearest, ResizeFilter::kBox, ResizeFilter::kBilinear,
    ResizeFilter::kBicubic};

cv::Mat Resize(const cv::Mat& image, int width, int height,
               ResizeFilter filter = ResizeFilter::kBilinear) {
  absl::StatusOr<cv::Mat> result =
      ResizeAntialiased(image, width, height, filter);
  EXPECT_THAT(result, ::testing::IsOk());
  return result.ok() ? *result : cv::Mat();
}

std::vector<int> Values(const cv::Mat& image) {
  std::vector<int> values;
  for (int y = 0; y < image.rows; ++y) {
    const auto* row = image.ptr<uint8_t>(y);
    values.insert(values.end(), row, row + image.cols * image.channels());
  }
  return values;
}

uint32_t Checksum(const cv::Mat& image) {
  EXPECT_TRUE(image.isContinuous());
  return Crc32(absl::string_view(reinterpret_cast<const char*>(image.data),
                                 image.total() * image.elemSize()));
}

cv::Mat RandomImage(int width, int height, int type, uint64_t seed) {
  cv::Mat image(height, width, type);
  Rng rng(seed);
  for (int y = 0; y < height; ++y) {
    auto* row = image.ptr<uint8_t>(y);
    for (int x = 0; x < width * image.channels(); ++x) {
      row[x] = static_cast<uint8_t>(rng.UniformInt(256));
    }
  }
  return image;
}

TEST(ResizeAntialiasedTest, HandComputedShrinkingByTwo) {
  // Scale 2: the triangle has half-width 2 source pixels. Target 0 is centred
  // at 1, the source centres 0.5, 1.5, 2.5 lie 1/2, 1/2, 3/2 away: weights
  // 3/4, 3/4, 1/4 over 7/4. Target 1, centred at 3, mirrors it.
  const cv::Mat row = (cv::Mat_<uint8_t>(1, 4) << 0, 70, 140, 210);
  // 0: (3*0 + 3*70 + 140) / 7 = 50; 1: (70 + 3*140 + 3*210) / 7 = 160.
  EXPECT_THAT(Values(Resize(row, 2, 1)), ElementsAre(50, 160));
  const cv::Mat column = row.t();
  EXPECT_THAT(Values(Resize(column, 1, 2)), ElementsAre(50, 160));
}

TEST(ResizeAntialiasedTest, HandComputedEnlargingByTwo) {
  // Positions in source pixels: -1/4, 1/4, 3/4, 5/4. Outside, the border pixel
  // alone is left: weights are normalised.
  const cv::Mat row = (cv::Mat_<uint8_t>(1, 2) << 0, 100);
  EXPECT_THAT(Values(Resize(row, 4, 1)), ElementsAre(0, 25, 75, 100));
}

TEST(ResizeAntialiasedTest, RoundsAfterTheHorizontalPass) {
  // Horizontal means: 0.5 -> 1 and 0 -> 0 (halves round up); then 0.5 -> 1.
  // The mean of all four is 0.25.
  const cv::Mat image = (cv::Mat_<uint8_t>(2, 2) << 0, 1, 0, 0);
  EXPECT_THAT(Values(Resize(image, 1, 1)), ElementsAre(1));
}

TEST(ResizeAntialiasedTest, HandComputedBox) {
  const cv::Mat row = (cv::Mat_<uint8_t>(1, 4) << 10, 20, 30, 61);
  // 45.5 rounds up.
  EXPECT_THAT(Values(Resize(row, 2, 1, ResizeFilter::kBox)),
              ElementsAre(15, 46));
}

TEST(ResizeAntialiasedTest, HandComputedNearest) {
  const cv::Mat row = (cv::Mat_<uint8_t>(1, 5) << 1, 2, 3, 4, 5);
  // Centres at 5/6, 5/2, 25/6: pixels 0, 2, 4.
  EXPECT_THAT(Values(Resize(row, 3, 1, ResizeFilter::kNearest)),
              ElementsAre(1, 3, 5));
}

TEST(ResizeAntialiasedTest, BicubicOvershootIsClipped) {
  const cv::Mat row = (cv::Mat_<uint8_t>(1, 6) << 0, 0, 0, 255, 255, 255);
  const std::vector<int> values =
      Values(Resize(row, 24, 1, ResizeFilter::kBicubic));
  EXPECT_EQ(*std::min_element(values.begin(), values.end()), 0);
  EXPECT_EQ(*std::max_element(values.begin(), values.end()), 255);
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
}

TEST(ResizeAntialiasedTest, KeepsAConstant) {
  for (const int value : {0, 1, 127, 254, 255}) {
    const cv::Mat image(13, 29, CV_8UC3, cv::Scalar::all(value));
    for (const ResizeFilter filter : kAllFilters) {
      for (const int size : {1, 7, 13, 29, 64}) {
        const cv::Mat result = Resize(image, size, size + 1, filter);
        EXPECT_EQ(cv::countNonZero(result.reshape(1) != value), 0)
            << ResizeFilterName(filter) << " " << size;
      }
    }
  }
}

TEST(ResizeAntialiasedTest, CommutesWithMirroring) {
  // Not for box, whose interval is half-open.
  const cv::Mat image = RandomImage(37, 21, CV_8UC3, 5);
  cv::Mat mirrored;
  cv::flip(image, mirrored, -1);
  for (const ResizeFilter filter :
       {ResizeFilter::kBilinear, ResizeFilter::kBicubic}) {
    cv::Mat expected;
    cv::flip(Resize(image, 16, 30, filter), expected, -1);
    EXPECT_EQ(
        cv::norm(expected, Resize(mirrored, 16, 30, filter), cv::NORM_INF), 0)
        << ResizeFilterName(filter);
  }
}

// Obviously right and slow: weights from the header's formula, one pixel at a
// time.
cv::Mat ReferenceBilinearColumns(const cv::Mat& image, int width) {
  const double scale = static_cast<double>(image.cols) / width;
  const double stretch = std::max(scale, 1.0);
  const int channels = image.channels();
  cv::Mat result(image.rows, width, image.type());
  for (int i = 0; i < width; ++i) {
    std::vector<double> weights(image.cols);
    double sum = 0;
    for (int j = 0; j < image.cols; ++j) {
      const double distance = std::abs(j + 0.5 - (i + 0.5) * scale) / stretch;
      weights[j] = std::max(1 - distance, 0.0);
      sum += weights[j];
    }
    for (int y = 0; y < image.rows; ++y) {
      for (int c = 0; c < channels; ++c) {
        int64_t total = 1 << 21;
        for (int j = 0; j < image.cols; ++j) {
          total += static_cast<int64_t>(weights[j] / sum * (1 << 22) + 0.5) *
                   image.ptr<uint8_t>(y)[j * channels + c];
        }
        result.ptr<uint8_t>(y)[i * channels + c] =
            static_cast<uint8_t>(std::clamp<int64_t>(total >> 22, 0, 255));
      }
    }
  }
  return result;
}

cv::Mat ReferenceBilinear(const cv::Mat& image, int width, int height) {
  cv::Mat columns = width == image.cols
                        ? image.clone()
                        : ReferenceBilinearColumns(image, width);
  if (height == image.rows) return columns;
  cv::Mat transposed;
  cv::transpose(columns, transposed);
  cv::Mat result;
  cv::transpose(ReferenceBilinearColumns(transposed, height), result);
  return result;
}

class ResizeRandomTest : public ::testing::TestWithParam<int> {};

TEST_P(ResizeRandomTest, MatchesReferenceWithinTheLastBitOfAWeight) {
  const int channels = GetParam();
  Rng rng(17, {static_cast<uint64_t>(channels)});
  // Sizes around powers of two: the vector loops' tails.
  const auto size = [&] { return 1 + static_cast<int>(rng.UniformInt(70)); };
  for (int i = 0; i < 60; ++i) {
    const cv::Mat image = RandomImage(size(), size(), CV_8UC(channels), i);
    const int width = size();
    const int height = size();
    const cv::Mat result = Resize(image, width, height);
    const cv::Mat expected = ReferenceBilinear(image, width, height);
    // Sums in another order may move a weight by one unit of 2^-22, which can
    // tip a rounding, and the second pass can pass that on.
    EXPECT_LE(cv::norm(result.reshape(1), expected.reshape(1), cv::NORM_INF), 1)
        << image.size() << " to " << result.size();
    EXPECT_LE(cv::countNonZero(result.reshape(1) != expected.reshape(1)),
              1 + static_cast<int>(expected.total() / 100))
        << image.size() << " to " << result.size();
  }
}

TEST_P(ResizeRandomTest, ChannelsAreIndependent) {
  const int channels = GetParam();
  const cv::Mat image = RandomImage(61, 47, CV_8UC(channels), 3);
  for (const ResizeFilter filter : kAllFilters) {
    std::vector<cv::Mat> planes;
    cv::split(Resize(image, 35, 90, filter), planes);
    std::vector<cv::Mat> inputs;
    cv::split(image, inputs);
    for (int c = 0; c < channels; ++c) {
      EXPECT_EQ(
          cv::norm(planes[c], Resize(inputs[c], 35, 90, filter), cv::NORM_INF),
          0)
          << ResizeFilterName(filter) << ", channel " << c;
    }
  }
}

TEST_P(ResizeRandomTest, ReadsStridedRows) {
  const cv::Mat whole = RandomImage(64, 50, CV_8UC(GetParam()), 9);
  const cv::Mat part = whole(cv::Rect(5, 3, 41, 33));
  ASSERT_FALSE(part.isContinuous());
  for (const ResizeFilter filter : kAllFilters) {
    for (const cv::Size size : {cv::Size(20, 60), cv::Size(41, 33),
                                cv::Size(41, 20), cv::Size(20, 33)}) {
      EXPECT_EQ(Checksum(Resize(part, size.width, size.height, filter)),
                Checksum(Resize(part.clone(), size.width, size.height, filter)))
          << ResizeFilterName(filter) << " " << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Channels, ResizeRandomTest, ::testing::Range(1, 5),
                         ::testing::PrintToStringParamName());

TEST(ResizeAntialiasedTest, SameSizeIsACopy) {
  cv::Mat image = RandomImage(8, 6, CV_8UC3, 1);
  cv::Mat result = Resize(image, 8, 6);
  EXPECT_EQ(Checksum(result), Checksum(image));
  result.setTo(0);
  EXPECT_NE(Checksum(result), Checksum(image));
}

TEST(ResizeAntialiasedTest, OnePixel) {
  const cv::Mat pixel(1, 1, CV_8UC3, cv::Scalar(3, 200, 77));
  for (const ResizeFilter filter : kAllFilters) {
    EXPECT_THAT(Values(Resize(pixel, 1, 2, filter)),
                ElementsAre(3, 200, 77, 3, 200, 77));
  }
}

TEST(ResizeAntialiasedTest, ShrinksALongRowToOnePixel) {
  // The row 0, 1, ..., 255 repeated: its mean under the triangle.
  cv::Mat row(1, 65536, CV_8UC1);
  for (int x = 0; x < row.cols; ++x) row.at<uint8_t>(0, x) = x & 255;
  EXPECT_NEAR(Values(Resize(row, 1, 1))[0], 127.5, 1);
}

TEST(ResizeAntialiasedTest, RejectsWhatIsNoImage) {
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(ResizeAntialiased(cv::Mat(), 2, 2),
              StatusIs(code, HasSubstr("cannot resize a 0x0 matrix")));
  EXPECT_THAT(ResizeAntialiased(cv::Mat(3, 4, CV_32FC3), 2, 2),
              StatusIs(code, HasSubstr("4x3 matrix of type CV_32FC3, expected "
                                       "a non-empty image of 1 to 4 channels "
                                       "of 8 bits")));
  EXPECT_THAT(ResizeAntialiased(cv::Mat(3, 4, CV_8UC(5)), 2, 2),
              StatusIs(code, HasSubstr("type CV_8UC5")));
}

TEST(ResizeAntialiasedTest, RejectsSizesThatCannotBe) {
  const cv::Mat image(3, 4, CV_8UC3);
  for (const cv::Size size :
       {cv::Size(0, 5), cv::Size(5, 0), cv::Size(-1, 5), cv::Size(5, -1)}) {
    EXPECT_THAT(ResizeAntialiased(image, size.width, size.height),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr(absl::StrCat("to ", size.width, "x",
                                                size.height, ", expected"))));
  }
}

TEST(ResizeFilterTest, NamesAndParsing) {
  for (const ResizeFilter filter : kAllFilters) {
    EXPECT_THAT(ParseResizeFilter(ResizeFilterName(filter)),
                IsOkAndHolds(filter));
  }
  EXPECT_THAT(ParseResizeFilter("lanczos"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "unknown resize filter \"lanczos\", expected nearest, "
                       "box, bilinear, bicubic"));
}

// ---- Results of Pillow ------------------------------------------------------

cv::Mat GoldenImage(const nlohmann::json& inputs) {
  const int width = inputs["size"][0];
  const int height = inputs["size"][1];
  const std::string kind = inputs["kind"];
  cv::Mat image(height, width, CV_8UC3);
  std::vector<double> stream;
  if (kind == "bytes") {
    stream =
        ::testing::GoldenStream(inputs["gen"], int64_t{3} * width * height);
  }
  const int radius = std::min(width, height) / 3;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        int value = 0;
        if (kind == "bytes") {
          value = static_cast<int>(
              std::floor(256 * stream[(y * width + x) * 3 + c]));
        } else if (kind == "smooth") {
          value = (x * 3 + y * 2 + c * 85 + (x * y) / 64) % 256;
        } else {
          const int u = x - width / 2;
          const int v = y - height / 2;
          value = u * u + v * v <= radius * radius ? 255 : (c + 1) * 20;
        }
        image.at<cv::Vec3b>(y, x)[c] = static_cast<uint8_t>(value);
      }
    }
  }
  return image;
}

TEST(ResizeGoldenTest, BilinearIsBitEqualToPillow) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("vision/image/testdata/resize.json");
  int cases = 0;
  for (const nlohmann::json& test : golden["cases"]) {
    const std::string id = test["id"];
    if (id.find("/pil-") == std::string::npos) continue;
    ++cases;
    const nlohmann::json& expected = test["expect"];
    const cv::Mat image = GoldenImage(test["inputs"]);
    ASSERT_EQ(Checksum(image), expected["source_crc32"].get<uint32_t>()) << id;
    const cv::Mat result =
        Resize(image, test["inputs"]["to"][0], test["inputs"]["to"][1]);
    EXPECT_EQ(Checksum(result), expected["crc32"].get<uint32_t>()) << id;
    const cv::Scalar sums = cv::sum(result);
    EXPECT_EQ(sums[0] + sums[1] + sums[2], expected["sum"].get<double>()) << id;
    for (const nlohmann::json& pixel : expected["pixels"]) {
      const auto actual =
          result.at<cv::Vec3b>(pixel[1].get<int>(), pixel[0].get<int>());
      for (int c = 0; c < 3; ++c) EXPECT_EQ(actual[c], pixel[2][c]) << id;
    }
  }
  EXPECT_EQ(cases, 20);
}

TEST(ResizeGoldenTest, AllFiltersAreBitEqualToPillow) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("vision/image/testdata/pillow.json");
  EXPECT_EQ(golden["cases"].size(), 4 * 9 * 2);
  for (const nlohmann::json& test : golden["cases"]) {
    const int channels = test["channels"];
    const int width = test["from"][0];
    const int height = test["from"][1];
    const nlohmann::json gen = {{"kind", "lcg"}, {"seed", test["seed"]}};
    const std::vector<double> stream =
        ::testing::GoldenStream(gen, int64_t{channels} * width * height);
    cv::Mat image(height, width, CV_8UC(channels));
    std::transform(stream.begin(), stream.end(), image.data, [&](double u) {
      const auto byte = static_cast<uint8_t>(std::floor(256 * u));
      if (!test["extremes"]) return byte;
      return static_cast<uint8_t>(byte < 128 ? 0 : 255);
    });
    const absl::StatusOr<ResizeFilter> filter =
        ParseResizeFilter(test["filter"].get<std::string>());
    ASSERT_THAT(filter, ::testing::IsOk());
    EXPECT_EQ(Checksum(Resize(image, test["to"][0], test["to"][1], *filter)),
              test["crc32"].get<uint32_t>())
        << test;
  }
}

}  // namespace
}  // namespace vision
