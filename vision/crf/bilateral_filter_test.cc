#include "vision/crf/bilateral_filter.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/parallel_for.h"
#include "vision/crf/filter_workspace.h"
#include "vision/crf/reference_bilateral_filter.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

using ::testing::GoldenStream;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::ReadTestJson;
using ::testing::StatusIs;

constexpr BilateralFilterMethod kMethods[] = {BilateralFilterMethod::kExact,
                                              BilateralFilterMethod::kGrid,
                                              BilateralFilterMethod::kLattice};

BilateralFilterOptions Options(BilateralFilterMethod method,
                               double sigma_rgb = 15, double sigma_xy = 100) {
  BilateralFilterOptions options;
  options.method = method;
  options.sigma_rgb = sigma_rgb;
  options.sigma_xy_pixels = sigma_xy;
  return options;
}

std::vector<float> Filter(const std::vector<float>& image, int height,
                          int width, const std::vector<float>& maps,
                          const BilateralFilterOptions& options) {
  const auto filter =
      BilateralFilter::Create(image.data(), height, width, options);
  EXPECT_THAT(filter, IsOk());
  std::vector<float> out(maps.size());
  EXPECT_THAT(
      (*filter)->Apply(maps.data(),
                       static_cast<int>(maps.size() / (image.size() / 3)),
                       out.data()),
      IsOk());
  return out;
}

TEST(BilateralFilterTest, ExactMatchesTheGoldenCases) {
  const nlohmann::json golden =
      ReadTestJson("vision/crf/testdata/exact_filter.json");
  for (const char* name : {"G2", "G3", "G4", "G5", "G6"}) {
    SCOPED_TRACE(name);
    const nlohmann::json& c = golden.at(name);
    const int height = c.at("H");
    const int width = c.at("W");
    const size_t channels = c.at("K");
    const size_t size = static_cast<size_t>(height) * width;
    // Image bytes, then maps that are divided by their sum over channels, from
    // one stream of numbers in [0, 1).
    const std::vector<double> stream =
        GoldenStream({{"kind", "lcg"}, {"seed", c.at("seed")}},
                     static_cast<int64_t>((3 + channels) * size));
    std::vector<float> image, maps;
    for (size_t i = 0; i < 3 * size; ++i) {
      image.push_back(static_cast<float>(std::floor(stream[i] * 256)));
    }
    for (size_t i = 3 * size; i < stream.size(); ++i) {
      double sum = 0;
      for (size_t k = 0; k < channels; ++k) {
        sum += stream[3 * size + k * size + i % size];
      }
      maps.push_back(static_cast<float>(stream[i] / sum));
    }
    for (size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(image[i], c.at("im_first8")[i].get<float>());
    }
    const double sigma_rgb = c.at("srgb");
    const double sigma_xy = c.at("sxy");
    const std::vector<double> reference = ReferenceBilateralFilter(
        image, height, width, sigma_rgb, sigma_xy, maps);
    const std::vector<float> out =
        Filter(image, height, width, maps,
               Options(BilateralFilterMethod::kExact, sigma_rgb, sigma_xy));
    double sum = 0;
    double energy = 0;
    double self_energy = 0;
    for (size_t i = 0; i < out.size(); ++i) {
      sum += reference[i];
      energy -= reference[i] * maps[i];
      self_energy -= static_cast<double>(maps[i]) * maps[i];
    }
    // float64 reference: to the digits given.
    EXPECT_NEAR(sum, c.at("AS_sum"), 1e-10 * sum);
    EXPECT_NEAR(energy, c.at("E_SWS"), 1e-10 * sum);
    EXPECT_NEAR(energy - self_energy, c.at("E_SWS_noself"), 1e-10 * sum);
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(reference[i], c.at("AS_first4")[i], 1e-10);
      EXPECT_NEAR(reference[out.size() - 4 + i], c.at("AS_last4")[i], 1e-10);
    }
    EXPECT_LE(RelativeL2Error(out, reference), 1e-6);
  }
}

TEST(BilateralFilterTest, AutoIsExactForSmallImagesAndTheGridElse) {
  const auto method_for = [](int height, int width, double sigma_rgb,
                             double sigma_xy) {
    const std::vector<float> image =
        MakeTestImage(TestImage::kNoise, height, width, 1);
    const auto filter = BilateralFilter::Create(
        image.data(), height, width,
        Options(BilateralFilterMethod::kAuto, sigma_rgb, sigma_xy));
    EXPECT_THAT(filter, IsOk());
    EXPECT_EQ((*filter)->height(), height);
    EXPECT_EQ((*filter)->width(), width);
    return (*filter)->method();
  };
  EXPECT_EQ(method_for(64, 64, 15, 100), BilateralFilterMethod::kExact);
  EXPECT_EQ(method_for(64, 65, 15, 100), BilateralFilterMethod::kGrid);
  // What the grid does not serve.
  EXPECT_EQ(method_for(64, 65, 1, 100), BilateralFilterMethod::kExact);
  EXPECT_EQ(method_for(64, 65, 15, 2), BilateralFilterMethod::kExact);
}

