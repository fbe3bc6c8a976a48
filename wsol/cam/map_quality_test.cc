#include "wsol/cam/map_quality.h"

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "wsol/cam/cam_network.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Two classes; logits are the mean of the image and 0, so the probabilities are
// sigmoid(mean) and sigmoid(-mean).
class MeanNetwork : public CamNetwork {
 public:
  Output Forward(const at::Tensor& images) override {
    ++num_passes;
    largest_batch = std::max(largest_batch, images.size(0));
    Output output;
    output.features = {images};
    output.logits = LogitsOf(images);
    return output;
  }
  at::Tensor LogitsOf(const at::Tensor& last_features) override {
    const at::Tensor mean = last_features.mean(at::IntArrayRef({1, 2, 3}));
    return at::stack({mean, at::zeros_like(mean)}, 1);
  }
  at::Tensor LinearWeights() const override { return {}; }
  bool HasOwnMaps() const override { return false; }
  at::Tensor OwnMaps(const at::Tensor&) override { return {}; }
  bool IsInEvaluationMode() const override { return is_in_evaluation_mode; }

  bool is_in_evaluation_mode = true;
  int num_passes = 0;
  int64_t largest_batch = 0;
};

// The image is 4, 2, 0, -2 (mean 1), the map 1, 0.5, 0.25, 0.
at::Tensor Image() {
  return at::tensor({4.0, 2.0, 0.0, -2.0}, at::kDouble).view({1, 1, 2, 2});
}
at::Tensor Map() {
  return at::tensor({1.0, 0.5, 0.25, 0.0}, at::kDouble).view({1, 2, 2});
}
at::Tensor Class(int64_t label) { return at::full({1}, label, at::kLong); }

MapQualityOptions Options(int steps) {
  MapQualityOptions options;
  options.steps = steps;
  options.insertion_start = InsertionStart::kZero;
  return options;
}

MapQuality Measure(const MapQualityOptions& options, int64_t label = 0) {
  MeanNetwork network;
  const auto measured =
      MeasureMapQuality(network, Image(), Class(label), Map(), options);
  EXPECT_THAT(measured, IsOk());
  return measured.value()[0];
}

// Image times map is 4, 1, 0, 0: mean 1.25.
TEST(MapQualityTest, DropAndIncreaseByHand) {
  const MapQuality up = Measure(Options(0), 0);
  EXPECT_NEAR(up.probability, Sigmoid(1), 1e-12);
  EXPECT_NEAR(up.masked_probability, Sigmoid(1.25), 1e-12);
  EXPECT_TRUE(up.increase);
  EXPECT_EQ(up.drop, 0);
  EXPECT_EQ(up.insertion, 0);
  EXPECT_EQ(up.deletion, 0);

  const MapQuality down = Measure(Options(0), 1);
  EXPECT_FALSE(down.increase);
  EXPECT_NEAR(down.drop, (Sigmoid(-1) - Sigmoid(-1.25)) / Sigmoid(-1), 1e-12);
}

// Deleting 0 to 4 pixels leaves the means 1, 0, -1/2, -1/2, 0; inserting as
// many into zeros gives 0, 1, 3/2, 3/2, 1.
TEST(MapQualityTest, AreasByHand) {
  const double s1 = Sigmoid(1);
  const double half = Sigmoid(-0.5);
  const double more = Sigmoid(1.5);
  const MapQuality quality = Measure(Options(4));
  EXPECT_NEAR(quality.deletion, (s1 / 2 + 0.5 + half + half + 0.25) / 4, 1e-12);
  EXPECT_NEAR(quality.insertion, (0.25 + s1 + more + more + s1 / 2) / 4, 1e-12);
  // Two pixels a step.
  EXPECT_NEAR(Measure(Options(2)).deletion, (s1 / 2 + half + 0.25) / 2, 1e-12);
  // Steps of 1, 1 and 2 of the 4 pixels.
  EXPECT_NEAR(Measure(Options(3)).deletion,
              (s1 + 0.5) / 8 + (0.5 + half) / 8 + (half + 0.5) / 4, 1e-12);
}

TEST(MapQualityTest, BatchesChangeNothing) {
  for (const int batch_size : {1, 2, 3, 5, 64}) {
    MapQualityOptions options = Options(4);
    options.batch_size = batch_size;
    MeanNetwork network;
    const auto measured =
        MeasureMapQuality(network, Image(), Class(0), Map(), options);
    ASSERT_THAT(measured, IsOk());
    EXPECT_DOUBLE_EQ((*measured)[0].insertion, Measure(Options(4)).insertion);
    EXPECT_DOUBLE_EQ((*measured)[0].deletion, Measure(Options(4)).deletion);
    EXPECT_LE(network.largest_batch, batch_size);
  }
}

TEST(MapQualityTest, EqualPixelsGoByRows) {
  MeanNetwork network;
  const auto tied = MeasureMapQuality(network, Image(), Class(0),
                                      at::zeros({1, 2, 2}), Options(4));
  const auto by_rows = MeasureMapQuality(
      network, Image(), Class(0),
      at::tensor({1.0, 0.9, 0.8, 0.7}, at::kDouble).view({1, 2, 2}),
      Options(4));
  ASSERT_THAT(tied, IsOk());
  EXPECT_EQ((*tied)[0].deletion, (*by_rows)[0].deletion);
  // And a map of zeros leaves an image of zeros.
  EXPECT_EQ((*tied)[0].masked_probability, 0.5);
}

