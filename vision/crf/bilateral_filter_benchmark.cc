#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "glog/logging.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

// Planning and filtering two maps, what a training step does for each image.
// The image kind is natural (0), textured (1) or noise (2).
void BM_PlanAndApply(benchmark::State& state, BilateralFilterMethod method,
                     BilateralFilterAccuracy accuracy) {
  const int size = static_cast<int>(state.range(0));
  const TestImage kind = static_cast<TestImage>(state.range(1));
  const std::vector<float> image = MakeTestImage(kind, size, size, 7);
  const std::vector<float> maps = MakeTestMaps(2, size, size, 3);
  std::vector<float> out(maps.size());
  BilateralFilterOptions options;
  options.method = method;
  options.accuracy = accuracy;
  for (auto _ : state) {
    const absl::StatusOr<std::unique_ptr<BilateralFilter>> filter =
        BilateralFilter::Create(image.data(), size, size, options);
    CHECK(filter.ok()) << filter.status();
    CHECK((*filter)->Apply(maps.data(), 2, out.data()).ok());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * size * size);
  state.counters["ns_per_pixel"] = benchmark::Counter(
      1e-9 * size * size, benchmark::Counter::kIsIterationInvariantRate |
                              benchmark::Counter::kInvert);
}

// Filtering alone: each iteration of mean field beyond the first.
void BM_Apply(benchmark::State& state, BilateralFilterMethod method) {
  const int size = static_cast<int>(state.range(0));
  const int channels = static_cast<int>(state.range(1));
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, size, size, 7);
  const std::vector<float> maps = MakeTestMaps(channels, size, size, 3);
  std::vector<float> out(maps.size());
  BilateralFilterOptions options;
  options.method = method;
  const absl::StatusOr<std::unique_ptr<BilateralFilter>> filter =
      BilateralFilter::Create(image.data(), size, size, options);
  CHECK(filter.ok()) << filter.status();
  for (auto _ : state) {
    CHECK((*filter)->Apply(maps.data(), channels, out.data()).ok());
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * size * size);
}

void FastSizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"size", "kind"})->Unit(benchmark::kMillisecond);
  for (const int64_t size : {64, 96, 224, 448}) {
    for (const int64_t kind : {0, 1, 2}) benchmark->Args({size, kind});
  }
}

BENCHMARK_CAPTURE(BM_PlanAndApply, grid_fast, BilateralFilterMethod::kGrid,
                  BilateralFilterAccuracy::kFast)
    ->Apply(FastSizes);
BENCHMARK_CAPTURE(BM_PlanAndApply, grid_default, BilateralFilterMethod::kGrid,
                  BilateralFilterAccuracy::kDefault)
    ->Apply(FastSizes);
BENCHMARK_CAPTURE(BM_PlanAndApply, grid_accurate, BilateralFilterMethod::kGrid,
                  BilateralFilterAccuracy::kAccurate)
    ->Apply(FastSizes);
BENCHMARK_CAPTURE(BM_PlanAndApply, lattice, BilateralFilterMethod::kLattice,
                  BilateralFilterAccuracy::kDefault)
    ->Apply(FastSizes);
BENCHMARK_CAPTURE(BM_PlanAndApply, exact, BilateralFilterMethod::kExact,
                  BilateralFilterAccuracy::kDefault)
    ->ArgNames({"size", "kind"})
    ->Args({64, 0})
    ->Args({112, 0})
    ->Unit(benchmark::kMillisecond);

BENCHMARK_CAPTURE(BM_Apply, grid, BilateralFilterMethod::kGrid)
    ->ArgNames({"size", "channels"})
    ->Args({224, 1})
    ->Args({224, 2})
    ->Args({224, 21})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vision

BENCHMARK_MAIN();
