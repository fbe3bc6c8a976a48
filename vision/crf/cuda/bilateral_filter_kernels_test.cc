// Runs on a CUDA device or in the emulation, by what it is linked with.

#include "vision/crf/cuda/bilateral_filter_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/crf/cuda/spatial_basis.h"
#include "vision/crf/cuda/test_device.h"
#include "vision/crf/reference_bilateral_filter.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::Eq;
using ::testing::GoldenStream;
using ::testing::HasSubstr;
using ::testing::IsNan;
using ::testing::IsOk;

using Method = CudaBilateralMethod;

constexpr Method kMethods[] = {Method::kExactSimt, Method::kExactTensorCore,
                               Method::kGrid, Method::kLattice};

// A batch of images with their maps, as the kernels take them.
struct Batch {
  int images = 1;
  int height = 1;
  int width = 1;
  int channels = 1;
  std::vector<float> rgb;
  std::vector<float> maps;
};

Batch MakeBatch(const std::vector<TestImage>& kinds, int height, int width,
                int channels, uint64_t seed = 1) {
  Batch batch;
  batch.images = static_cast<int>(kinds.size());
  batch.height = height;
  batch.width = width;
  batch.channels = channels;
  for (const TestImage kind : kinds) {
    const std::vector<float> rgb = MakeTestImage(kind, height, width, seed);
    const std::vector<float> maps =
        MakeTestMaps(channels, height, width, seed + 100);
    batch.rgb.insert(batch.rgb.end(), rgb.begin(), rgb.end());
    batch.maps.insert(batch.maps.end(), maps.begin(), maps.end());
    ++seed;
  }
  return batch;
}

// Image n of a batch, by itself.
Batch Single(const Batch& batch, int n) {
  Batch single = batch;
  single.images = 1;
  const ptrdiff_t size = ptrdiff_t{batch.height} * batch.width;
  single.rgb.assign(batch.rgb.begin() + n * 3 * size,
                    batch.rgb.begin() + (n + 1) * 3 * size);
  single.maps.assign(batch.maps.begin() + n * batch.channels * size,
                     batch.maps.begin() + (n + 1) * batch.channels * size);
  return single;
}

// A problem of the method with coarse grid cells, which the emulation runs in
// reasonable time; sigma_rgb 15 where accuracy matters.
CudaBilateralProblem MakeProblem(Method method, double sigma_rgb = 15,
                                 double sigma_xy = 100) {
  CudaBilateralProblem problem;
  problem.method = method;
  problem.sigma_rgb = sigma_rgb;
  problem.sigma_xy_pixels = sigma_xy;
  problem.lattice_vertices_per_pixel = 6;
  return problem;
}

struct Result {
  std::vector<float> out;
  std::vector<uint32_t> flags;
};

// Plans, and applies `repeats` times.
Result Filter(CudaBilateralProblem problem, const Batch& batch,
              int repeats = 1) {
  problem.batch = batch.images;
  problem.height = batch.height;
  problem.width = batch.width;
  std::unique_ptr<DeviceArray<float>> x;
  std::unique_ptr<DeviceArray<float>> y;
  if (problem.method == Method::kGrid) {
    const auto basis =
        MakeSpatialBasis(batch.height, batch.width, problem.sigma_xy_pixels);
    EXPECT_THAT(basis, IsOk());
    x = std::make_unique<DeviceArray<float>>(basis->x);
    y = std::make_unique<DeviceArray<float>>(basis->y);
    problem.num_functions = basis->num_functions;
    problem.functions_x = x->data();
    problem.functions_y = y->data();
  }
  size_t bytes = 0;
  CudaStatus status = CudaBilateralWorkspaceBytes(problem, &bytes);
  EXPECT_TRUE(status.ok()) << status.message;
  DeviceArray<char> workspace(bytes);
  DeviceArray<float> rgb(batch.rgb);
  DeviceArray<float> in(batch.maps);
  DeviceArray<float> out(batch.maps.size());
  DeviceArray<uint32_t> flags(static_cast<size_t>(batch.images));
  status = PlanCudaBilateral(problem, rgb.data(), workspace.data(), bytes,
                             flags.data(), nullptr);
  EXPECT_TRUE(status.ok()) << status.message;
  for (int i = 0; i < repeats; ++i) {
    status = ApplyCudaBilateral(problem, rgb.data(), workspace.data(), bytes,
                                in.data(), batch.channels, out.data(),
                                flags.data(), nullptr);
    EXPECT_TRUE(status.ok()) << status.message;
  }
  return {out.Read(), flags.Read()};
}

