#include "vision/image/resize_map.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"

namespace vision {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

cv::Mat ResizeMap(const cv::Mat& map, int width, int height) {
  absl::StatusOr<cv::Mat> result = ResizeMapBilinear(map, width, height);
  EXPECT_THAT(result, IsOk());
  return result.ok() ? *result : cv::Mat();
}

cv::Mat ResizeMask(const cv::Mat& mask, int width, int height) {
  absl::StatusOr<cv::Mat> result = ResizeMaskNearest(mask, width, height);
  EXPECT_THAT(result, IsOk());
  return result.ok() ? *result : cv::Mat();
}

std::vector<double> Values(const cv::Mat& map) {
  cv::Mat doubles;
  map.convertTo(doubles, CV_64F);
  return std::vector<double>(doubles.begin<double>(), doubles.end<double>());
}

cv::Mat RandomMap(int width, int height, uint64_t seed) {
  cv::Mat map(height, width, CV_64F);
  Rng rng(seed);
  for (double& value : cv::Mat_<double>(map)) value = rng.Uniform();
  return map;
}

TEST(ResizeMapBilinearTest, HandComputed) {
  // Positions (i + 1/2) / 2 - 1/2: -1/4 -> 0, 1/4, 3/4, 5/4 -> the last pixel.
  const cv::Mat row = (cv::Mat_<double>(1, 2) << 0, 8);
  EXPECT_THAT(Values(ResizeMap(row, 4, 1)), ElementsAre(0, 2, 6, 8));
  EXPECT_THAT(Values(ResizeMap(row.t(), 1, 4)), ElementsAre(0, 2, 6, 8));
  // Shrinking by two reads between the pixels, without a wider filter.
  const cv::Mat four = (cv::Mat_<float>(1, 4) << 1, 3, 5, 9);
  EXPECT_THAT(Values(ResizeMap(four, 2, 1)), ElementsAre(2, 7));
}

TEST(ResizeMapBilinearTest, KeepsTheType) {
  EXPECT_EQ(ResizeMap(cv::Mat::zeros(2, 2, CV_32F), 3, 3).type(), CV_32FC1);
  EXPECT_EQ(ResizeMap(cv::Mat::zeros(2, 2, CV_64F), 3, 3).type(), CV_64FC1);
}

TEST(ResizeMapBilinearTest, SameSizeIsTheSameMap) {
  const cv::Mat map = RandomMap(7, 5, 1);
  const cv::Mat result = ResizeMap(map, 7, 5);
  EXPECT_EQ(cv::norm(map, result, cv::NORM_INF), 0);
  EXPECT_NE(map.data, result.data);
}

TEST(ResizeMapBilinearTest, StaysWithinTheRangeAndKeepsConstants) {
  const cv::Mat result = ResizeMap(RandomMap(9, 4, 2), 31, 50);
  double low = 0;
  double high = 0;
  cv::minMaxLoc(result, &low, &high);
  EXPECT_GE(low, 0);
  EXPECT_LE(high, 1);
  const cv::Mat constant(3, 4, CV_64F, cv::Scalar(0.375));
  EXPECT_EQ(cv::norm(ResizeMap(constant, 17, 2) - 0.375, cv::NORM_INF), 0);
}

TEST(ResizeMapBilinearTest, CommutesWithTransposition) {
  const cv::Mat map = RandomMap(9, 4, 3);
  // Not bit by bit: the sums are taken in another order.
  EXPECT_LT(cv::norm(ResizeMap(map, 31, 50), ResizeMap(map.t(), 50, 31).t(),
                     cv::NORM_INF),
            1e-15);
}

// One pixel at a time.
double Reference(const cv::Mat& map, int width, int height, int x, int y) {
  const auto position = [](int i, int source, int target) {
    return std::max((i + 0.5) * source / target - 0.5, 0.0);
  };
  const auto at = [&](double v, double u) {
    return map.at<double>(std::min(static_cast<int>(v), map.rows - 1),
                          std::min(static_cast<int>(u), map.cols - 1));
  };
  const double u = position(x, map.cols, width);
  const double v = position(y, map.rows, height);
  const double a = u - std::floor(u);
  const double b = v - std::floor(v);
  return (1 - b) * ((1 - a) * at(v, u) + a * at(v, u + 1)) +
         b * ((1 - a) * at(v + 1, u) + a * at(v + 1, u + 1));
}

TEST(ResizeMapBilinearTest, MatchesReferenceOnRandomMaps) {
  Rng rng(4);
  const auto size = [&] { return 1 + static_cast<int>(rng.UniformInt(20)); };
  for (int i = 0; i < 50; ++i) {
    const cv::Mat map = RandomMap(size(), size(), i);
    const int width = size();
    const int height = size();
    const cv::Mat result = ResizeMap(map, width, height);
    cv::Mat floats;
    map.convertTo(floats, CV_32F);
    const cv::Mat float_result = ResizeMap(floats, width, height);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double expected = Reference(map, width, height, x, y);
        EXPECT_NEAR(result.at<double>(y, x), expected, 1e-13);
        // Positions up to 20 in float32: weights good to 1e-6.
        EXPECT_NEAR(float_result.at<float>(y, x), expected, 5e-6);
      }
    }
  }
}