TEST(BilateralFilterTest, AccuraciesAreOrdered) {
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, 48, 48, 1);
  const std::vector<float> maps = MakeTestMaps(2, 48, 48, 1);
  const std::vector<double> expected =
      ReferenceBilateralFilter(image, 48, 48, 15, 100, maps);
  const auto error = [&](BilateralFilterAccuracy accuracy) {
    BilateralFilterOptions options = Options(BilateralFilterMethod::kGrid);
    options.accuracy = accuracy;
    return RelativeL2Error(Filter(image, 48, 48, maps, options), expected);
  };
  const double fast = error(BilateralFilterAccuracy::kFast);
  const double standard = error(BilateralFilterAccuracy::kDefault);
  const double accurate = error(BilateralFilterAccuracy::kAccurate);
  EXPECT_LE(fast, 4.5e-2);
  EXPECT_LE(standard, std::min(1.5e-2, fast));
  EXPECT_LE(accurate, std::min(8e-3, standard));
}

TEST(BilateralFilterTest, IsEquivariantUnderTransposition) {
  constexpr int kHeight = 24;
  constexpr int kWidth = 37;
  const auto transpose = [](const std::vector<float>& planes) {
    std::vector<float> result(planes.size());
    for (size_t i = 0; i < planes.size(); ++i) {
      const size_t plane = i / (kHeight * kWidth) * (kHeight * kWidth);
      const size_t y = i % (kHeight * kWidth) / kWidth;
      const size_t x = i % kWidth;
      result[plane + x * kHeight + y] = planes[i];
    }
    return result;
  };
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, kHeight, kWidth, 1);
  const std::vector<float> maps = MakeTestMaps(2, kHeight, kWidth, 2);
  for (const auto& [method, tolerance] :
       {std::pair{BilateralFilterMethod::kExact, 1e-6},
        std::pair{BilateralFilterMethod::kGrid, 1e-4}}) {
    const std::vector<float> expected =
        transpose(Filter(image, kHeight, kWidth, maps, Options(method)));
    EXPECT_LE(
        RelativeL2Error(Filter(transpose(image), kWidth, kHeight,
                               transpose(maps), Options(method)),
                        std::vector<double>(expected.begin(), expected.end())),
        tolerance)
        << BilateralFilterMethodName(method);
  }
}

TEST(BilateralFilterTest, IsInvariantUnderExchangeOfColourChannels) {
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, 30, 30, 1);
  const std::vector<float> maps = MakeTestMaps(2, 30, 30, 2);
  std::vector<float> exchanged(image);  // b, r, g.
  std::rotate(exchanged.begin(), exchanged.begin() + 1800, exchanged.end());
  for (const auto& [method, tolerance] :
       {std::pair{BilateralFilterMethod::kExact, 1e-6},
        // Its axes may be others, with other errors, each within the budget.
        std::pair{BilateralFilterMethod::kGrid, 1.5e-2}}) {
    const std::vector<float> expected =
        Filter(image, 30, 30, maps, Options(method));
    EXPECT_LE(
        RelativeL2Error(Filter(exchanged, 30, 30, maps, Options(method)),
                        std::vector<double>(expected.begin(), expected.end())),
        tolerance)
        << BilateralFilterMethodName(method);
  }
}

TEST(BilateralFilterTest, InfiniteColourSigmaLeavesTheSpatialGaussian) {
  const std::vector<float> image = MakeTestImage(TestImage::kNoise, 20, 20, 1);
  const std::vector<float> maps = MakeTestMaps(1, 20, 20, 2);
  const std::vector<double> expected = ReferenceBilateralFilter(
      MakeTestImage(TestImage::kConstant, 20, 20, 1), 20, 20, 15, 30, maps);
  for (const BilateralFilterMethod method :
       {BilateralFilterMethod::kExact, BilateralFilterMethod::kGrid}) {
    EXPECT_LE(
        RelativeL2Error(Filter(image, 20, 20, maps, Options(method, 1e6, 30)),
                        expected),
        1e-3)
        << BilateralFilterMethodName(method);
  }
}

