#include "vision/crf/dense_crf_loss.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/Parallel.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"
#include "torch/csrc/autograd/autograd.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

using ::testing::CheckGradient;
using ::testing::CompareWithGolden;
using ::testing::GoldenStream;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::MakeGoldenTensor;
using ::testing::ReadTestJson;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

at::Tensor ToTensor(const std::vector<double>& values,
                    const std::vector<int64_t>& shape) {
  return at::tensor(values, at::kDouble).reshape(shape);
}

std::vector<double> ToVector(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.to(at::kDouble).contiguous();
  return std::vector<double>(flat.data_ptr<double>(),
                             flat.data_ptr<double>() + flat.numel());
}

// [N, 3, height, width] float32.
at::Tensor TestImages(int64_t batch, int height, int width,
                      TestImage kind = TestImage::kNatural) {
  std::vector<at::Tensor> images;
  for (int64_t n = 0; n < batch; ++n) {
    images.push_back(at::tensor(MakeTestImage(kind, height, width, n + 1))
                         .reshape({3, height, width}));
  }
  return at::stack(images);
}

// [N, K, height, width] float64, summing to one over K.
at::Tensor TestProbabilities(int64_t batch, int channels, int height,
                             int width) {
  std::vector<at::Tensor> maps;
  for (int64_t n = 0; n < batch; ++n) {
    maps.push_back(at::tensor(MakeTestMaps(channels, height, width, n + 11))
                       .reshape({channels, height, width}));
  }
  return at::stack(maps).to(at::kDouble);
}

DenseCrfLossOptions Options(BilateralFilterMethod method, double sigma_rgb = 15,
                            double sigma_xy = 100) {
  DenseCrfLossOptions options;
  options.filter.method = method;
  options.filter.sigma_rgb = sigma_rgb;
  options.filter.sigma_xy_pixels = sigma_xy;
  return options;
}

struct LossAndGradient {
  at::Tensor loss;
  at::Tensor gradient;
};

LossAndGradient Evaluate(const at::Tensor& probabilities,
                         const at::Tensor& images,
                         const DenseCrfLossOptions& options) {
  const at::Tensor leaf = probabilities.detach().clone().requires_grad_(true);
  const at::Tensor loss = DenseCrfLoss(leaf, images, options);
  loss.backward();
  return {loss.detach(), leaf.grad()};
}