TEST(ResizeMapBilinearTest, NanStaysWhereItsWeightIs) {
  const cv::Mat row = (cv::Mat_<double>(1, 3) << 1, kNan, 3);
  const std::vector<double> same = Values(ResizeMap(row, 3, 1));
  EXPECT_EQ(same[0], 1);
  EXPECT_TRUE(std::isnan(same[1]));
  EXPECT_EQ(same[2], 3);
  // Positions 0, 1/4, 3/4, 5/4, 7/4, 9/4 -> the last pixel.
  const std::vector<double> six = Values(ResizeMap(row, 6, 1));
  EXPECT_EQ(six[0], 1);
  for (int i = 1; i < 5; ++i) EXPECT_TRUE(std::isnan(six[i])) << i;
  EXPECT_EQ(six[5], 3);
}

TEST(ResizeMapBilinearTest, OnePixelFillsTheTarget) {
  const cv::Mat pixel(1, 1, CV_64F, cv::Scalar(0.1));
  EXPECT_THAT(Values(ResizeMap(pixel, 2, 2)), ::testing::Each(DoubleEq(0.1)));
}

TEST(ResizeMapBilinearTest, ReadsStridedRows) {
  const cv::Mat part = RandomMap(20, 20, 6)(cv::Rect(3, 2, 11, 13));
  EXPECT_EQ(cv::norm(ResizeMap(part, 5, 40), ResizeMap(part.clone(), 5, 40),
                     cv::NORM_INF),
            0);
}

TEST(ResizeMapBilinearTest, RejectsOtherTypesAndEmptySizes) {
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(ResizeMapBilinear(cv::Mat(2, 3, CV_8UC1), 2, 2),
              StatusIs(code, HasSubstr("3x2 matrix of type CV_8UC1, expected a "
                                       "non-empty CV_32FC1 or CV_64FC1")));
  EXPECT_THAT(ResizeMapBilinear(cv::Mat(), 2, 2),
              StatusIs(code, HasSubstr("0x0")));
  EXPECT_THAT(ResizeMapBilinear(cv::Mat(2, 3, CV_32FC1), 0, 2),
              StatusIs(code, HasSubstr("to 0x2, expected positive sizes")));
}

TEST(ResizeMaskNearestTest, HandComputed) {
  const cv::Mat row = (cv::Mat_<uint8_t>(1, 5) << 1, 2, 3, 4, 5);
  // floor(0), floor(5/3), floor(10/3): the left ends of the target pixels.
  EXPECT_THAT(Values(ResizeMask(row, 3, 1)), ElementsAre(1, 2, 4));
  EXPECT_THAT(Values(ResizeMask(row.colRange(0, 2), 4, 1)),
              ElementsAre(1, 1, 2, 2));
}

TEST(ResizeMaskNearestTest, TheReciprocalRoundsBeforeTheProduct) {
  // 400 to 224: 70 * 400 / 224 = 125, but 70 * (1.0 / (224.0 / 400)) is just
  // below it.
  cv::Mat row(1, 400, CV_8UC1);
  for (int x = 0; x < 400; ++x) row.at<uint8_t>(0, x) = x & 255;
  const cv::Mat result = ResizeMask(row, 224, 1);
  EXPECT_EQ(result.at<uint8_t>(0, 70), 124);
  EXPECT_EQ(result.at<uint8_t>(0, 71), 126);
}