TEST(BilateralFilterTest, ResultsDoNotDependOnThreadsOrEarlierCalls) {
  constexpr int kSize = 36;
  constexpr int kCalls = 12;
  for (const BilateralFilterMethod method : kMethods) {
    SCOPED_TRACE(std::string(BilateralFilterMethodName(method)));
    const std::vector<float> image =
        MakeTestImage(TestImage::kNatural, kSize, kSize, 1);
    const auto filter =
        BilateralFilter::Create(image.data(), kSize, kSize, Options(method));
    ASSERT_THAT(filter, IsOk());
    const auto apply = [&](int64_t call) {
      const std::vector<float> maps =
          MakeTestMaps(static_cast<int>(1 + call % 3), kSize, kSize, call);
      std::vector<float> out(maps.size());
      EXPECT_THAT((*filter)->Apply(maps.data(), static_cast<int>(1 + call % 3),
                                   out.data()),
                  IsOk());
      return out;
    };
    std::vector<std::vector<float>> results(kCalls);
    ParallelFor(kCalls, 4, [&](int64_t i) { results[i] = apply(i); });
    for (int64_t i = 0; i < kCalls; ++i) EXPECT_EQ(results[i], apply(i));
  }
}

TEST(BilateralFilterTest, TakesManyChannels) {
  const std::vector<float> image = MakeTestImage(TestImage::kNatural, 9, 11, 1);
  for (const int channels : {1, 2, 3, 16, 33}) {
    const std::vector<float> maps = MakeTestMaps(channels, 9, 11, 2);
    EXPECT_LE(
        RelativeL2Error(
            Filter(image, 9, 11, maps, Options(BilateralFilterMethod::kGrid)),
            ReferenceBilateralFilter(image, 9, 11, 15, 100, maps)),
        2e-2)  // 99 pixels: the grid's errors average less.
        << channels;
  }
}

TEST(BilateralFilterTest, NamesRoundTrip) {
  for (const BilateralFilterMethod method :
       {BilateralFilterMethod::kAuto, BilateralFilterMethod::kExact,
        BilateralFilterMethod::kGrid, BilateralFilterMethod::kLattice}) {
    EXPECT_THAT(ParseBilateralFilterMethod(BilateralFilterMethodName(method)),
                IsOkAndHolds(method));
  }
  EXPECT_THAT(ParseBilateralFilterMethod("Grid"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must be auto, exact, grid or lattice, got "
                                 "\"Grid\"")));
}

TEST(BilateralFilterTest, RejectsBadOptions) {
  const float rgb[3] = {1, 2, 3};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {0.0, -1.0, nan, infinity}) {
    EXPECT_THAT(BilateralFilter::Create(
                    rgb, 1, 1, Options(BilateralFilterMethod::kAuto, bad, 100)),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("sigma_rgb must be finite and positive")));
    EXPECT_THAT(
        BilateralFilter::Create(rgb, 1, 1,
                                Options(BilateralFilterMethod::kAuto, 15, bad)),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr("sigma_xy_pixels must be finite and positive")));
  }
}

TEST(BilateralFilterTest, RejectsBadSizes) {
  const float rgb[3] = {1, 2, 3};
  EXPECT_THAT(BilateralFilter::Create(rgb, 0, 1, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must be positive, got 0 x 1")));
  EXPECT_THAT(
      BilateralFilter::Create(rgb, 1, -4, {}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 1 x -4")));
  EXPECT_THAT(BilateralFilter::Create(rgb, 1 << 20, 1 << 20, {}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("at most 67108864 pixels")));
}

TEST(BilateralFilterTest, RejectsNonFiniteColoursAndMaps) {
  for (const BilateralFilterMethod method : kMethods) {
    std::vector<float> image = MakeTestImage(TestImage::kNatural, 4, 5, 1);
    std::vector<float> maps = MakeTestMaps(2, 4, 5, 2);
    const auto filter =
        BilateralFilter::Create(image.data(), 4, 5, Options(method));
    ASSERT_THAT(filter, IsOk());
    std::vector<float> out(maps.size(), -7.0f);
    maps[20 + 5 + 3] = std::numeric_limits<float>::infinity();
    EXPECT_THAT((*filter)->Apply(maps.data(), 2, out.data()),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("must be finite, got inf in channel 1, row "
                                   "1, column 3")));
    EXPECT_EQ(out, std::vector<float>(maps.size(), -7.0f));
    EXPECT_THAT((*filter)->Apply(maps.data(), 0, out.data()),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("channels must be positive, got 0")));
    FilterWorkspace workspace;
    EXPECT_THAT(
        (*filter)->Apply(maps.data(), 1, out.data(), &workspace, 0),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr("number of threads must be positive, got 0")));

    image[40] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THAT(BilateralFilter::Create(image.data(), 4, 5, Options(method)),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("colours must be finite, got nan in channel "
                                   "2, row 0, column 0")));
  }
}