// The message of the c10::Error that `f` throws, or "".
template <typename F>
std::string ErrorOf(F f) {
  try {
    f();
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return "";
}

TEST(DenseCrfLossTest, MatchesAHandComputedCase) {
  // Two pixels one apart with colours (0, 0, 0), (15, 0, 0), S = (1, 2):
  // w = exp(-1 / 20000 - 1 / 2) = 0.6065003339, W S = (1 + 2 w, w + 2),
  // loss = -(1 (1 + 2 w) + 2 (w + 2)) = -(5 + 4 w) = -7.4260013358,
  // gradient = -2 W S = (-4.4260013358, -5.2130006679).
  const at::Tensor images =
      at::tensor({0., 15., 0., 0., 0., 0.}).reshape({1, 3, 1, 2});
  const LossAndGradient result =
      Evaluate(at::tensor({1., 2.}, at::kDouble).reshape({1, 1, 1, 2}), images,
               DenseCrfLossOptions());
  EXPECT_NEAR(result.loss.item<double>(), -7.426001335751193, 1e-12);
  EXPECT_EQ(result.loss.dim(), 0);
  EXPECT_THAT(
      result.gradient,
      TensorNear(ToTensor({-4.426001335752, -5.213000667876}, {1, 1, 1, 2}),
                 1e-11));

  // Without the self term: -(4 w), gradient -2 w (2, 1).
  DenseCrfLossOptions options;
  options.self_term = false;
  const LossAndGradient rest = Evaluate(
      at::tensor({1., 2.}, at::kDouble).reshape({1, 1, 1, 2}), images, options);
  const double w = 0.6065003339377985;
  EXPECT_NEAR(rest.loss.item<double>(), -4 * w, 1e-12);
  EXPECT_THAT(rest.gradient,
              TensorNear(ToTensor({-4 * w, -2 * w}, {1, 1, 1, 2}), 1e-11));
}

TEST(DenseCrfLossTest, MatchesTheExactGoldenCases) {
  const nlohmann::json golden =
      ReadTestJson("vision/crf/testdata/exact_filter.json");
  for (const char* name : {"G2", "G3", "G4", "G5", "G6"}) {
    SCOPED_TRACE(name);
    const nlohmann::json& c = golden.at(name);
    const int64_t height = c.at("H");
    const int64_t width = c.at("W");
    const int64_t channels = c.at("K");
    const at::Tensor stream =
        at::tensor(GoldenStream({{"kind", "lcg"}, {"seed", c.at("seed")}},
                                (3 + channels) * height * width),
                   at::kDouble)
            .reshape({1, 3 + channels, height, width});
    const at::Tensor images = (stream.slice(1, 0, 3) * 256).floor();
    const at::Tensor u = stream.slice(1, 3);
    const at::Tensor maps = (u / u.sum(1, true)).to(at::kFloat).to(at::kDouble);
    DenseCrfLossOptions options =
        Options(BilateralFilterMethod::kExact, c.at("srgb"), c.at("sxy"));
    const LossAndGradient result = Evaluate(maps, images, options);
    EXPECT_NEAR(result.loss.item<double>(), c.at("E_SWS"), 1e-10);
    for (int64_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(ToVector(result.gradient)[i], c.at("grad_SWS_first4")[i],
                  1e-9);
    }
    // float32 inside: relative to what cancels in the case without self term.
    EXPECT_NEAR(
        DenseCrfLoss(maps.to(at::kFloat), images, options).item<double>(),
        c.at("E_SWS"), 1e-6 * std::abs(c.at("E_SWS").get<double>()));
    options.self_term = false;
    EXPECT_NEAR(DenseCrfLoss(maps, images, options).item<double>(),
                c.at("E_SWS_noself"), 1e-10);
  }
}

at::Tensor GoldenImages(const nlohmann::json& image) {
  const int64_t batch = image.at("N");
  const int64_t height = image.at("H");
  const int64_t width = image.at("W");
  const std::string kind = image.at("kind");
  const std::vector<double> u =
      GoldenStream(image.at("gen"), batch * 3 * height * width);
  std::vector<double> values(u.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t index = static_cast<int64_t>(i);
    const int64_t x = index % width;
    const int64_t y = index / width % height;
    const int64_t c = index / (width * height) % 3;
    const int64_t n = index / (width * height * 3);
    const double base = std::min<double>(
        std::abs((3 * x + 5 * y + 40 * c + 17 * n) % 128 - 64) * 4.0, 255);
    values[i] = base;
    if (kind == "tri_noise") {
      values[i] = std::min(base + std::floor(u[i] * 32), 255.0);
    }
    if (kind == "bytes") values[i] = std::floor(u[i] * 256);
  }
  return ToTensor(values, {batch, 3, height, width});
}

// Both the published values (lattice) and exact sums, at several scales.
TEST(DenseCrfLossTest, MatchesTheGoldenLosses) {
  const nlohmann::json golden =
      ReadTestJson("vision/crf/testdata/crf_losses.json");
  for (const nlohmann::json& c : golden.at("cases")) {
    const nlohmann::json& inputs = c.at("inputs");
    const nlohmann::json& expect = c.at("expect");
    SCOPED_TRACE(c.at("id").get<std::string>());
    const double lambda = inputs.at("lambda");
    const double scale = inputs.at("scale");
    const at::Tensor images = GoldenImages(inputs.at("image"));
    const testing::GoldenTensor fcams = MakeGoldenTensor(inputs.at("fcams"));
    const at::Tensor logits =
        ToTensor(fcams.data, fcams.shape).requires_grad_(true);

    DenseCrfLossOptions options =
        Options(BilateralFilterMethod::kLattice, inputs.at("sigma_rgb"),
                inputs.at("sigma_xy"));
    options.scale = scale;
    const at::Tensor probabilities = logits.softmax(1);
    const at::Tensor loss = DenseCrfLoss(probabilities, images, options);
    const double value = expect.at("value_no_lambda");
    // float32 lattice.
    EXPECT_NEAR(loss.item<double>(), value, 2e-5 * std::abs(value));
    (lambda * loss).backward();
    EXPECT_EQ(CompareWithGolden(expect.at("grad_fcams"),
                                ToVector(logits.grad()), 2e-5, 0),
              "");
    if (scale == 1) {
      // gradient = -(2 / N) W S, so W S = -(N / 2) gradient.
      const LossAndGradient raw =
          Evaluate(probabilities.detach(), images, options);
      EXPECT_EQ(CompareWithGolden(
                    expect.at("AS"),
                    ToVector(raw.gradient * (-0.5 * images.size(0))), 2e-5, 0),
                "");
    }
    if (!expect.contains("crf_exact_value_no_lambda")) continue;
    options.filter.method = BilateralFilterMethod::kExact;
    const LossAndGradient exact =
        Evaluate(probabilities.detach(), images, options);
    const double exact_value = expect.at("crf_exact_value_no_lambda");
    EXPECT_NEAR(exact.loss.item<double>(), exact_value,
                1e-9 * std::abs(exact_value));
    if (scale == 1) {
      // The file has nine digits of each value.
      EXPECT_EQ(
          CompareWithGolden(expect.at("crf_exact_AS"),
                            ToVector(exact.gradient * (-0.5 * images.size(0))),
                            1e-8, 0),
          "");
    }
  }
}

TEST(DenseCrfLossTest, MatchesThePublishedValuesOfASmallBatch) {
  at::Tensor images = at::zeros({2, 3, 6, 8}, at::kDouble);
  at::Tensor logits = at::zeros({2, 2, 6, 8}, at::kDouble);
  for (int64_t n = 0; n < 2; ++n) {
    for (int64_t y = 0; y < 6; ++y) {
      for (int64_t x = 0; x < 8; ++x) {
        for (int64_t c = 0; c < 3; ++c) {
          images[n][c][y][x] = (37 * x + 91 * y + 53 * c + 17 * n) % 256;
        }
        for (int64_t k = 0; k < 2; ++k) {
          logits[n][k][y][x] =
              static_cast<double>((3 * x + 5 * y + 7 * k + 11 * n) % 8) / 4 - 1;
        }
      }
    }
  }
  const at::Tensor probabilities = logits.softmax(1);
  const auto loss = [&](const DenseCrfLossOptions& options) {
    return DenseCrfLoss(probabilities, images, options).item<double>();
  };
  EXPECT_NEAR(loss(Options(BilateralFilterMethod::kLattice)), -50.971020, 5e-5);
  DenseCrfLossOptions wide = Options(BilateralFilterMethod::kLattice, 60, 5);
  EXPECT_NEAR(loss(wide), -107.296974, 1e-4);
  wide.scale = 0.5;
  EXPECT_NEAR(loss(wide), -7.2345424, 1e-5);
  EXPECT_NEAR(loss(Options(BilateralFilterMethod::kExact)), -101.2005, 5e-5);
  EXPECT_NEAR(loss(Options(BilateralFilterMethod::kExact, 60, 5)), -210.9594,
              5e-5);
}

TEST(DenseCrfLossTest, GradientMatchesFiniteDifferences) {
  const at::Tensor images = TestImages(2, 5, 7);
  for (const double scale : {1.0, 0.5, 1.7}) {
    for (const bool self_term : {true, false}) {
      DenseCrfLossOptions options = Options(BilateralFilterMethod::kExact);
      options.scale = scale;
      options.self_term = self_term;
      EXPECT_THAT(CheckGradient(
                      [&](const at::Tensor& logits) {
                        return DenseCrfLoss(logits.softmax(1), images, options);
                      },
                      TestProbabilities(2, 3, 5, 7)),
                  IsOk());
    }
  }
}

// The loss is a quadratic form: E(S + D) - E(S - D) = 2 <gradient, D>, whatever
// the size of D, if and only if the filter is symmetric.
TEST(DenseCrfLossTest, GradientOfTheGridIsThatOfTheReturnedLoss) {
  const at::Tensor images = TestImages(2, 40, 36);
  const at::Tensor s = TestProbabilities(2, 2, 40, 36);
  const at::Tensor d = TestProbabilities(2, 3, 40, 36).slice(1, 0, 2) - 0.3;
  for (const bool self_term : {true, false}) {
    DenseCrfLossOptions options = Options(BilateralFilterMethod::kGrid);
    options.self_term = self_term;
    const LossAndGradient at_s = Evaluate(s, images, options);
    const double difference =
        DenseCrfLoss(s + d, images, options).item<double>() -
        DenseCrfLoss(s - d, images, options).item<double>();
    const double expected = 2 * (at_s.gradient * d).sum().item<double>();
    // float32 filters.
    EXPECT_NEAR(difference, expected,
                1e-5 * std::abs(at_s.loss.item<double>()));
    EXPECT_LE(at_s.loss.item<double>(), 0);
  }
}

TEST(DenseCrfLossTest, ABatchIsTheMeanOfItsImages) {
  const at::Tensor images = TestImages(3, 12, 10);
  const at::Tensor s = TestProbabilities(3, 2, 12, 10).to(at::kFloat);
  for (const BilateralFilterMethod method :
       {BilateralFilterMethod::kExact, BilateralFilterMethod::kGrid,
        BilateralFilterMethod::kLattice}) {
    const LossAndGradient all = Evaluate(s, images, Options(method));
    double sum = 0;
    for (int64_t n = 0; n < 3; ++n) {
      const LossAndGradient one = Evaluate(
          s.slice(0, n, n + 1), images.slice(0, n, n + 1), Options(method));
      sum += one.loss.item<double>();
      // The division by 3 rounds.
      EXPECT_THAT(all.gradient.slice(0, n, n + 1),
                  TensorNear(one.gradient / 3, 0, 2e-7));
    }
    EXPECT_NEAR(all.loss.item<double>(), sum / 3, 1e-6 * std::abs(sum));
  }
}

TEST(DenseCrfLossTest, IsTheSameForAnyNumberOfThreads) {
  const at::Tensor images = TestImages(5, 20, 20);
  const at::Tensor s = TestProbabilities(5, 2, 20, 20).to(at::kFloat);
  for (const BilateralFilterMethod method :
       {BilateralFilterMethod::kExact, BilateralFilterMethod::kGrid,
        BilateralFilterMethod::kLattice}) {
    DenseCrfLossOptions options = Options(method);
    options.num_threads = 1;
    const LossAndGradient one = Evaluate(s, images, options);
    for (const int num_threads : {0, 2, 3, 8}) {
      options.num_threads = num_threads;
      const LossAndGradient many = Evaluate(s, images, options);
      EXPECT_THAT(many.loss, TensorEq(one.loss));
      EXPECT_THAT(many.gradient, TensorEq(one.gradient));
    }
  }
}

TEST(DenseCrfLossTest, TakesAnyStridesAndImageDtypes) {
  const at::Tensor images = TestImages(2, 9, 11);
  const at::Tensor s = TestProbabilities(2, 2, 9, 11).to(at::kFloat);
  const LossAndGradient expected = Evaluate(s, images, {});
  const at::Tensor channels_last =
      s.permute({0, 2, 3, 1}).contiguous().permute({0, 3, 1, 2});
  ASSERT_FALSE(channels_last.is_contiguous());
  const at::Tensor images_last =
      images.permute({0, 3, 2, 1}).contiguous().permute({0, 3, 2, 1});
  const LossAndGradient actual = Evaluate(channels_last, images_last, {});
  EXPECT_THAT(actual.loss, TensorEq(expected.loss));
  EXPECT_THAT(actual.gradient.contiguous(), TensorEq(expected.gradient));
  for (const at::ScalarType dtype : {at::kDouble, at::kByte, at::kLong}) {
    EXPECT_THAT(DenseCrfLoss(s, images.to(dtype), {}), TensorEq(expected.loss));
  }
  // Expanded images, of stride zero.
  const at::Tensor one = images.slice(0, 0, 1);
  EXPECT_THAT(DenseCrfLoss(s, one.expand({2, 3, 9, 11}), {}),
              TensorEq(DenseCrfLoss(s, at::cat({one, one}), {})));
}

TEST(DenseCrfLossTest, LossAndGradientHaveTheDtypeOfTheProbabilities) {
  const at::Tensor images = TestImages(1, 8, 8);
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    for (const BilateralFilterMethod method :
         {BilateralFilterMethod::kExact, BilateralFilterMethod::kGrid}) {
      const LossAndGradient result = Evaluate(
          TestProbabilities(1, 2, 8, 8).to(dtype), images, Options(method));
      EXPECT_EQ(result.loss.scalar_type(), dtype);
      EXPECT_EQ(result.gradient.scalar_type(), dtype);
    }
  }
}