// The largest relative L2 error of an image of the batch.
double Error(const CudaBilateralProblem& problem, const Batch& batch,
             const Result& result) {
  double largest = 0;
  const size_t floats = batch.maps.size() / static_cast<size_t>(batch.images);
  for (int n = 0; n < batch.images; ++n) {
    const Batch single = Single(batch, n);
    const std::vector<double> expected = ReferenceBilateralFilter(
        single.rgb, batch.height, batch.width, problem.sigma_rgb,
        problem.sigma_xy_pixels, single.maps);
    const double error =
        RelativeL2Error(absl::MakeConstSpan(result.out)
                            .subspan(static_cast<size_t>(n) * floats, floats),
                        expected);
    largest = std::isnan(error) ? error : std::max(largest, error);
  }
  return largest;
}

class KernelsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string why = WhyNoDevice();
    if (!why.empty()) GTEST_SKIP() << why;
  }
  void TearDown() override { SetThreadOrder(0); }
};

// Larger than the emulation's, to fill a device.
int ImageSize() { return IsEmulated() ? 32 : 96; }

const std::vector<TestImage>& AllImages() {
  static const auto& images =
      *new std::vector<TestImage>{TestImage::kNatural, TestImage::kTextured,
                                  TestImage::kNoise, TestImage::kConstant};
  return images;
}

TEST_F(KernelsTest, TwoPixelsByHand) {
  // Golden case G1: colours one sigma_rgb apart, positions a hundredth of
  // sigma_xy, so the weight is exp(-1/2 - 1/20000) = 0.60650033.
  Batch batch;
  batch.width = 2;
  batch.rgb = {0, 15, 0, 0, 0, 0};
  batch.maps = {1, 2};
  const std::vector<float> simt =
      Filter(MakeProblem(Method::kExactSimt), batch).out;
  EXPECT_NEAR(simt[0], 2.213000667876, 2e-6);
  EXPECT_NEAR(simt[1], 2.606500333938, 2e-6);
  const std::vector<float> tensor =
      Filter(MakeProblem(Method::kExactTensorCore), batch).out;
  EXPECT_NEAR(tensor[0], 2.213000667876, 6e-4);
  EXPECT_NEAR(tensor[1], 2.606500333938, 3e-4);
}

TEST_F(KernelsTest, ExactSimtIsWithinFiveMillionths) {
  const Batch batch = MakeBatch(AllImages(), ImageSize(), ImageSize(), 2);
  for (const auto& [sigma_rgb, sigma_xy] :
       {std::pair(15.0, 100.0), std::pair(60.0, 3.0), std::pair(5.0, 20.0)}) {
    const auto problem = MakeProblem(Method::kExactSimt, sigma_rgb, sigma_xy);
    const Result result = Filter(problem, batch);
    EXPECT_THAT(result.flags, Each(Eq(0u)));
    const double error = Error(problem, batch, result);
    EXPECT_LE(error, 5e-6) << sigma_rgb;
    RecordProperty("error" + std::to_string(sigma_rgb), std::to_string(error));
  }
}

