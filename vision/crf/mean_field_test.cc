#include "vision/crf/mean_field.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/crf/for_each_target.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

using ::testing::Each;
using ::testing::FloatNear;
using ::testing::GoldenStream;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::ReadTestJson;
using ::testing::StatusIs;

constexpr MeanFieldNormalization kNormalizations[] = {
    MeanFieldNormalization::kNone, MeanFieldNormalization::kBefore,
    MeanFieldNormalization::kAfter, MeanFieldNormalization::kSymmetric};

struct Outcome {
  std::vector<float> probabilities;
  MeanFieldReport report;
};

Outcome Infer(const std::vector<float>& image, int height, int width,
              const std::vector<float>& unary,
              const MeanFieldOptions& options) {
  const auto crf = MeanField::Create(image.data(), height, width, options);
  EXPECT_THAT(crf, IsOk());
  Outcome outcome;
  outcome.probabilities.resize(unary.size());
  auto report = (*crf)->Run(unary.data(),
                            static_cast<int>(unary.size() / (image.size() / 3)),
                            outcome.probabilities.data());
  EXPECT_THAT(report, IsOk());
  outcome.report = *report;
  return outcome;
}

// The iteration as it is defined, in float64.
std::vector<double> ReferenceMeanField(const std::vector<float>& image,
                                       int height, int width,
                                       const std::vector<float>& unary,
                                       const MeanFieldOptions& options) {
  const size_t size = static_cast<size_t>(height) * width;
  const size_t labels = unary.size() / size;
  const auto softmax = [&](const std::vector<double>& costs) {
    std::vector<double> q(costs.size());
    for (size_t i = 0; i < size; ++i) {
      double least = costs[i];
      for (size_t k = 1; k < labels; ++k) {
        least = std::min(least, costs[k * size + i]);
      }
      double sum = 0;
      for (size_t k = 0; k < labels; ++k) {
        sum += q[k * size + i] = std::exp(least - costs[k * size + i]);
      }
      for (size_t k = 0; k < labels; ++k) q[k * size + i] /= sum;
    }
    return q;
  };
  std::vector<double> q =
      softmax(std::vector<double>(unary.begin(), unary.end()));
  // Both kernels, normalised, in one matrix.
  std::vector<double> matrix(size * size, 0.0);
  for (int kernel = 0; kernel < 2; ++kernel) {
    const double weight =
        kernel == 0 ? options.gaussian_weight : options.bilateral_weight;
    const double sigma_xy = kernel == 0 ? options.gaussian_sigma_pixels
                                        : options.bilateral.sigma_xy_pixels;
    std::vector<double> a(size * size);
    std::vector<double> sums(size, 0.0);
    for (size_t i = 0; i < size; ++i) {
      for (size_t j = 0; j < size; ++j) {
        const double dx = static_cast<double>(i % width) - j % width;
        const double dy = static_cast<double>(i / width) - j / width;
        double d = (dx * dx + dy * dy) / (sigma_xy * sigma_xy);
        for (size_t c = 0; kernel == 1 && c < 3; ++c) {
          const double e =
              static_cast<double>(image[c * size + i]) - image[c * size + j];
          d += e * e /
               (options.bilateral.sigma_rgb * options.bilateral.sigma_rgb);
        }
        a[i * size + j] = i == j && !options.self_term ? 0 : std::exp(-0.5 * d);
        sums[i] += a[i * size + j];
      }
    }
    for (size_t i = 0; i < size; ++i) {
      for (size_t j = 0; j < size; ++j) {
        double factor = weight;
        switch (options.normalization) {
          case MeanFieldNormalization::kNone:
            break;
          case MeanFieldNormalization::kBefore:
            factor /= sums[j];
            break;
          case MeanFieldNormalization::kAfter:
            factor /= sums[i];
            break;
          case MeanFieldNormalization::kSymmetric:
            factor /= std::sqrt(sums[i] * sums[j]);
        }
        matrix[i * size + j] += factor * a[i * size + j];
      }
    }
  }
  std::vector<double> mu(labels * labels, 0.0);
  for (size_t k = 0; k < labels; ++k) {
    if (options.compatibility.size() == labels * labels) {
      mu = options.compatibility;
      break;
    }
    mu[k * labels + k] =
        options.compatibility.empty() ? -1 : -options.compatibility[k];
  }
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    std::vector<double> costs(unary.begin(), unary.end());
    std::vector<double> messages(labels);
    for (size_t i = 0; i < size; ++i) {
      for (size_t k = 0; k < labels; ++k) {
        messages[k] = 0;
        for (size_t j = 0; j < size; ++j) {
          messages[k] += matrix[i * size + j] * q[k * size + j];
        }
      }
      for (size_t k = 0; k < labels; ++k) {
        for (size_t l = 0; l < labels; ++l) {
          costs[k * size + i] += mu[k * labels + l] * messages[l];
        }
      }
    }
    q = softmax(costs);
  }
  return q;
}

