// Times of the filters on a CUDA device; docs/benchmarks.md has what they
// should be.
//
//   bazel run -c opt //vision/crf/cuda:bilateral_filter_kernels_benchmark
//
// Each case: plan once, then apply (the second number of its arguments is the
// batch). "ms" is the device's time of one batch, by events on its stream.
// Without a device every case is reported as skipped.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "glog/logging.h"
#include "vision/crf/cuda/bilateral_filter_kernels.h"
#include "vision/crf/cuda/spatial_basis.h"
#include "vision/crf/cuda/test_device.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

enum class Part { kPlan, kApply };

struct Call {
  CudaBilateralProblem problem;
  Part part;
  int channels;
  float* images;
  void* workspace;
  size_t bytes;
  float* in;
  float* out;
  uint32_t* flags;
};

void Run(void* argument) {
  const Call& c = *static_cast<Call*>(argument);
  const CudaStatus status =
      c.part == Part::kPlan
          ? PlanCudaBilateral(c.problem, c.images, c.workspace, c.bytes,
                              c.flags, nullptr)
          : ApplyCudaBilateral(c.problem, c.images, c.workspace, c.bytes, c.in,
                               c.channels, c.out, c.flags, nullptr);
  CHECK(status.ok()) << status.message;
}

void BM_Filter(benchmark::State& state, CudaBilateralMethod method, Part part) {
  const std::string why = WhyNoDevice();
  if (!why.empty()) {
    // One iteration, marked as failed: Debian's library has no SkipWithMessage.
    state.SkipWithError(("skipped: " + why).c_str());
    return;
  }
  const int size = static_cast<int>(state.range(0));
  Call call = {};
  call.part = part;
  call.channels = 2;
  call.problem.method = method;
  call.problem.batch = static_cast<int>(state.range(1));
  call.problem.height = call.problem.width = size;
  // As wide against the image as for the published size.
  call.problem.sigma_xy_pixels = 100.0 * size / 224;
  const auto basis = MakeSpatialBasis(size, size, call.problem.sigma_xy_pixels);
  CHECK(basis.ok()) << basis.status();
  DeviceArray<float> x(basis->x);
  DeviceArray<float> y(basis->y);
  call.problem.num_functions = basis->num_functions;
  call.problem.functions_x = x.data();
  call.problem.functions_y = y.data();

  std::vector<float> images;
  std::vector<float> maps;
  for (int n = 0; n < call.problem.batch; ++n) {
    const uint64_t seed = static_cast<uint64_t>(n);
    const auto image = MakeTestImage(TestImage::kTextured, size, size, seed);
    const auto map = MakeTestMaps(call.channels, size, size, seed);
    images.insert(images.end(), image.begin(), image.end());
    maps.insert(maps.end(), map.begin(), map.end());
  }
  CHECK(CudaBilateralWorkspaceBytes(call.problem, &call.bytes).ok());
  DeviceArray<char> workspace(call.bytes);
  DeviceArray<float> device_images(images);
  DeviceArray<float> in(maps);
  DeviceArray<float> out(maps.size());
  DeviceArray<uint32_t> flags(static_cast<size_t>(call.problem.batch));
  call.images = device_images.data();
  call.workspace = workspace.data();
  call.in = in.data();
  call.out = out.data();
  call.flags = flags.data();

  call.part = Part::kPlan;
  Run(&call);
  call.part = part;
  TimeOnDevice(Run, &call);  // The first launch loads the kernel.
  double milliseconds = 0;
  for (auto _ : state) {
    const double once = TimeOnDevice(Run, &call);
    milliseconds += once;
    state.SetIterationTime(once * 1e-3);
  }
  for (const uint32_t flag : flags.Read()) CHECK_EQ(flag, 0u);
  const double pixels = static_cast<double>(call.problem.batch) * size * size;
  milliseconds /= static_cast<double>(state.iterations());
  state.counters["ms"] = milliseconds;
  state.counters["ns/pixel"] = milliseconds * 1e6 / pixels;
  state.counters["pairs/ns"] = pixels * size * size / (milliseconds * 1e6);
  state.counters["workspace_MB"] = static_cast<double>(call.bytes) * 1e-6;
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->UseManualTime()
      ->Unit(benchmark::kMillisecond)
      ->ArgNames({"size", "batch"})
      ->Args({112, 32})
      ->Args({224, 1})
      ->Args({224, 32});
}

BENCHMARK_CAPTURE(BM_Filter, exact_simt, CudaBilateralMethod::kExactSimt,
                  Part::kApply)
    ->Apply(Sizes);
BENCHMARK_CAPTURE(BM_Filter, exact_tensor_core,
                  CudaBilateralMethod::kExactTensorCore, Part::kApply)
    ->Apply(Sizes);
BENCHMARK_CAPTURE(BM_Filter, grid_plan, CudaBilateralMethod::kGrid, Part::kPlan)
    ->Apply(Sizes);
BENCHMARK_CAPTURE(BM_Filter, grid, CudaBilateralMethod::kGrid, Part::kApply)
    ->Apply(Sizes);
BENCHMARK_CAPTURE(BM_Filter, lattice_plan, CudaBilateralMethod::kLattice,
                  Part::kPlan)
    ->Apply(Sizes);
BENCHMARK_CAPTURE(BM_Filter, lattice, CudaBilateralMethod::kLattice,
                  Part::kApply)
    ->Apply(Sizes);

}  // namespace
}  // namespace vision

BENCHMARK_MAIN();