TEST_F(KernelsTest, ManyImagesTakeTheKernelWithSeveralRowsAThread) {
  // 264 blocks of 512 pixels and more.
  Batch batch = MakeBatch({TestImage::kTextured}, 4, 5, 3);
  const std::vector<float> expected =
      Filter(MakeProblem(Method::kExactSimt), batch).out;
  const std::vector<float> rgb = batch.rgb;
  const std::vector<float> maps = batch.maps;
  batch.images = 264;
  for (int n = 1; n < batch.images; ++n) {
    batch.rgb.insert(batch.rgb.end(), rgb.begin(), rgb.end());
    batch.maps.insert(batch.maps.end(), maps.begin(), maps.end());
  }
  const std::vector<float> out =
      Filter(MakeProblem(Method::kExactSimt), batch).out;
  for (size_t i = 0; i < out.size(); ++i) {
    ASSERT_EQ(out[i], expected[i % expected.size()]) << i;
  }
}

TEST_F(KernelsTest, TensorCoreIsWithinOneTenThousandth) {
  const Batch batch = MakeBatch(AllImages(), ImageSize(), ImageSize(), 2);
  for (const auto& [sigma_rgb, sigma_xy] :
       {std::pair(15.0, 100.0), std::pair(40.0, 12.0)}) {
    const auto problem =
        MakeProblem(Method::kExactTensorCore, sigma_rgb, sigma_xy);
    const Result result = Filter(problem, batch);
    EXPECT_THAT(result.flags, Each(Eq(0u)));
    EXPECT_LE(Error(problem, batch, result), 1e-4) << sigma_rgb;
  }
}

TEST_F(KernelsTest, TensorCoreTakesColoursAndMapsOfAnyScale) {
  // Colours in [0, 1], not multiples of half floats, and maps that would under-
  // and overflow them.
  const Batch bytes = MakeBatch({TestImage::kTextured}, 24, 28, 2);
  Batch batch = bytes;
  for (float& color : batch.rgb) color = color / 255 + 0.001f;
  auto problem = MakeProblem(Method::kExactTensorCore, 15.0 / 255);
  problem.max_color_range = 1;
  for (const float factor : {1e-12f, 1e12f}) {
    for (size_t i = 0; i < batch.maps.size(); ++i) {
      batch.maps[i] = factor * (bytes.maps[i] - 0.3f);
    }
    EXPECT_LE(Error(problem, batch, Filter(problem, batch)), 1e-4) << factor;
  }
}

TEST_F(KernelsTest, GridStaysWithinTheErrorBudgets) {
  const int size = IsEmulated() ? 28 : 96;
  const Batch batch = MakeBatch(
      {TestImage::kNatural, TestImage::kTextured, TestImage::kConstant}, size,
      size, 2);
  struct Case {
    int degree;
    double pitch, limit;
  };
  for (const Case& c :
       {Case{1, 0.7, 4.5e-2}, Case{2, 0.8, 1.5e-2}, Case{2, 0.65, 8e-3}}) {
    auto problem = MakeProblem(Method::kGrid, 15, 0.45 * size);
    problem.spline_degree = c.degree;
    problem.pitch = c.pitch;
    const Result result = Filter(problem, batch);
    EXPECT_THAT(result.flags, Each(Eq(0u)));
    EXPECT_LE(Error(problem, batch, result), c.limit) << c.pitch;
  }
}

TEST_F(KernelsTest, GridIsCloseToTheCpus) {
  const Batch batch =
      MakeBatch({TestImage::kNatural, TestImage::kConstant}, 24, 30, 2);
  BilateralFilterOptions options;
  options.sigma_rgb = 20;
  options.sigma_xy_pixels = 14;
  options.method = BilateralFilterMethod::kGrid;
  const Result result = Filter(MakeProblem(Method::kGrid, 20, 14), batch);
  const size_t floats = batch.maps.size() / 2;
  // The CPU's grid is turned to the colours' principal axes, this one is not;
  // for one colour there is nothing to turn.
  const double limits[] = {1.5e-2, 1e-5};
  for (int n = 0; n < 2; ++n) {
    const Batch single = Single(batch, n);
    const auto filter =
        BilateralFilter::Create(single.rgb.data(), 24, 30, options);
    ASSERT_THAT(filter, IsOk());
    std::vector<float> cpu(floats);
    ASSERT_THAT((*filter)->Apply(single.maps.data(), 2, cpu.data()), IsOk());
    const std::vector<double> expected(cpu.begin(), cpu.end());
    EXPECT_LE(
        RelativeL2Error(absl::MakeConstSpan(result.out)
                            .subspan(static_cast<size_t>(n) * floats, floats),
                        expected),
        limits[n]);
  }
}