TEST(DenseCrfLossTest, WorksWithoutGradientsAndLeavesImagesAlone) {
  const at::Tensor images = TestImages(1, 8, 8).requires_grad_(true);
  const at::Tensor s = TestProbabilities(1, 2, 8, 8);
  EXPECT_FALSE(DenseCrfLoss(s, images, {}).requires_grad());
  const at::Tensor copy = s.clone();
  Evaluate(s, images, {});
  EXPECT_THAT(s, TensorEq(copy));
  EXPECT_FALSE(images.grad().defined());
}

TEST(DenseCrfLossTest, UpstreamGradientsScaleTheGradient) {
  const at::Tensor images = TestImages(1, 6, 6);
  const at::Tensor s = TestProbabilities(1, 2, 6, 6);
  const at::Tensor leaf = s.clone().requires_grad_(true);
  (DenseCrfLoss(leaf, images, {}) * 3).backward();
  EXPECT_THAT(leaf.grad(),
              TensorNear(Evaluate(s, images, {}).gradient * 3, 0, 1e-15));
}

TEST(DenseCrfLossTest, RefusesDoubleBackward) {
  const at::Tensor images = TestImages(1, 4, 4);
  const at::Tensor leaf = TestProbabilities(1, 2, 4, 4).requires_grad_(true);
  const at::Tensor loss = DenseCrfLoss(leaf, images, {});
  const at::Tensor gradient =
      torch::autograd::grad({loss}, {leaf}, /*grad_outputs=*/{},
                            /*retain_graph=*/true, /*create_graph=*/true)[0];
  EXPECT_THAT(ErrorOf([&] { gradient.sum().backward(); }),
              HasSubstr("DenseCrfLoss cannot be differentiated twice"));
}

