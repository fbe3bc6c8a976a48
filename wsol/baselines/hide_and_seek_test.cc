#include "wsol/baselines/hide_and_seek.h"

#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/tensor_matchers.h"

namespace wsol {
namespace {

using ::testing::TensorEq;

// Whether all pixels of each cell of an image [C, H, W] of ones are hidden (1),
// none is (0), or some are (-1).
std::vector<int> Cells(const at::Tensor& image, int64_t grid) {
  std::vector<int> cells;
  for (int64_t i = 0; i < grid; ++i) {
    for (int64_t j = 0; j < grid; ++j) {
      const double mean = image
                              .slice(1, i * image.size(1) / grid,
                                     (i + 1) * image.size(1) / grid)
                              .slice(2, j * image.size(2) / grid,
                                     (j + 1) * image.size(2) / grid)
                              .mean()
                              .item<double>();
      cells.push_back(mean == 0 ? 1 : mean == 1 ? 0 : -1);
    }
  }
  return cells;
}

TEST(HideCellsTest, HidesWholeCellsInAllChannels) {
  // 10 x 7 pixels: cells of 2 or 3 rows and 1 or 2 columns.
  const at::Tensor images = at::ones({20, 3, 10, 7});
  std::vector<int64_t> indices(20);
  for (size_t i = 0; i < indices.size(); ++i) {
    indices[i] = static_cast<int64_t>(i);
  }
  const at::Tensor hidden = HideCells(images, indices, {4, 0.5, 1}, 3);
  int num_hidden = 0;
  for (int64_t n = 0; n < images.size(0); ++n) {
    for (const int cell : Cells(hidden[n], 4)) {
      EXPECT_GE(cell, 0);
      num_hidden += cell;
    }
  }
  // 320 cells at 1/2: mean 160, deviation 9.
  EXPECT_GT(num_hidden, 115);
  EXPECT_LT(num_hidden, 205);
}

TEST(HideCellsTest, AreAFunctionOfSeedEpochAndImage) {
  const at::Tensor images = at::ones({3, 1, 16, 16});
  const HideCellsOptions options = {4, 0.5, 7};
  const at::Tensor first = HideCells(images, {5, 9, 5}, options, 1);
  EXPECT_THAT(first[0], TensorEq(first[2]));
  EXPECT_FALSE(first[0].equal(first[1]));
  // The same image in another place of another batch.
  EXPECT_THAT(HideCells(images.slice(0, 0, 1), {9}, options, 1)[0],
              TensorEq(first[1]));
  EXPECT_FALSE(HideCells(images, {5, 9, 5}, options, 2)[0].equal(first[0]));
  EXPECT_FALSE(HideCells(images, {5, 9, 5}, {4, 0.5, 8}, 1)[0].equal(first[0]));
}

TEST(HideCellsTest, RateZeroAndOneHideNothingAndAll) {
  const at::Tensor images = at::rand({2, 3, 5, 6});
  EXPECT_THAT(HideCells(images, {0, 1}, {4, 0, 0}, 1), TensorEq(images));
  EXPECT_THAT(HideCells(images, {0, 1}, {4, 1, 0}, 1),
              TensorEq(at::zeros_like(images)));
}

TEST(HideCellsTest, TakesOnePixelAndMoreCellsThanPixels) {
  const at::Tensor images = at::ones({1, 3, 1, 1});
  // The pixel belongs to the last cell; the empty ones hide nothing.
  const at::Tensor hidden = HideCells(images, {0}, {4, 0.5, 0}, 1);
  EXPECT_TRUE(hidden.eq(0).all().item<bool>() ||
              hidden.eq(1).all().item<bool>());
}

TEST(HideCellsTest, KeepsMemoryFormatDtypeAndTheInput) {
  const at::Tensor images = at::ones({2, 3, 8, 8}, at::kBFloat16)
                                .contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor hidden = HideCells(images, {0, 1}, {2, 0.5, 0}, 1);
  EXPECT_EQ(hidden.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(hidden.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(images.eq(1).all().item<bool>());
}

TEST(HideCellsTest, GradientsFlowToWhatIsSeen) {
  const at::Tensor images = at::ones({1, 1, 8, 8}).requires_grad_();
  const at::Tensor hidden = HideCells(images, {3}, {4, 0.5, 0}, 1);
  hidden.sum().backward();
  EXPECT_THAT(images.grad(), TensorEq(hidden.detach()));
}

TEST(HideCellsTest, RejectsWhatDoesNotFit) {
  EXPECT_THROW(HideCells(at::ones({2, 3, 8, 8}), {0}, {}, 1), c10::Error);
  EXPECT_THROW(HideCells(at::ones({3, 8, 8}), {0, 1, 2}, {}, 1), c10::Error);
}

}  // namespace
}  // namespace wsol