TEST_F(KernelsTest, GridIsSymmetricAndPositiveSemidefinite) {
  Batch x = MakeBatch({TestImage::kTextured}, 20, 20, 1, 5);
  Batch y = x;
  const std::vector<float> noise = MakeTestImage(TestImage::kNoise, 20, 20, 9);
  for (size_t i = 0; i < 400; ++i) {
    x.maps[i] = noise[i] - 127;
    y.maps[i] = noise[400 + i] - 127;
  }
  const auto problem = MakeProblem(Method::kGrid, 30, 10);
  const std::vector<float> wx = Filter(problem, x).out;
  const std::vector<float> wy = Filter(problem, y).out;
  double ywx = 0;
  double xwy = 0;
  double xwx = 0;
  double norms[2] = {};
  for (size_t i = 0; i < 400; ++i) {
    ywx += static_cast<double>(y.maps[i]) * wx[i];
    xwy += static_cast<double>(x.maps[i]) * wy[i];
    xwx += static_cast<double>(x.maps[i]) * wx[i];
    norms[0] += static_cast<double>(wx[i]) * wx[i];
    norms[1] += static_cast<double>(y.maps[i]) * y.maps[i];
  }
  EXPECT_LE(std::abs(ywx - xwy), 1e-6 * std::sqrt(norms[0] * norms[1]));
  EXPECT_GE(xwx, 0);
}

// Image and maps of the golden cases: bytes of the generator's first numbers,
// and the next ones divided by their sum over channels.
Batch MakeGoldenBatch(int height, int width, int channels, uint32_t seed) {
  const size_t size = static_cast<size_t>(height) * width;
  const std::vector<double> stream =
      GoldenStream({{"kind", "lcg"}, {"seed", seed}},
                   static_cast<int64_t>((3 + channels) * size));
  Batch batch;
  batch.height = height;
  batch.width = width;
  batch.channels = channels;
  for (size_t i = 0; i < 3 * size; ++i) {
    batch.rgb.push_back(static_cast<float>(std::floor(stream[i] * 256)));
  }
  for (size_t i = 3 * size; i < stream.size(); ++i) {
    double sum = 0;
    for (int k = 0; k < channels; ++k) {
      sum += stream[3 * size + static_cast<size_t>(k) * size + i % size];
    }
    batch.maps.push_back(static_cast<float>(stream[i] / sum));
  }
  return batch;
}

TEST_F(KernelsTest, LatticeEqualsThePublishedImplementation) {
  struct Case {
    int height, width, channels;
    uint32_t seed;
    double sigma_rgb, sigma_xy;
    std::vector<double> first;
    double sum;
  };
  // The numbers of lattice_bilateral_filter_test.cc; the last one has a
  // phantom point.
  const std::vector<Case> cases = {
      {4, 5, 2, 2, 15, 100, {.3181114, .3575743, .124301, .3425393}, 11.814213},
      {8, 8, 2, 4, 40, 5, {.8770553, 1.279115, .6891314, .6662355}, 73.4973},
      {16, 16, 2, 5, 15, 100, {.331879, .106217, .516791, .5222866}, 211.0879},
      {7, 9, 1, 6, 25, 8, {.5251173, 1.542576, 1.026804, .4649323}, 43.288572},
  };
  for (const Case& c : cases) {
    for (const bool deterministic : {true, false}) {
      SCOPED_TRACE(c.seed);
      const Batch batch =
          MakeGoldenBatch(c.height, c.width, c.channels, c.seed);
      auto problem = MakeProblem(Method::kLattice, c.sigma_rgb, c.sigma_xy);
      problem.lattice_deterministic = deterministic;
      const Result result = Filter(problem, batch);
      EXPECT_THAT(result.flags, Each(Eq(0u)));
      double sum = 0;
      for (const float value : result.out) sum += value;
      for (size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(result.out[i], c.first[i], 1e-6 + 1e-5 * c.first[i]);
      }
      EXPECT_NEAR(sum, c.sum, 1e-5 * c.sum);
    }
  }
}