// S^T W (1 - S) of the golden cases, and its gradient W 1 - 2 W S.
TEST(DenseCrfLossTest, DisagreementMatchesTheExactGoldenCases) {
  const nlohmann::json golden =
      ReadTestJson("vision/crf/testdata/exact_filter.json");
  for (const char* name : {"G2", "G3", "G4", "G5", "G6"}) {
    SCOPED_TRACE(name);
    const nlohmann::json& c = golden.at(name);
    const int64_t height = c.at("H");
    const int64_t width = c.at("W");
    const int64_t channels = c.at("K");
    const at::Tensor stream =
        at::tensor(GoldenStream({{"kind", "lcg"}, {"seed", c.at("seed")}},
                                (3 + channels) * height * width),
                   at::kDouble)
            .reshape({1, 3 + channels, height, width});
    const at::Tensor images = (stream.slice(1, 0, 3) * 256).floor();
    const at::Tensor u = stream.slice(1, 3);
    const at::Tensor maps = (u / u.sum(1, true)).to(at::kFloat).to(at::kDouble);
    DenseCrfLossOptions options =
        Options(BilateralFilterMethod::kExact, c.at("srgb"), c.at("sxy"));
    options.form = DenseCrfForm::kDisagreement;
    const LossAndGradient result = Evaluate(maps, images, options);
    // Its probabilities sum to one up to float32 only, the golden value takes
    // them as they are.
    EXPECT_NEAR(result.loss.item<double>(), c.at("E_SW1mS"),
                1e-9 * std::abs(c.at("AS_sum").get<double>()));
    for (int64_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(ToVector(result.gradient)[i], c.at("grad_SW1mS_first4")[i],
                  1e-9);
    }
  }
}

