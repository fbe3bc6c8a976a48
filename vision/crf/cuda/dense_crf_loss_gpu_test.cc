// DenseCrfLoss on a CUDA device against the CPU's.

#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/Context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/crf/cuda/cuda_bilateral_filter.h"
#include "vision/crf/dense_crf_loss.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

class DenseCrfLossGpuTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!CudaBilateralFilterIsBuilt()) GTEST_SKIP() << "built without CUDA";
    if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA device";
  }
};

struct Result {
  at::Tensor loss;
  at::Tensor gradient;
};

Result ComputeLoss(const at::Tensor& probabilities, const at::Tensor& images,
                   const DenseCrfLossOptions& options,
                   const at::Tensor& regions) {
  at::Tensor leaf = probabilities.detach().clone().requires_grad_(true);
  const at::Tensor loss = DenseCrfLoss(leaf, images, options, regions);
  loss.sum().backward();
  return {loss.detach().cpu(), leaf.grad().cpu()};
}

double RelativeError(const at::Tensor& actual, const at::Tensor& expected) {
  return ((actual - expected).norm() / expected.norm()).item<double>();
}

TEST_F(DenseCrfLossGpuTest, ValueAndGradientAreTheCpus) {
  const int size = 48;
  std::vector<float> rgb;
  std::vector<float> maps;
  for (const uint64_t seed : {1, 2}) {
    const auto image = MakeTestImage(TestImage::kTextured, size, size, seed);
    const auto map = MakeTestMaps(3, size, size, seed);
    rgb.insert(rgb.end(), image.begin(), image.end());
    maps.insert(maps.end(), map.begin(), map.end());
  }
  const at::Tensor images = at::tensor(rgb).view({2, 3, size, size});
  const at::Tensor probabilities = at::tensor(maps).view({2, 3, size, size});
  at::Tensor regions = at::ones({2, size, size});
  regions.slice(/*dim=*/2, 0, size / 3).zero_();
  for (const DenseCrfForm form :
       {DenseCrfForm::kAgreement, DenseCrfForm::kDisagreement}) {
    for (const DenseCrfReduction reduction :
         {DenseCrfReduction::kMean, DenseCrfReduction::kSum,
          DenseCrfReduction::kNone}) {
      for (const at::Tensor& region : {at::Tensor(), regions}) {
        DenseCrfLossOptions options;
        options.form = form;
        options.reduction = reduction;
        options.scale = 0.75;
        options.filter.method = BilateralFilterMethod::kExact;
        const Result cpu = ComputeLoss(probabilities, images, options, region);
        const Result gpu = ComputeLoss(
            probabilities.to(at::kCUDA), images.to(at::kCUDA), options,
            region.defined() ? region.to(at::kCUDA) : region);
        EXPECT_EQ(gpu.loss.sizes(), cpu.loss.sizes());
        EXPECT_LE(RelativeError(gpu.loss, cpu.loss), 1e-5);
        EXPECT_LE(RelativeError(gpu.gradient, cpu.gradient), 1e-5);
      }
    }
  }
}

TEST_F(DenseCrfLossGpuTest, TensorsOfTwoDevicesAreRefused) {
  EXPECT_THROW(
      DenseCrfLoss(at::ones({1, 2, 4, 4}, at::kCUDA), at::ones({1, 3, 4, 4})),
      c10::Error);
}

}  // namespace
}  // namespace vision