TEST_F(KernelsTest, LatticeEqualsTheCpus) {
  const int size = ImageSize() + 1;  // Not a multiple of four: phantoms.
  const Batch batch =
      MakeBatch({TestImage::kNatural, TestImage::kNoise, TestImage::kConstant},
                size, size, 3);
  BilateralFilterOptions options;
  options.method = BilateralFilterMethod::kLattice;
  auto problem = MakeProblem(Method::kLattice);
  for (const bool deterministic : {true, false}) {
    problem.lattice_deterministic = deterministic;
    const Result result = Filter(problem, batch);
    EXPECT_THAT(result.flags, Each(Eq(0u)));
    const size_t floats = batch.maps.size() / 3;
    for (int n = 0; n < 3; ++n) {
      const Batch single = Single(batch, n);
      const auto filter =
          BilateralFilter::Create(single.rgb.data(), size, size, options);
      ASSERT_THAT(filter, IsOk());
      std::vector<float> cpu(floats);
      ASSERT_THAT((*filter)->Apply(single.maps.data(), 3, cpu.data()), IsOk());
      const std::vector<double> expected(cpu.begin(), cpu.end());
      EXPECT_LE(
          RelativeL2Error(absl::MakeConstSpan(result.out)
                              .subspan(static_cast<size_t>(n) * floats, floats),
                          expected),
          1e-6)
          << n;
    }
  }
}

// ---- Properties of all methods --------------------------------------------

class EachMethodTest : public KernelsTest,
                       public ::testing::WithParamInterface<Method> {};

std::string NameOfMethod(const ::testing::TestParamInfo<Method>& method) {
  switch (method.param) {
    case Method::kExactSimt:
      return "ExactSimt";
    case Method::kExactTensorCore:
      return "ExactTensorCore";
    case Method::kGrid:
      return "Grid";
    case Method::kLattice:
      break;
  }
  return "Lattice";
}

INSTANTIATE_TEST_SUITE_P(Methods, EachMethodTest, ::testing::ValuesIn(kMethods),
                         NameOfMethod);

TEST_P(EachMethodTest, DoesNotDependOnTheOrderOfThreads) {
  // Images of different colours and of one, with tails of blocks, warps and
  // tiles.
  const Batch batch = MakeBatch(
      {TestImage::kNatural, TestImage::kTextured, TestImage::kConstant}, 13, 19,
      3);
  const auto problem = MakeProblem(GetParam(), 40, 12);
  const std::vector<float> expected = Filter(problem, batch).out;
  for (const uint64_t seed : {1, 2, 3, 4, 5}) {
    SetThreadOrder(seed);
    EXPECT_EQ(Filter(problem, batch).out, expected) << seed;
  }
}

TEST_F(KernelsTest, AtomicLatticeDependsOnTheOrderOfThreadsInLastBitsOnly) {
  const Batch batch = MakeBatch({TestImage::kTextured}, 13, 19, 4);
  auto problem = MakeProblem(Method::kLattice, 40, 12);
  problem.lattice_deterministic = false;
  const std::vector<float> first = Filter(problem, batch).out;
  const std::vector<double> expected(first.begin(), first.end());
  for (const uint64_t seed : {1, 2, 3, 4}) {
    SetThreadOrder(seed);
    EXPECT_LE(RelativeL2Error(Filter(problem, batch).out, expected), 1e-6);
  }
}