TEST(DenseCrfLossTest, GradientsOfAllFormsMatchFiniteDifferences) {
  const at::Tensor images = TestImages(2, 5, 6);
  at::Tensor regions = at::ones({2, 5, 6});
  regions[0][1] = 0;
  regions[1][2][3] = 0.5;
  for (const DenseCrfForm form :
       {DenseCrfForm::kAgreement, DenseCrfForm::kDisagreement}) {
    for (const DenseCrfReduction reduction :
         {DenseCrfReduction::kMean, DenseCrfReduction::kSum,
          DenseCrfReduction::kNone}) {
      for (const double scale : {1.0, 0.6}) {
        DenseCrfLossOptions options = Options(BilateralFilterMethod::kExact);
        options.form = form;
        options.reduction = reduction;
        options.scale = scale;
        options.self_term = scale == 1.0;
        // Independent probabilities: no form is a constant away from the other.
        EXPECT_THAT(CheckGradient(
                        [&](const at::Tensor& logits) {
                          return (DenseCrfLoss(logits.sigmoid(), images,
                                               options, regions) *
                                  at::arange(1, 3, at::kDouble))
                              .sum();
                        },
                        TestProbabilities(2, 3, 5, 6)),
                    IsOk());
      }
    }
  }
}

TEST(DenseCrfLossTest, FormsDifferByAConstantBehindASoftmax) {
  const at::Tensor images = TestImages(2, 30, 28);
  for (const BilateralFilterMethod method :
       {BilateralFilterMethod::kExact, BilateralFilterMethod::kGrid}) {
    DenseCrfLossOptions options = Options(method);
    const auto gradient = [&](DenseCrfForm form) {
      options.form = form;
      const at::Tensor logits =
          (TestProbabilities(2, 2, 30, 28) * 4).requires_grad_(true);
      const at::Tensor loss = DenseCrfLoss(logits.softmax(1), images, options);
      EXPECT_EQ(loss.item<double>() > 0, form == DenseCrfForm::kDisagreement);
      loss.backward();
      return logits.grad();
    };
    const at::Tensor agreement = gradient(DenseCrfForm::kAgreement);
    EXPECT_THAT(
        gradient(DenseCrfForm::kDisagreement),
        TensorNear(agreement, 2e-5 * agreement.abs().max().item<double>()));
  }
}