// Root of the mean squared error.
double Rmse(const std::vector<float>& actual,
            const std::vector<double>& expected) {
  double sum = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    sum += (actual[i] - expected[i]) * (actual[i] - expected[i]);
  }
  return std::sqrt(sum / static_cast<double>(actual.size()));
}

// Share of the pixels with another most probable label.
double ArgmaxDifference(const std::vector<float>& actual,
                        const std::vector<double>& expected, size_t size) {
  const size_t labels = actual.size() / size;
  size_t differences = 0;
  for (size_t i = 0; i < size; ++i) {
    size_t a = 0;
    size_t b = 0;
    for (size_t k = 1; k < labels; ++k) {
      if (actual[k * size + i] > actual[a * size + i]) a = k;
      if (expected[k * size + i] > expected[b * size + i]) b = k;
    }
    differences += a != b ? 1 : 0;
  }
  return static_cast<double>(differences) / static_cast<double>(size);
}

TEST(MeanFieldTest, MatchesTheGoldenCases) {
  const nlohmann::json golden =
      ReadTestJson("vision/crf/testdata/mean_field.json");
  for (const char* name : {"M1", "M2", "M3", "M4"}) {
    SCOPED_TRACE(name);
    const nlohmann::json& c = golden.at(name);
    const int height = c.at("H");
    const int width = c.at("W");
    const size_t labels = c.at("K");
    const size_t size = static_cast<size_t>(height) * width;
    // As in bilateral_filter_test.cc.
    const std::vector<double> stream =
        GoldenStream({{"kind", "lcg"}, {"seed", c.at("seed")}},
                     static_cast<int64_t>((3 + labels) * size));
    std::vector<float> image, maps;
    for (size_t i = 0; i < 3 * size; ++i) {
      image.push_back(static_cast<float>(std::floor(stream[i] * 256)));
    }
    for (size_t i = 3 * size; i < stream.size(); ++i) {
      double sum = 0;
      for (size_t k = 0; k < labels; ++k) {
        sum += stream[3 * size + k * size + i % size];
      }
      maps.push_back(static_cast<float>(stream[i] / sum));
    }
    MeanFieldOptions options;
    options.gaussian_sigma_pixels = c.at("sg");
    options.gaussian_weight = c.at("wg");
    options.bilateral.sigma_xy_pixels = c.at("sxy");
    options.bilateral.sigma_rgb = c.at("srgb");
    options.bilateral_weight = c.at("wb");
    const std::string normalization = c.at("norm");
    options.normalization = *ParseMeanFieldNormalization(
        normalization == "sym" ? "symmetric" : normalization);
    options.self_term = c.at("self_term");
    const std::vector<float> unary = UnaryFromProbabilities(maps);
    const auto expect_first = [&](const std::vector<float>& q,
                                  const nlohmann::json& expected) {
      for (size_t k = 0; k < labels; ++k) {
        for (size_t i = 0; i < 4; ++i) {
          EXPECT_NEAR(q[k * size + i], expected[k * 4 + i], 2e-5);
        }
      }
    };
    options.iterations = 1;
    expect_first(Infer(image, height, width, unary, options).probabilities,
                 c.at("Q1"));
    const int iterations = c.at("iters");
    options.iterations = iterations;
    const std::vector<float> q =
        Infer(image, height, width, unary, options).probabilities;
    expect_first(q, c.at("Qend"));
    double sum = 0;
    int count = 0;
    for (size_t i = 0; i < size; ++i) {
      sum += q[i];
      bool is_largest = true;
      for (size_t k = 1; k < labels; ++k) {
        is_largest &= q[i] > q[k * size + i];
      }
      count += is_largest ? 1 : 0;
    }
    EXPECT_NEAR(sum, c.at("Qend_rowsum0"), 1e-4);
    EXPECT_EQ(count, c.at("argmax_count0").get<int>());
    // The golden divergence counts pairs twice.
    options.iterations = iterations + 1;
    options.compute_energy = true;
    const MeanFieldIteration last =
        Infer(image, height, width, unary, options).report.iterations.back();
    EXPECT_NEAR(last.FreeEnergy() + last.pairwise_energy, c.at("kl"),
                1e-4 * std::abs(c.at("kl").get<double>()));
  }
}