TEST(ResizeMaskNearestTest, MatchesOpencv) {
  Rng rng(8);
  const auto size = [&] { return 1 + static_cast<int>(rng.UniformInt(500)); };
  for (int i = 0; i < 40; ++i) {
    cv::Mat mask(size(), size(), CV_8UC1);
    for (uint8_t& value : cv::Mat_<uint8_t>(mask)) {
      value = static_cast<uint8_t>(rng.UniformInt(256));
    }
    for (const cv::Size target : {cv::Size(224, 224), cv::Size(size(), 31)}) {
      cv::Mat expected;
      cv::resize(mask, expected, target, 0, 0, cv::INTER_NEAREST);
      EXPECT_EQ(
          cv::norm(expected, ResizeMask(mask, target.width, target.height),
                   cv::NORM_INF),
          0)
          << mask.size() << " to " << target;
    }
  }
}

TEST(ResizeMaskNearestTest, RejectsOtherTypesAndEmptySizes) {
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(ResizeMaskNearest(cv::Mat(2, 3, CV_32FC1), 2, 2),
              StatusIs(code, HasSubstr("expected a non-empty CV_8UC1")));
  EXPECT_THAT(ResizeMaskNearest(cv::Mat(), 2, 2),
              StatusIs(code, HasSubstr("0x0")));
  EXPECT_THAT(ResizeMaskNearest(cv::Mat(2, 3, CV_8UC1), 2, -1),
              StatusIs(code, HasSubstr("to 2x-1, expected positive sizes")));
}

nlohmann::json GoldenCases(absl::string_view kind) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("vision/image/testdata/resize.json");
  nlohmann::json cases = nlohmann::json::array();
  for (const nlohmann::json& test : golden["cases"]) {
    const std::string id = test["id"];
    if (id.find(std::string(kind)) != std::string::npos) cases.push_back(test);
  }
  return cases;
}

TEST(ResizeMapGoldenTest, BilinearMaps) {
  const nlohmann::json cases = GoldenCases("/map-");
  EXPECT_EQ(cases.size(), 4);
  for (const nlohmann::json& test : cases) {
    const nlohmann::json& inputs = test["inputs"];
    ::testing::GoldenTensor tensor = ::testing::MakeGoldenTensor(inputs["map"]);
    const cv::Mat map(static_cast<int>(tensor.shape[2]),
                      static_cast<int>(tensor.shape[3]), CV_64F,
                      tensor.data.data());
    const cv::Mat result = ResizeMap(map, inputs["to_w"], inputs["to_h"]);
    EXPECT_THAT(::testing::CompareWithGolden(
                    test["expect"]["align_corners_false"], Values(result),
                    test["tol"]["rtol"], test["tol"]["atol"]),
                IsEmpty())
        << test["id"];
  }
}

TEST(ResizeMapGoldenTest, NearestMasks) {
  const nlohmann::json cases = GoldenCases("/mask-");
  EXPECT_EQ(cases.size(), 9);
  for (const nlohmann::json& test : cases) {
    const nlohmann::json& inputs = test["inputs"];
    const int modulus = inputs["modulus"];
    cv::Mat mask(inputs["size"][1], inputs["size"][0].get<int>(), CV_8UC1);
    for (int y = 0; y < mask.rows; ++y) {
      for (int x = 0; x < mask.cols; ++x) {
        mask.at<uint8_t>(y, x) =
            (x * x + 3 * y * y + x * y) % modulus < modulus / 3 ? 255 : 0;
      }
    }
    const nlohmann::json& expected = test["expect"];
    EXPECT_EQ(cv::countNonZero(mask), expected["source_count"]);
    cv::Mat result = ResizeMask(mask, inputs["to"][0], inputs["to"][1]) / 255;
    EXPECT_EQ(cv::countNonZero(result), expected["count"]);
    EXPECT_EQ(Crc32(absl::string_view(reinterpret_cast<char*>(result.data),
                                      result.total())),
              expected["crc32"].get<uint32_t>())
        << test["id"];
    for (int y = 0; y < 8; ++y) {
      EXPECT_EQ(cv::sum(result.row(y))[0], expected["row_sums_first8"][y]);
    }
  }
}

}  // namespace
}  // namespace vision