TEST(DenseCrfLossTest, ReductionsAreThoseOfTheSingleImages) {
  const at::Tensor images = TestImages(3, 12, 10);
  const at::Tensor s = TestProbabilities(3, 2, 12, 10).to(at::kFloat);
  DenseCrfLossOptions options = Options(BilateralFilterMethod::kGrid);
  options.reduction = DenseCrfReduction::kNone;
  const at::Tensor leaf = s.clone().requires_grad_(true);
  const at::Tensor each = DenseCrfLoss(leaf, images, options);
  ASSERT_EQ(each.sizes(), at::IntArrayRef({3}));
  (each * at::tensor({1.0f, 0.0f, -3.0f})).sum().backward();
  for (int64_t n = 0; n < 3; ++n) {
    options.reduction = DenseCrfReduction::kMean;
    const LossAndGradient one =
        Evaluate(s.slice(0, n, n + 1), images.slice(0, n, n + 1), options);
    EXPECT_THAT(each[n], TensorEq(one.loss));
    const double factor = n == 0 ? 1 : n == 1 ? 0 : -3;
    EXPECT_THAT(leaf.grad().slice(0, n, n + 1),
                TensorNear(one.gradient * factor, 0, 1e-6));
  }
  options.reduction = DenseCrfReduction::kSum;
  const LossAndGradient sum = Evaluate(s, images, options);
  options.reduction = DenseCrfReduction::kMean;
  const LossAndGradient mean = Evaluate(s, images, options);
  EXPECT_THAT(sum.loss, TensorNear(mean.loss * 3, 0, 1e-6));
  EXPECT_THAT(sum.gradient, TensorNear(mean.gradient * 3, 0, 1e-6));
}