TEST_P(EachMethodTest, ABatchIsItsImages) {
  const Batch batch = MakeBatch(
      {TestImage::kNatural, TestImage::kNoise, TestImage::kConstant}, 9, 15, 2);
  const auto problem = MakeProblem(GetParam(), 50, 10);
  const std::vector<float> all = Filter(problem, batch).out;
  std::vector<float> singles;
  for (int n = 0; n < 3; ++n) {
    const std::vector<float> one = Filter(problem, Single(batch, n)).out;
    singles.insert(singles.end(), one.begin(), one.end());
  }
  EXPECT_EQ(all, singles);
}

TEST_P(EachMethodTest, APlanMayBeAppliedAgain) {
  const Batch batch = MakeBatch({TestImage::kTextured}, 8, 9, 2);
  const auto problem = MakeProblem(GetParam(), 50, 10);
  EXPECT_EQ(Filter(problem, batch, /*repeats=*/3).out,
            Filter(problem, batch).out);
}

TEST_P(EachMethodTest, TakesAnyShapeAndNumberOfChannels) {
  const bool is_lattice = GetParam() == Method::kLattice;
  // Of a few pixels, half floats show more; the grid's budget is for images,
  // whose errors average out more.
  const double limit = GetParam() == Method::kExactSimt         ? 5e-6
                       : GetParam() == Method::kExactTensorCore ? 3e-4
                                                                : 2.5e-2;
  for (const auto& [height, width] :
       {std::pair(1, 1), std::pair(1, 2), std::pair(1, 3), std::pair(3, 5),
        std::pair(1, 17), std::pair(15, 1), std::pair(1, 131),
        std::pair(129, 1)}) {
    for (const int channels : {1, 2, 5, 8}) {
      const Batch batch = MakeBatch({TestImage::kTextured, TestImage::kNatural},
                                    height, width, channels, 3);
      const auto problem =
          MakeProblem(GetParam(), 60, std::max(10, height + width));
      const Result result = Filter(problem, batch);
      EXPECT_THAT(result.flags, Each(Eq(0u)));
      if (!is_lattice) {
        EXPECT_LE(Error(problem, batch, result), limit)
            << height << " x " << width << ", " << channels;
        continue;
      }
      for (const float value : result.out) EXPECT_TRUE(std::isfinite(value));
    }
  }
}

TEST_P(EachMethodTest, TakesMoreChannelsThanFitAtATime) {
  const Batch batch = MakeBatch({TestImage::kNatural}, 4, 6, 67);
  Batch last = batch;
  last.channels = 1;
  last.maps.assign(batch.maps.end() - 24, batch.maps.end());
  const auto problem = MakeProblem(GetParam(), 60, 10);
  const std::vector<float> all = Filter(problem, batch).out;
  const std::vector<float> one = Filter(problem, last).out;
  const std::vector<double> expected(one.begin(), one.end());
  EXPECT_LE(RelativeL2Error(absl::MakeConstSpan(all).subspan(all.size() - 24),
                            expected),
            1e-6);
}

TEST_P(EachMethodTest, NonFiniteValuesSpoilTheirImageOnly) {
  const Batch batch = MakeBatch(
      {TestImage::kNatural, TestImage::kTextured, TestImage::kNatural}, 6, 7,
      2);
  const auto problem = MakeProblem(GetParam(), 60, 10);
  const std::vector<float> expected = Filter(problem, batch).out;
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    Batch bad_batch = batch;
    bad_batch.rgb[42 * 3 + 50] = bad;  // Image 1.
    bad_batch.maps[2 * 84 + 5] = bad;  // Image 2.
    const Result result = Filter(problem, bad_batch);
    EXPECT_EQ(result.flags[0], 0u);
    EXPECT_TRUE(result.flags[1] & kCudaNonFiniteImage);
    EXPECT_EQ(result.flags[2], kCudaNonFiniteMap);
    for (size_t i = 0; i < 84; ++i) {
      ASSERT_EQ(result.out[i], expected[i]);
      ASSERT_TRUE(std::isnan(result.out[84 + i]));
      ASSERT_TRUE(std::isnan(result.out[168 + i]));
    }
  }
}