TEST(MeanFieldTest, FollowsItsDefinitionForAllOptions) {
  constexpr int kHeight = 9;
  constexpr int kWidth = 13;
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, kHeight, kWidth, 1);
  const std::vector<float> unary =
      UnaryFromProbabilities(MakeTestMaps(3, kHeight, kWidth, 2));
  for (const MeanFieldNormalization normalization : kNormalizations) {
    for (const bool self_term : {true, false}) {
      for (const std::vector<double>& compatibility :
           {std::vector<double>{}, std::vector<double>{1, 0.5, -0.25},
            std::vector<double>{-1, 0.5, 0, 0.5, -0.5, 0.25, 0, 0.25, -2}}) {
        MeanFieldOptions options;
        options.normalization = normalization;
        options.self_term = self_term;
        options.compatibility = compatibility;
        options.gaussian_sigma_pixels = 1.5;
        options.gaussian_weight = 0.7;
        options.bilateral_weight = 0.6;
        options.iterations = 3;
        EXPECT_LE(
            Rmse(Infer(image, kHeight, kWidth, unary, options).probabilities,
                 ReferenceMeanField(image, kHeight, kWidth, unary, options)),
            1e-5)
            << MeanFieldNormalizationName(normalization) << " " << self_term
            << " " << compatibility.size();
      }
    }
  }
}

// What the grid's approximation costs.
TEST(MeanFieldTest, TheGridIsCloseToExactInference) {
  constexpr int kSize = 40;
  for (const TestImage kind :
       {TestImage::kNatural, TestImage::kTextured, TestImage::kNoise}) {
    for (const int labels : {2, 5}) {
      const std::vector<float> image = MakeTestImage(kind, kSize, kSize, 1);
      const std::vector<float> unary =
          UnaryFromProbabilities(MakeTestMaps(labels, kSize, kSize, 2));
      MeanFieldOptions options;
      options.bilateral.method = BilateralFilterMethod::kGrid;
      const std::vector<double> expected =
          ReferenceMeanField(image, kSize, kSize, unary, options);
      for (const BilateralFilterAccuracy accuracy :
           {BilateralFilterAccuracy::kDefault,
            BilateralFilterAccuracy::kAccurate}) {
        SCOPED_TRACE(::testing::Message()
                     << static_cast<int>(kind) << ", " << labels << ", "
                     << static_cast<int>(accuracy));
        options.bilateral.accuracy = accuracy;
        const std::vector<float> q =
            Infer(image, kSize, kSize, unary, options).probabilities;
        if (labels == 2) {  // A disc with soft edges.
          EXPECT_LE(Rmse(q, expected), 2e-3);
          EXPECT_LE(ArgmaxDifference(q, expected, kSize * kSize), 1e-3);
          continue;
        }
        // Five labels, costs of each pixel drawn for itself: many are nearly
        // undecided.
        const bool accurate = accuracy == BilateralFilterAccuracy::kAccurate;
        if (kind == TestImage::kNoise) {
          EXPECT_LE(Rmse(q, expected), accurate ? 1e-2 : 2e-2);
        } else {
          EXPECT_LE(Rmse(q, expected), accurate ? 2.5e-3 : 5e-3);
        }
        EXPECT_LE(ArgmaxDifference(q, expected, kSize * kSize), 1e-2);
      }
    }
  }
}

