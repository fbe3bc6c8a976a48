#include "wsol/baselines/cut_mix.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"

namespace wsol {
namespace {

using ::testing::TensorEq;
using ::vision::Box;

TEST(CutMixBoxTest, HasTheAreaOfOneMinusLambda) {
  // sqrt(1 - 0.75) = 1/2: 4 x 2 pixels of 8 x 4, from (4 - 2, 2 - 1) on.
  EXPECT_EQ(CutMixBox(0.75, 4, 2, /*height=*/4, /*width=*/8),
            (Box{2, 1, 6, 3}));
  EXPECT_TRUE(CutMixBox(1, 3, 3, 8, 8).IsEmpty());
  EXPECT_EQ(CutMixBox(0, 4, 4, 8, 8), (Box{0, 0, 8, 8}));
}

TEST(CutMixBoxTest, IsCutAtTheBorder) {
  EXPECT_EQ(CutMixBox(0.75, 0, 0, 8, 8), (Box{0, 0, 2, 2}));
  EXPECT_EQ(CutMixBox(0.75, 7, 7, 8, 8), (Box{5, 5, 8, 8}));
}

TEST(SampleSymmetricBetaTest, HasTheMomentsOfBeta) {
  // Mean 1/2, variance 1 / (4 (2 beta + 1)).
  for (const double beta : {0.2, 0.5, 1.0, 2.0, 8.0}) {
    vision::Rng rng(3);
    constexpr int kDraws = 20000;
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double x = SampleSymmetricBeta(beta, rng);
      ASSERT_GE(x, 0);
      ASSERT_LE(x, 1);
      sum += x;
      squares += (x - 0.5) * (x - 0.5);
    }
    // Deviations of the means: at most .5 / sqrt(20000) = .0036, and .0018.
    EXPECT_NEAR(sum / kDraws, 0.5, 0.015) << beta;
    EXPECT_NEAR(squares / kDraws, 1 / (4 * (2 * beta + 1)), 0.008) << beta;
  }
}

TEST(DrawCutMixTest, LambdaIsTheShareOfPixelsThatStay) {
  for (int64_t batch = 0; batch < 50; ++batch) {
    const CutMixDraw draw = DrawCutMix({1, 1, 0}, 1, batch, 6, 10, 7);
    EXPECT_EQ(draw.lambda, 1 - static_cast<double>(draw.box.Area()) / 70.0);
    std::vector<int64_t> sorted = draw.partners;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  }
}

TEST(DrawCutMixTest, IsAFunctionOfSeedEpochAndBatch) {
  const CutMixOptions options = {1, 1, 5};
  const CutMixDraw draw = DrawCutMix(options, 2, 3, 8, 64, 64);
  const CutMixDraw same = DrawCutMix(options, 2, 3, 8, 64, 64);
  EXPECT_EQ(draw.box, same.box);
  EXPECT_EQ(draw.partners, same.partners);
  EXPECT_NE(draw.box, DrawCutMix(options, 2, 4, 8, 64, 64).box);
  EXPECT_NE(draw.box, DrawCutMix(options, 3, 3, 8, 64, 64).box);
  EXPECT_NE(draw.box, DrawCutMix({1, 1, 6}, 2, 3, 8, 64, 64).box);
}

TEST(DrawCutMixTest, MixesTheAskedShareOfBatches) {
  int mixed = 0;
  for (int64_t batch = 0; batch < 400; ++batch) {
    const CutMixDraw draw = DrawCutMix({1, 0.25, 0}, 1, batch, 4, 64, 64);
    if (!draw.box.IsEmpty()) {
      ++mixed;
    } else {
      EXPECT_EQ(draw.lambda, 1);
    }
  }
  // Mean 100, deviation 9.
  EXPECT_GT(mixed, 55);
  EXPECT_LT(mixed, 145);
}

TEST(MixImagesTest, ReplacesTheBoxByThePartners) {
  // Images of ones, twos and threes; the right column comes from the next one.
  const at::Tensor images =
      at::tensor({1.0f, 2.0f, 3.0f}).view({3, 1, 1, 1}).repeat({1, 2, 2, 2});
  CutMixDraw draw;
  draw.box = {1, 0, 2, 2};
  draw.lambda = 0.5;
  draw.partners = {1, 2, 0};
  const at::Tensor mixed = MixImages(images, draw);
  const at::Tensor expected = at::tensor({1.0f, 2.0f, 2.0f, 3.0f, 3.0f, 1.0f})
                                  .view({3, 1, 1, 2})
                                  .expand({3, 2, 2, 2});
  EXPECT_THAT(mixed, TensorEq(expected));
  // The input stays.
  EXPECT_EQ(images[0].sum().item<double>(), 8);
}

TEST(MixImagesTest, KeepsTheMemoryFormat) {
  const at::Tensor images =
      at::rand({4, 3, 8, 8}).contiguous(at::MemoryFormat::ChannelsLast);
  CutMixDraw draw;
  draw.box = {2, 2, 5, 6};
  draw.partners = {3, 2, 1, 0};
  const at::Tensor mixed = MixImages(images, draw);
  EXPECT_TRUE(mixed.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_THAT(mixed[0].slice(1, 2, 6).slice(2, 2, 5),
              TensorEq(images[3].slice(1, 2, 6).slice(2, 2, 5)));
  EXPECT_THAT(mixed[0].slice(1, 0, 2), TensorEq(images[0].slice(1, 0, 2)));
}

TEST(MixImagesTest, RejectsWhatDoesNotFit) {
  EXPECT_THROW(MixImages(at::ones({2, 3, 8, 8}), CutMixDraw()), c10::Error);
}

}  // namespace
}  // namespace wsol