// A good map is better than its opposite by every measure.
TEST(MapQualityTest, TellsGoodMapsFromBad) {
  MeanNetwork network;
  at::manual_seed(3);
  const at::Tensor images = at::randn({3, 2, 8, 8});
  const at::Tensor good = images.mean(1).sigmoid();
  const at::Tensor classes = at::zeros({3}, at::kLong);
  MapQualitySummary of_good;
  MapQualitySummary of_bad;
  const auto good_measured =
      MeasureMapQuality(network, images, classes, good, {});
  const auto bad_measured =
      MeasureMapQuality(network, images, classes, 1 - good, {});
  ASSERT_THAT(good_measured, IsOk());
  ASSERT_THAT(bad_measured, IsOk());
  for (const MapQuality& one : *good_measured) of_good.Add(one);
  for (const MapQuality& one : *bad_measured) of_bad.Add(one);
  EXPECT_EQ(of_good.count(), 3);
  EXPECT_GT(of_good.insertion(), of_bad.insertion());
  EXPECT_LT(of_good.deletion(), of_bad.deletion());
  EXPECT_LE(of_good.average_drop(), of_bad.average_drop());
  EXPECT_GE(of_good.average_increase(), of_bad.average_increase());
}

TEST(MapQualityTest, SummaryIsInPercent) {
  MapQualitySummary summary;
  EXPECT_EQ(summary.average_drop(), 0);
  MapQuality one;
  one.drop = 0.5;
  one.insertion = 0.25;
  summary.Add(one);
  one.drop = 0;
  one.increase = true;
  one.deletion = 0.5;
  summary.Add(one);
  EXPECT_DOUBLE_EQ(summary.average_drop(), 25);
  EXPECT_DOUBLE_EQ(summary.average_increase(), 50);
  EXPECT_DOUBLE_EQ(summary.insertion(), 25);
  EXPECT_DOUBLE_EQ(summary.deletion(), 25);
}

TEST(GaussianBlurTest, IsTheProductOfTwoWindows) {
  at::Tensor impulse = at::zeros({1, 1, 7, 7}, at::kDouble);
  impulse[0][0][3][3] = 1;
  // exp(0), exp(-1/2), normalised over -1, 0, 1.
  const double side = std::exp(-0.5) / (1 + 2 * std::exp(-0.5));
  const double centre = 1 / (1 + 2 * std::exp(-0.5));
  const at::Tensor blurred = GaussianBlur(impulse, 1, 1)[0][0];
  EXPECT_NEAR(blurred[3][3].item<double>(), centre * centre, 1e-12);
  EXPECT_NEAR(blurred[2][3].item<double>(), centre * side, 1e-12);
  EXPECT_NEAR(blurred[4][2].item<double>(), side * side, 1e-12);
  EXPECT_NEAR(blurred.sum().item<double>(), 1, 1e-12);
  EXPECT_EQ(blurred[3][5].item<double>(), 0);
}

TEST(GaussianBlurTest, KeepsConstantImages) {
  const at::Tensor images = at::full({2, 3, 4, 5}, 0.7f);
  EXPECT_THAT(GaussianBlur(images, 5, 5), TensorNear(images, 1e-6));
  EXPECT_THROW(GaussianBlur(images[0], 5, 5), c10::Error);
}

TEST(MapQualityTest, RejectsWhatDoesNotFit) {
  MeanNetwork network;
  const auto measure = [&](const at::Tensor& images, const at::Tensor& classes,
                           const at::Tensor& maps,
                           const MapQualityOptions& options) {
    return MeasureMapQuality(network, images, classes, maps, options).status();
  };
  EXPECT_THAT(measure(Image()[0], Class(0), Map(), Options(1)),
              StatusIs(kInvalid, HasSubstr("images are Double [1, 2, 2]")));
  EXPECT_THAT(measure(Image(), at::zeros({2}, at::kLong), Map(), Options(1)),
              StatusIs(kInvalid, HasSubstr("classes are Long [2]")));
  EXPECT_THAT(measure(Image(), Class(0), at::rand({1, 3, 2}), Options(1)),
              StatusIs(kInvalid, HasSubstr("maps are Float [1, 3, 2]")));
  EXPECT_THAT(measure(Image(), Class(2), Map(), Options(1)),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("class 2")));
  EXPECT_THAT(measure(Image(), Class(0), Map(), Options(5)),
              StatusIs(kInvalid, HasSubstr("only 4 pixels")));
  MapQualityOptions options;
  options.blur_sigma = 0;
  EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr("blur_sigma")));
  options = {};
  options.batch_size = 0;
  EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr("batch_size")));
  network.is_in_evaluation_mode = false;
  EXPECT_THAT(measure(Image(), Class(0), Map(), Options(1)),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(InsertionStartTest, HasNames) {
  EXPECT_THAT(ParseInsertionStart("zero"), IsOkAndHolds(InsertionStart::kZero));
  EXPECT_THAT(ParseInsertionStart("blurred"),
              IsOkAndHolds(InsertionStart::kBlurred));
  EXPECT_THAT(ParseInsertionStart("grey"),
              StatusIs(kInvalid, HasSubstr("blurred or zero")));
}

}  // namespace
}  // namespace wsol