TEST(MeanFieldTest, ProbabilitiesSumToOne) {
  for (const int labels : {2, 3, 33}) {
    const std::vector<float> image =
        MakeTestImage(TestImage::kNatural, 15, 17, 1);
    std::vector<float> unary =
        UnaryFromProbabilities(MakeTestMaps(labels, 15, 17, 2));
    for (float& cost : unary) cost *= 100;  // Saturated.
    const std::vector<float> q =
        Infer(image, 15, 17, unary, MeanFieldOptions()).probabilities;
    std::vector<float> sums(15 * 17, 0.0f);
    for (size_t i = 0; i < q.size(); ++i) {
      EXPECT_GE(q[i], 0);
      sums[i % sums.size()] += q[i];
    }
    EXPECT_THAT(sums, Each(FloatNear(1, 1e-5)));
  }
}

TEST(MeanFieldTest, WithoutKernelsItIsTheSoftmaxOfTheUnaryCosts) {
  // Costs 0 and log 3: probabilities 3/4 and 1/4.
  const std::vector<float> image = {1, 2, 3, 4, 5, 6};
  const float log3 = std::log(3.0f);
  MeanFieldOptions options;
  options.gaussian_weight = options.bilateral_weight = 0;
  options.tolerance = 1e-6;
  const Outcome outcome = Infer(image, 1, 2, {0, log3, log3, 0}, options);
  EXPECT_NEAR(outcome.probabilities[0], 0.75, 1e-6);
  EXPECT_NEAR(outcome.probabilities[1], 0.25, 1e-6);
  EXPECT_TRUE(outcome.report.converged);
  EXPECT_EQ(outcome.report.iterations.size(), 1u);
}

TEST(MeanFieldTest, EdgesOfTheImageBecomeEdgesOfTheMap) {
  // A noisy map of an image of two halves: each becomes of one label.
  constexpr int kHeight = 20;
  constexpr int kWidth = 30;
  std::vector<float> image(3 * kHeight * kWidth);
  std::vector<float> maps(2 * kHeight * kWidth);
  for (size_t i = 0; i < image.size(); ++i) {
    image[i] = i % kWidth < 12 ? 40.0f : 200.0f;
  }
  for (size_t i = 0; i < kHeight * kWidth; ++i) {
    const float noise = i * 7 % 10 < 3 ? -0.4f : 0.3f;
    maps[i] = i % kWidth < 12 ? 0.5f + noise : 0.5f - noise;
    maps[kHeight * kWidth + i] = 1 - maps[i];
  }
  const std::vector<float> q =
      Infer(image, kHeight, kWidth, UnaryFromProbabilities(maps),
            MeanFieldOptions())
          .probabilities;
  for (size_t i = 0; i < kHeight * kWidth; ++i) {
    EXPECT_NEAR(q[i], i % kWidth < 12 ? 1 : 0, 1e-2) << i;
  }
}

TEST(MeanFieldTest, ReportsConvergenceAndEnergies) {
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, 20, 20, 1);
  const std::vector<float> unary =
      UnaryFromProbabilities(MakeTestMaps(2, 20, 20, 2));
  MeanFieldOptions options;
  options.gaussian_weight = 0.2;
  options.bilateral_weight = 0.3;
  options.iterations = 100;
  options.tolerance = 1e-5;
  options.compute_energy = true;
  const MeanFieldReport report = Infer(image, 20, 20, unary, options).report;
  EXPECT_TRUE(report.converged);
  ASSERT_GT(report.iterations.size(), 2u);
  ASSERT_LT(report.iterations.size(), 100u);
  for (size_t i = 1; i < report.iterations.size(); ++i) {
    // Weak kernels: each iteration is a step down.
    EXPECT_LE(report.iterations[i].FreeEnergy(),
              report.iterations[i - 1].FreeEnergy() + 1e-3);
  }
  EXPECT_LE(report.iterations.back().max_change, 1e-5);
  EXPECT_GT(report.iterations.front().max_change, 1e-5);
  options.compute_energy = false;
  options.tolerance = 0;
  options.iterations = 3;
  const MeanFieldReport plain = Infer(image, 20, 20, unary, options).report;
  EXPECT_FALSE(plain.converged);
  EXPECT_EQ(plain.iterations.size(), 3u);
  EXPECT_EQ(plain.iterations[0].FreeEnergy(), 0);
}