TEST_P(EachMethodTest, ColoursOutsideOfBytesAreAllowed) {
  // Shifted by a constant, the filter is the same.
  const Batch batch = MakeBatch({TestImage::kTextured}, 7, 9, 1);
  Batch shifted = batch;
  for (float& color : shifted.rgb) color -= 512;
  const auto problem = MakeProblem(GetParam(), 64, 10);
  const std::vector<float> out = Filter(problem, batch).out;
  const std::vector<double> expected(out.begin(), out.end());
  // The lattice's cells shift, its values change.
  const double limit = GetParam() == Method::kLattice ? 0.5 : 1e-4;
  EXPECT_LE(RelativeL2Error(Filter(problem, shifted).out, expected), limit);
}

TEST_F(KernelsTest, ImagesWithMoreThanTheRangeAreFlagged) {
  Batch batch = MakeBatch({TestImage::kNatural, TestImage::kConstant}, 6, 6, 1);
  batch.rgb[4] = batch.rgb[40] = batch.rgb[76] = 900;  // One pixel.
  for (const Method method : {Method::kGrid, Method::kExactTensorCore}) {
    const Result result = Filter(MakeProblem(method, 60, 10), batch);
    EXPECT_EQ(result.flags[0], kCudaColorRange);
    EXPECT_EQ(result.flags[1], 0u);
    EXPECT_TRUE(std::isnan(result.out[3]));
    EXPECT_TRUE(std::isfinite(result.out[36 + 3]));
  }
}

TEST_F(KernelsTest, LatticesThatDoNotFitAreFlagged) {
  const Batch batch = MakeBatch({TestImage::kNoise}, 16, 16, 1);
  Result result = Filter(MakeProblem(Method::kLattice, 0.1, 100), batch);
  EXPECT_TRUE(result.flags[0] & kCudaLatticeCoordinate);
  EXPECT_THAT(result.out, Each(IsNan()));
  // Six vertices a pixel, with memory for one.
  auto problem = MakeProblem(Method::kLattice, 2, 2);
  problem.lattice_vertices_per_pixel = 1;
  for (const bool deterministic : {true, false}) {
    problem.lattice_deterministic = deterministic;
    result = Filter(problem, batch);
    EXPECT_EQ(result.flags[0], kCudaLatticeFull);
    EXPECT_THAT(result.out, Each(IsNan()));
  }
}

// ---- Errors ----------------------------------------------------------------

std::string ErrorOf(const CudaBilateralProblem& problem) {
  size_t bytes = 0;
  const CudaStatus status = CudaBilateralWorkspaceBytes(problem, &bytes);
  EXPECT_EQ(status.code, CudaStatus::Code::kInvalidArgument);
  return status.message;
}

TEST(KernelErrorsTest, FieldsOutOfRangeAreNamedWithTheirValue) {
  CudaBilateralProblem problem;
  problem.batch = 0;
  EXPECT_THAT(ErrorOf(problem), HasSubstr("batch must be 1 to 65535, got 0"));
  problem = {};
  problem.height = 5000;
  problem.width = 5000;
  EXPECT_THAT(ErrorOf(problem), HasSubstr("got 5000 x 5000"));
  for (const double sigma : {0.0, -1.0, double{INFINITY}, double{NAN}}) {
    problem = {};
    problem.sigma_rgb = sigma;
    EXPECT_THAT(ErrorOf(problem), HasSubstr("sigma_rgb must be finite"));
    problem = {};
    problem.sigma_xy_pixels = sigma;
    EXPECT_THAT(ErrorOf(problem), HasSubstr("sigma_xy_pixels must be finite"));
    problem = MakeProblem(Method::kGrid);
    problem.max_color_range = sigma;
    EXPECT_THAT(ErrorOf(problem), HasSubstr("max_color_range must be finite"));
  }
}