TEST(DenseCrfLossTest, RegionsMaskProbabilitiesAndGradients) {
  const at::Tensor images = TestImages(2, 12, 10);
  const at::Tensor s = TestProbabilities(2, 2, 12, 10);
  at::Tensor regions = at::ones({2, 1, 12, 10}, at::kBool);
  regions.slice(2, 3, 7) = false;
  const at::Tensor mask = regions.to(at::kDouble);
  for (const DenseCrfForm form :
       {DenseCrfForm::kAgreement, DenseCrfForm::kDisagreement}) {
    DenseCrfLossOptions options = Options(BilateralFilterMethod::kExact);
    options.form = form;
    const at::Tensor leaf = s.clone().requires_grad_(true);
    const at::Tensor loss = DenseCrfLoss(leaf, images, options, regions);
    loss.backward();
    EXPECT_EQ((leaf.grad() * (1 - mask)).abs().max().item<double>(), 0);
    EXPECT_GT((leaf.grad() * mask).abs().min().item<double>() +
                  (1 - mask).max().item<double>(),
              0);
    // What is outside does not matter.
    at::Tensor other = s.clone();
    other.slice(2, 3, 7) = 0.25;
    EXPECT_THAT(DenseCrfLoss(other, images, options, regions),
                TensorEq(loss.detach()));
    // Nor does it change anything to have everything inside.
    EXPECT_THAT(DenseCrfLoss(s, images, options, at::ones({2, 12, 10})),
                TensorEq(DenseCrfLoss(s, images, options)));
  }
  // Nothing inside.
  const at::Tensor leaf = s.clone().requires_grad_(true);
  const at::Tensor loss =
      DenseCrfLoss(leaf, images, {}, at::zeros({2, 12, 10}, at::kLong));
  loss.backward();
  EXPECT_EQ(loss.item<double>(), 0);
  EXPECT_EQ(leaf.grad().abs().max().item<double>(), 0);
}