TEST(MeanFieldTest, ResultsDoNotDependOnThreadsOrEarlierImages) {
  const std::vector<float> unary =
      UnaryFromProbabilities(MakeTestMaps(4, 70, 66, 2));
  const std::vector<float> image =
      MakeTestImage(TestImage::kTextured, 70, 66, 1);
  for (const BilateralFilterMethod method :
       {BilateralFilterMethod::kExact, BilateralFilterMethod::kGrid,
        BilateralFilterMethod::kLattice}) {
    MeanFieldOptions options;
    options.bilateral.method = method;
    options.iterations = 2;
    const std::vector<float> expected =
        Infer(image, 70, 66, unary, options).probabilities;
    options.num_threads = 3;
    EXPECT_EQ(Infer(image, 70, 66, unary, options).probabilities, expected);

    const auto crf = MeanField::Create(
        MakeTestImage(TestImage::kNoise, 70, 66, 5).data(), 70, 66, options);
    ASSERT_THAT(crf, IsOk());
    std::vector<float> q(unary.size());
    ASSERT_THAT((*crf)->Run(unary.data(), 4, q.data()), IsOk());
    ASSERT_THAT((*crf)->SetImage(image.data(), 7, 66), IsOk());
    ASSERT_THAT((*crf)->SetImage(image.data(), 70, 66), IsOk());
    ASSERT_THAT((*crf)->Run(unary.data(), 4, q.data()), IsOk());
    EXPECT_EQ(q, expected);
    EXPECT_GT((*crf)->bytes(), 0u);
  }
}

TEST(MeanFieldTest, HoldsOnEveryInstructionSet) {
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, 11, 21, 1);
  const std::vector<float> unary =
      UnaryFromProbabilities(MakeTestMaps(3, 11, 21, 2));
  const MeanFieldOptions options;
  const std::vector<double> expected =
      ReferenceMeanField(image, 11, 21, unary, options);
  ForEachTarget([&](absl::string_view name) {
    EXPECT_LE(
        Rmse(Infer(image, 11, 21, unary, options).probabilities, expected),
        1e-4)
        << std::string(name);
  });
}

TEST(MeanFieldTest, HandlesThinImages) {
  for (const int height : {1, 2, 3, 17}) {
    for (const int width : {1, 2, 15, 17}) {
      const std::vector<float> image =
          MakeTestImage(TestImage::kNatural, height, width, 1);
      const std::vector<float> unary =
          UnaryFromProbabilities(MakeTestMaps(2, height, width, 2));
      MeanFieldOptions options;
      options.bilateral_weight = 1;
      EXPECT_LE(Rmse(Infer(image, height, width, unary, options).probabilities,
                     ReferenceMeanField(image, height, width, unary, options)),
                1e-4)
          << height << " x " << width;
    }
  }
}

