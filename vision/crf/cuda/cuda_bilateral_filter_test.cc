#include "vision/crf/cuda/cuda_bilateral_filter.h"

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/Context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;

std::string ErrorOf(const at::Tensor& maps, const at::Tensor& images,
                    const BilateralFilterOptions& options = {},
                    const CudaBilateralFilterOptions& cuda = {}) {
  try {
    CudaBilateralFilter(maps, images, options, cuda);
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return "no error";
}

TEST(CudaBilateralFilterTest, TensorsOfTheCpuAreRefused) {
  const at::Tensor maps = at::ones({1, 2, 4, 4});
  const at::Tensor images = at::ones({1, 3, 4, 4});
  EXPECT_THAT(
      ErrorOf(maps, images),
      HasSubstr(CudaBilateralFilterIsBuilt()
                    ? "expected tensors on one CUDA device, got maps on "
                      "cpu"
                    : "built without CUDA: use --config=cuda"));
}

// On a device, in a build for it.
class CudaBilateralFilterDeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!CudaBilateralFilterIsBuilt()) GTEST_SKIP() << "built without CUDA";
    if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA device";
  }
};

TEST_F(CudaBilateralFilterDeviceTest, IsTheCpusFilter) {
  const int size = 64;
  const auto rgb = MakeTestImage(TestImage::kTextured, size, size, 1);
  const auto maps = MakeTestMaps(2, size, size, 2);
  const auto to_tensor = [&](const std::vector<float>& values, int channels) {
    return at::tensor(values).view({1, channels, size, size}).to(at::kCUDA);
  };
  for (const auto method :
       {BilateralFilterMethod::kAuto, BilateralFilterMethod::kExact,
        BilateralFilterMethod::kGrid, BilateralFilterMethod::kLattice}) {
    BilateralFilterOptions options;
    options.method = method;
    CudaBilateralFilterOptions cuda;
    cuda.check_values = true;
    const at::Tensor filtered =
        CudaBilateralFilter(to_tensor(maps, 2), to_tensor(rgb, 3), options,
                            cuda)
            .cpu();
    const auto filter =
        BilateralFilter::Create(rgb.data(), size, size, options);
    ASSERT_THAT(filter, IsOk());
    std::vector<float> cpu(maps.size());
    ASSERT_THAT((*filter)->Apply(maps.data(), 2, cpu.data()), IsOk());
    const at::Tensor expected = at::tensor(cpu).view_as(filtered);
    const double error =
        ((filtered - expected).norm() / expected.norm()).item<double>();
    EXPECT_LE(error, method == BilateralFilterMethod::kGrid      ? 1.5e-2
                     : method == BilateralFilterMethod::kExact   ? 5e-6
                     : method == BilateralFilterMethod::kLattice ? 1e-5
                                                                 : 1e-4)
        << BilateralFilterMethodName(method);
    // Float64 and other strides: the same.
    const at::Tensor strided =
        to_tensor(maps, 2).to(at::kDouble).to(at::MemoryFormat::ChannelsLast);
    EXPECT_TRUE(
        at::allclose(CudaBilateralFilter(strided, to_tensor(rgb, 3), options)
                         .cpu()
                         .to(at::kFloat),
                     filtered, /*rtol=*/1e-6));
  }
}

TEST_F(CudaBilateralFilterDeviceTest, ChecksShapesAndValues) {
  const at::Tensor images = at::zeros({2, 3, 4, 4}, at::kCUDA);
  at::Tensor maps = at::ones({2, 2, 4, 4}, at::kCUDA);
  EXPECT_THAT(ErrorOf(maps[0], images),
              HasSubstr("expected maps [N, K, H, W]"));
  EXPECT_THAT(ErrorOf(maps, images[0]), HasSubstr("expected images [2, 3, 4"));
  EXPECT_THAT(ErrorOf(maps, images.cpu()), HasSubstr("images on cpu"));
  EXPECT_THAT(ErrorOf(maps.to(at::kInt), images),
              HasSubstr("expected float32 or float64 maps"));
  BilateralFilterOptions options;
  options.sigma_rgb = 0;
  EXPECT_THAT(ErrorOf(maps, images, options), HasSubstr("sigma_rgb"));
  options = {};
  CudaBilateralFilterOptions cuda;
  cuda.check_values = true;
  maps[1].fill_(NAN);
  EXPECT_THAT(ErrorOf(maps, images, options, cuda),
              HasSubstr("image 1 of the batch: expected finite maps"));
  cuda.check_values = false;
  const at::Tensor filtered = CudaBilateralFilter(maps, images, options, cuda);
  EXPECT_TRUE(filtered[0].isfinite().all().item<bool>());
  EXPECT_TRUE(filtered[1].isnan().all().item<bool>());
}

}  // namespace
}  // namespace vision