TEST(BilateralFilterTest, AMethodAskedForIsNotReplaced) {
  const std::vector<float> image = MakeTestImage(TestImage::kNoise, 70, 70, 1);
  EXPECT_THAT(
      BilateralFilter::Create(image.data(), 70, 70,
                              Options(BilateralFilterMethod::kGrid, 0.5, 100)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("use larger sigmas or the exact method")));
  EXPECT_THAT(
      BilateralFilter::Create(image.data(), 70, 70,
                              Options(BilateralFilterMethod::kLattice, .1, 1)),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("Lattice coordinates")));
}

TEST(BilateralFilterTest, SetImageGivesTheFilterOfThatImage) {
  for (const BilateralFilterMethod method :
       {BilateralFilterMethod::kAuto, BilateralFilterMethod::kExact,
        BilateralFilterMethod::kGrid, BilateralFilterMethod::kLattice}) {
    SCOPED_TRACE(std::string(BilateralFilterMethodName(method)));
    const BilateralFilterOptions options = Options(method);
    const std::vector<float> first = MakeTestImage(TestImage::kNoise, 9, 7, 1);
    const auto filter = BilateralFilter::Create(first.data(), 9, 7, options);
    ASSERT_THAT(filter, IsOk());
    FilterWorkspace workspace;
    for (const int height : {70, 5, 70}) {
      const std::vector<float> image =
          MakeTestImage(TestImage::kNatural, height, 66, 2);
      const std::vector<float> maps = MakeTestMaps(2, height, 66, 3);
      ASSERT_THAT((*filter)->SetImage(image.data(), height, 66), IsOk());
      EXPECT_EQ((*filter)->height(), height);
      std::vector<float> out(maps.size());
      ASSERT_THAT((*filter)->Apply(maps.data(), 2, out.data(), &workspace, 2),
                  IsOk());
      EXPECT_EQ(out, Filter(image, height, 66, maps, options));
      EXPECT_GT((*filter)->bytes(), 0u);
    }
    // An image that is refused leaves none.
    std::vector<float> bad = first;
    bad[3] = std::numeric_limits<float>::infinity();
    EXPECT_THAT((*filter)->SetImage(bad.data(), 9, 7),
                StatusIs(absl::StatusCode::kInvalidArgument));
    std::vector<float> out(first.size());
    EXPECT_THAT((*filter)->Apply(first.data(), 3, out.data()),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr("has no image")));
  }
}

TEST(BilateralFilterTest, CountsTheGridsOperations) {
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, 20, 20, 1);
  const auto grid = BilateralFilter::Create(
      image.data(), 20, 20, Options(BilateralFilterMethod::kGrid));
  ASSERT_THAT(grid, IsOk());
  EXPECT_GT((*grid)->NumMultiplyAdds(1), 16.0 * 24 * 400);
  EXPECT_EQ((*grid)->NumMultiplyAdds(4), 4 * (*grid)->NumMultiplyAdds(1));
}

// Shapes that leave partial vectors, blocks, tiles and groups of channels, each
// method against the definition, on one thread and several.
TEST(BilateralFilterTest, HoldsForAnyShape) {
  constexpr int kSides[] = {1, 2, 3, 15, 17};
  int channels = 0;
  for (const int height : kSides) {
    for (const int width : kSides) {
      for (const double sigma_xy : {100.0, 3.0}) {
        channels = channels % 33 + 1;
        SCOPED_TRACE(::testing::Message() << height << " x " << width << ", "
                                          << channels << " channels");
        const std::vector<float> image =
            MakeTestImage(TestImage::kNatural, height, width, 3);
        const std::vector<float> maps =
            MakeTestMaps(channels, height, width, 4);
        const std::vector<double> expected =
            ReferenceBilateralFilter(image, height, width, 40, sigma_xy, maps);
        for (const BilateralFilterMethod method : kMethods) {
          const BilateralFilterOptions options = Options(method, 40, sigma_xy);
          const std::vector<float> out =
              Filter(image, height, width, maps, options);
          const auto filter =
              BilateralFilter::Create(image.data(), height, width, options);
          ASSERT_THAT(filter, IsOk());
          FilterWorkspace workspace;
          std::vector<float> threaded(out.size());
          ASSERT_THAT((*filter)->Apply(maps.data(), channels, threaded.data(),
                                       &workspace, 3),
                      IsOk());
          EXPECT_EQ(threaded, out);
          if (method == BilateralFilterMethod::kLattice) continue;
          // Few pixels do not average the grid's pointwise errors.
          EXPECT_LE(RelativeL2Error(out, expected),
                    method == BilateralFilterMethod::kExact ? 1e-6 : 3e-2);
        }
      }
    }
  }
}

}  // namespace
}  // namespace vision