TEST(KernelErrorsTest, TensorCoreRefusesWhatHalfFloatsDoNotReach) {
  auto problem = MakeProblem(Method::kExactTensorCore, 5);
  EXPECT_THAT(ErrorOf(problem),
              AllOf(HasSubstr("sigma_rgb 5 "), HasSubstr("kExactSimt")));
  problem = MakeProblem(Method::kExactTensorCore, 15, 1);
  problem.width = 224;
  EXPECT_THAT(ErrorOf(problem), HasSubstr("sigma_xy_pixels 1 "));
  problem = MakeProblem(Method::kExactTensorCore, 15, 1000);
  problem.width = 4097;
  EXPECT_THAT(ErrorOf(problem), HasSubstr("got 1 x 4097"));
}

TEST(KernelErrorsTest, GridRefusesWhatItDoesNotServe) {
  auto problem = MakeProblem(Method::kGrid);
  EXPECT_THAT(ErrorOf(problem), HasSubstr("got 0 functions"));
  const float table = 1;
  problem.num_functions = 8;
  problem.functions_x = problem.functions_y = &table;
  size_t bytes = 0;
  EXPECT_TRUE(CudaBilateralWorkspaceBytes(problem, &bytes).ok());
  EXPECT_GT(bytes, 0u);
  problem.spline_degree = 3;
  EXPECT_THAT(ErrorOf(problem), HasSubstr("must be 1 or 2, got 3"));
  problem.spline_degree = 2;
  problem.pitch = 1.5;
  EXPECT_THAT(ErrorOf(problem), HasSubstr("got 1.5"));
  problem.pitch = 0.8;
  problem.sigma_rgb = 1;
  EXPECT_THAT(ErrorOf(problem),
              AllOf(HasSubstr("sigma_rgb 1 "), HasSubstr("more than 524288")));
}

TEST(KernelErrorsTest, LatticeMemoryIsBounded) {
  auto problem = MakeProblem(Method::kLattice);
  for (const double vertices : {0.0, 6.5, double{NAN}}) {
    problem.lattice_vertices_per_pixel = vertices;
    EXPECT_THAT(ErrorOf(problem), HasSubstr("above 0 and at most 6, got "));
  }
}

TEST(KernelErrorsTest, CallsCheckTheirArguments) {
  const CudaBilateralProblem problem;
  std::vector<float> image(3);
  std::vector<float> map(1);
  alignas(256) char workspace[1024] = {};
  uint32_t flags = 0;
  size_t bytes = 0;
  ASSERT_TRUE(CudaBilateralWorkspaceBytes(problem, &bytes).ok());
  ASSERT_LE(bytes, sizeof(workspace));
  CudaStatus status =
      PlanCudaBilateral(problem, nullptr, workspace, bytes, &flags, nullptr);
  EXPECT_THAT(status.message, HasSubstr("must not be null"));
  status = PlanCudaBilateral(problem, image.data(), workspace, bytes - 1,
                             &flags, nullptr);
  EXPECT_THAT(status.message,
              AllOf(HasSubstr("must have " + std::to_string(bytes)),
                    HasSubstr("got " + std::to_string(bytes - 1))));
  status = PlanCudaBilateral(problem, image.data(), workspace + 1, bytes,
                             &flags, nullptr);
  EXPECT_THAT(status.message, HasSubstr("aligned"));
  status = ApplyCudaBilateral(problem, image.data(), workspace, bytes,
                              map.data(), 0, map.data(), &flags, nullptr);
  EXPECT_THAT(status.message, HasSubstr("channels must be 1 to"));
  status = ApplyCudaBilateral(problem, image.data(), workspace, bytes, nullptr,
                              1, map.data(), &flags, nullptr);
  EXPECT_THAT(status.message, HasSubstr("must not be null"));
}

}  // namespace
}  // namespace vision