TEST(MeanFieldTest, RejectsBadInput) {
  const std::vector<float> image = MakeTestImage(TestImage::kNatural, 4, 5, 1);
  auto crf = MeanField::Create(image.data(), 4, 5, MeanFieldOptions());
  ASSERT_THAT(crf, IsOk());
  std::vector<float> unary(40, 1.0f);
  std::vector<float> q(40);
  EXPECT_THAT((*crf)->Run(unary.data(), 1, q.data()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("at least two labels, got 1")));
  unary[20 + 7] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT((*crf)->Run(unary.data(), 2, q.data()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must be finite, got nan for label 1, row 1, "
                                 "column 2")));
  std::vector<float> bad = image;
  bad[0] = std::numeric_limits<float>::infinity();
  EXPECT_THAT((*crf)->SetImage(bad.data(), 4, 5),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("colours must be finite")));
  EXPECT_THAT((*crf)->Run(unary.data(), 2, q.data()),
              StatusIs(absl::StatusCode::kFailedPrecondition));

  MeanFieldOptions options;
  options.compatibility = {1, 2, 3};
  crf = MeanField::Create(image.data(), 4, 5, options);
  ASSERT_THAT(crf, IsOk());
  EXPECT_THAT((*crf)->Run(q.data(), 2, q.data()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no, 2 or 4 values for 2 labels, got 3")));
  options.compatibility = {0, 1, 2, 0};
  crf = MeanField::Create(image.data(), 4, 5, options);
  ASSERT_THAT(crf, IsOk());
  EXPECT_THAT((*crf)->Run(q.data(), 2, q.data()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("symmetric, got 2 for labels 1 and 0 but 1")));
}

TEST(MeanFieldOptionsTest, RejectsBadOptions) {
  EXPECT_THAT(MeanFieldOptions().Validate(), IsOk());
  const auto expect_rejected = [](auto set, const char* message) {
    MeanFieldOptions options;
    set(&options);
    EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr(message)));
  };
  expect_rejected([](auto* o) { o->gaussian_weight = -1; },
                  "gaussian_weight must be finite and at least 0, got -1");
  expect_rejected([](auto* o) { o->bilateral_weight = std::nan(""); },
                  "bilateral_weight must be finite and at least 0, got nan");
  expect_rejected([](auto* o) { o->gaussian_sigma_pixels = 0; },
                  "gaussian_sigma_pixels must be finite and positive, got 0");
  expect_rejected([](auto* o) { o->bilateral.sigma_rgb = -3; },
                  "sigma_rgb must be finite and positive, got -3");
  expect_rejected([](auto* o) { o->iterations = 0; },
                  "iterations must be at least 1, got 0");
  expect_rejected([](auto* o) { o->tolerance = -0.5; },
                  "tolerance must be finite and at least 0, got -0.5");
  expect_rejected([](auto* o) { o->num_threads = 0; },
                  "num_threads must be at least 1, got 0");
  expect_rejected([](auto* o) { o->compatibility = {std::nan("")}; },
                  "compatibility must be finite, got nan");
}

TEST(MeanFieldNormalizationTest, NamesRoundTrip) {
  for (const MeanFieldNormalization value : kNormalizations) {
    EXPECT_THAT(ParseMeanFieldNormalization(MeanFieldNormalizationName(value)),
                IsOkAndHolds(value));
  }
  EXPECT_THAT(ParseMeanFieldNormalization("sym"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("none, before, after or symmetric, got "
                                 "\"sym\"")));
}

TEST(UnaryTest, FromProbabilitiesIsTheNegativeLogarithm) {
  const std::vector<float> unary =
      UnaryFromProbabilities(std::vector<float>{1, 0.5f, 0, -1});
  EXPECT_NEAR(unary[0], 0, 1e-7);
  EXPECT_NEAR(unary[1], std::log(2), 1e-6);
  EXPECT_NEAR(unary[2], -std::log(1e-5), 1e-5);
  EXPECT_EQ(unary[3], unary[2]);
}

TEST(UnaryTest, FromLabelsSharesTheRest) {
  // Certainty 0.7 of three labels: 0.7, 0.15 and 0.15; a third if not known.
  const auto unary = UnaryFromLabels(std::vector<int32_t>{2, -1}, 3, 0.7);
  ASSERT_THAT(unary, IsOk());
  const std::vector<double> expected = {0.15,   1 / 3., 0.15,
                                        1 / 3., 0.7,    1 / 3.};
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR((*unary)[i], -std::log(expected[i]), 1e-6);
  }
  EXPECT_THAT(UnaryFromLabels(std::vector<int32_t>{0, 3}, 3, 0.7),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("below 3, got 3 at pixel 1")));
  EXPECT_THAT(UnaryFromLabels({}, 1, 0.7),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("at least 2, got 1")));
  EXPECT_THAT(UnaryFromLabels({}, 2, 1),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("between 0 and 1, got 1")));
}

}  // namespace
}  // namespace vision