TEST(DenseCrfLossTest, RejectsBadRegions) {
  const at::Tensor images = TestImages(2, 4, 5);
  const at::Tensor s = TestProbabilities(2, 2, 4, 5);
  const auto error = [&](const at::Tensor& regions) {
    return ErrorOf([&] { DenseCrfLoss(s, images, {}, regions); });
  };
  EXPECT_THAT(error(at::ones({2, 2, 4, 5})),
              HasSubstr("expected regions [2, 4, 5] (or with a channel) to go "
                        "with probabilities [2, 2, 4, 5], got [2, 2, 4, 5]"));
  EXPECT_THAT(error(at::ones({2, 4, 4})), HasSubstr("got [2, 4, 4]"));
  EXPECT_THAT(error(at::ones({2, 4, 5}, at::kComplexFloat)),
              HasSubstr("regions of real numbers or bool"));
  at::Tensor bad = at::ones({2, 4, 5});
  bad[1][2][3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(error(bad), HasSubstr("expected finite regions, got 1 values"));
}

TEST(DenseCrfLossTest, MoreThreadsThanImagesChangeNothing) {
  const at::Tensor images = TestImages(1, 70, 66);
  for (const int channels : {2, 5}) {
    const at::Tensor s = TestProbabilities(1, channels, 70, 66).to(at::kFloat);
    for (const double sigma_xy : {100.0, 12.0}) {
      DenseCrfLossOptions options =
          Options(BilateralFilterMethod::kGrid, 15, sigma_xy);
      options.num_threads = 1;
      const LossAndGradient one = Evaluate(s, images, options);
      for (const int num_threads : {2, 4}) {
        options.num_threads = num_threads;
        const LossAndGradient many = Evaluate(s, images, options);
        EXPECT_THAT(many.loss, TensorEq(one.loss));
        EXPECT_THAT(many.gradient, TensorEq(one.gradient));
      }
    }
  }
}

// The published layer lowers OpenMP's thread count for good.
TEST(DenseCrfLossTest, LeavesLibTorchsThreadCountAlone) {
  const int before = at::get_num_threads();
  DenseCrfLossOptions options;
  options.num_threads = 3;
  DenseCrfLoss(TestProbabilities(1, 2, 8, 8), TestImages(1, 8, 8), options);
  EXPECT_EQ(at::get_num_threads(), before);
}

TEST(DenseCrfLossTest, RejectsBadTensors) {
  const at::Tensor images = TestImages(2, 4, 5);
  const at::Tensor s = TestProbabilities(2, 2, 4, 5);
  const auto error = [](const at::Tensor& probabilities,
                        const at::Tensor& rgb) {
    return ErrorOf([&] { DenseCrfLoss(probabilities, rgb, {}); });
  };
  EXPECT_THAT(error(at::Tensor(), images), HasSubstr("got an undefined one"));
  EXPECT_THAT(error(s[0], images),
              HasSubstr("expected probabilities [N, K, H, W], got [2, 4, 5]"));
  EXPECT_THAT(error(s, images.slice(1, 0, 2)),
              HasSubstr("expected images [2, 3, 4, 5] to go with probabilities "
                        "[2, 2, 4, 5], got [2, 2, 4, 5]"));
  EXPECT_THAT(error(s, images.slice(0, 0, 1)), HasSubstr("got [1, 3, 4, 5]"));
  EXPECT_THAT(error(s, images.slice(2, 0, 3)), HasSubstr("got [2, 3, 3, 5]"));
  EXPECT_THAT(error(s.slice(0, 0, 0), images.slice(0, 0, 0)),
              HasSubstr("at least one image, channel and pixel"));
  EXPECT_THAT(error(s.to(at::kHalf), images),
              HasSubstr("float32 or float64 probabilities, got Half"));
  EXPECT_THAT(error(s, images.to(at::kComplexFloat)),
              HasSubstr("images of real numbers"));
}

TEST(DenseCrfLossTest, RejectsNonFiniteValuesNamingTheImage) {
  const at::Tensor images = TestImages(2, 4, 5);
  const at::Tensor s = TestProbabilities(2, 2, 4, 5);
  at::Tensor bad_images = images.clone();
  bad_images[1][2][0][3] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(ErrorOf([&] { DenseCrfLoss(s, bad_images, {}); }),
              HasSubstr("image 1 of the batch: The image's colours must be "
                        "finite, got inf in channel 2, row 0, column 3"));
  at::Tensor bad_maps = s.clone();
  bad_maps[1][0][3][4] = std::numeric_limits<double>::quiet_NaN();
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    EXPECT_THAT(
        ErrorOf([&] { DenseCrfLoss(bad_maps.to(dtype), images, {}); }),
        HasSubstr("image 1 of the batch: The maps to filter must be finite"));
  }
}

TEST(DenseCrfLossTest, RejectsBadOptions) {
  DenseCrfLossOptions options;
  EXPECT_THAT(options.Validate(), IsOk());
  for (const double bad :
       {0.0, -1.0, 8.5, std::numeric_limits<double>::quiet_NaN()}) {
    options.scale = bad;
    EXPECT_THAT(options.Validate(),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("scale must be positive and at most 8")));
  }
  options = DenseCrfLossOptions();
  options.num_threads = -1;
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("num_threads must be at least 0, got -1")));
  options = DenseCrfLossOptions();
  options.filter.sigma_rgb = 0;
  EXPECT_THAT(ErrorOf([&] {
                DenseCrfLoss(TestProbabilities(1, 2, 4, 4), TestImages(1, 4, 4),
                             options);
              }),
              HasSubstr("sigma_rgb must be finite and positive, got 0"));
  options = DenseCrfLossOptions();
  options.scale = 0.2;
  EXPECT_THAT(ErrorOf([&] {
                DenseCrfLoss(TestProbabilities(1, 2, 4, 4), TestImages(1, 4, 4),
                             options);
              }),
              HasSubstr("scale 0.2 leaves no pixel of images [1, 3, 4, 4]"));
}

}  // namespace
}  // namespace vision
