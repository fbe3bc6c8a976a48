#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "glog/logging.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/crf/filter_workspace.h"
#include "vision/crf/multiply_add_peak.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

void SetCounters(benchmark::State& state, const BilateralFilter& filter,
                 int channels, const FilterWorkspace& workspace) {
  const double pixels = static_cast<double>(filter.height()) * filter.width();
  state.SetItemsProcessed(
      static_cast<int64_t>(static_cast<double>(state.iterations()) * pixels));
  state.counters["ns_per_pixel"] = benchmark::Counter(
      1e-9 * pixels, benchmark::Counter::kIsIterationInvariantRate |
                         benchmark::Counter::kInvert);
  state.counters["workspace_MB"] = static_cast<double>(workspace.bytes()) / 1e6;
  state.counters["filter_MB"] = static_cast<double>(filter.bytes()) / 1e6;
  const double operations = filter.NumMultiplyAdds(channels);
  if (operations > 0) {
    state.counters["peak_percent"] =
        benchmark::Counter(100 * operations / MultiplyAddPeak(),
                           benchmark::Counter::kIsIterationInvariantRate);
  }
}

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
  const absl::StatusOr<std::unique_ptr<BilateralFilter>> filter =
      BilateralFilter::Create(image.data(), size, size, options);
  CHECK(filter.ok()) << filter.status();
  FilterWorkspace workspace;
  for (auto _ : state) {
    CHECK((*filter)->SetImage(image.data(), size, size).ok());
    CHECK((*filter)->Apply(maps.data(), 2, out.data(), &workspace).ok());
    benchmark::DoNotOptimize(out.data());
  }
  SetCounters(state, **filter, 2, workspace);
}

// The same from nothing: spatial functions and memory, too.
void BM_CreateAndApply(benchmark::State& state) {
  const int size = static_cast<int>(state.range(0));
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, size, size, 7);
  const std::vector<float> maps = MakeTestMaps(2, size, size, 3);
  std::vector<float> out(maps.size());
  BilateralFilterOptions options;
  options.method = BilateralFilterMethod::kGrid;
  for (auto _ : state) {
    const absl::StatusOr<std::unique_ptr<BilateralFilter>> filter =
        BilateralFilter::Create(image.data(), size, size, options);
    CHECK(filter.ok()) << filter.status();
    CHECK((*filter)->Apply(maps.data(), 2, out.data()).ok());
    benchmark::DoNotOptimize(out.data());
  }
}

// Filtering alone: each iteration of mean field beyond the first.
void BM_Apply(benchmark::State& state, BilateralFilterMethod method) {
  const int size = static_cast<int>(state.range(0));
  const int channels = static_cast<int>(state.range(1));
  const int num_threads = static_cast<int>(state.range(2));
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, size, size, 7);
  const std::vector<float> maps = MakeTestMaps(channels, size, size, 3);
  std::vector<float> out(maps.size());
  BilateralFilterOptions options;
  options.method = method;
  const absl::StatusOr<std::unique_ptr<BilateralFilter>> filter =
      BilateralFilter::Create(image.data(), size, size, options);
  CHECK(filter.ok()) << filter.status();
  FilterWorkspace workspace;
  for (auto _ : state) {
    CHECK(
        (*filter)
            ->Apply(maps.data(), channels, out.data(), &workspace, num_threads)
            .ok());
    benchmark::DoNotOptimize(out.data());
  }
  SetCounters(state, **filter, channels, workspace);
}

void AllSizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"size", "kind"})->Unit(benchmark::kMillisecond);
  for (const int64_t size : {64, 128, 224, 448, 1024}) {
    for (const int64_t kind : {0, 1, 2}) benchmark->Args({size, kind});
  }
}

void TrainingSize(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"size", "kind"})->Unit(benchmark::kMillisecond);
  for (const int64_t kind : {0, 1, 2}) benchmark->Args({224, kind});
}

BENCHMARK_CAPTURE(BM_PlanAndApply, grid_fast, BilateralFilterMethod::kGrid,
                  BilateralFilterAccuracy::kFast)
    ->Apply(TrainingSize);
BENCHMARK_CAPTURE(BM_PlanAndApply, grid_default, BilateralFilterMethod::kGrid,
                  BilateralFilterAccuracy::kDefault)
    ->Apply(AllSizes);
BENCHMARK_CAPTURE(BM_PlanAndApply, grid_accurate, BilateralFilterMethod::kGrid,
                  BilateralFilterAccuracy::kAccurate)
    ->Apply(TrainingSize);
BENCHMARK_CAPTURE(BM_PlanAndApply, lattice, BilateralFilterMethod::kLattice,
                  BilateralFilterAccuracy::kDefault)
    ->Apply(TrainingSize);
BENCHMARK_CAPTURE(BM_PlanAndApply, exact, BilateralFilterMethod::kExact,
                  BilateralFilterAccuracy::kDefault)
    ->ArgNames({"size", "kind"})
    ->Args({64, 0})
    ->Args({112, 0})
    ->Unit(benchmark::kMillisecond);

BENCHMARK(BM_CreateAndApply)
    ->ArgNames({"size"})
    ->Arg(224)
    ->Unit(benchmark::kMillisecond);

BENCHMARK_CAPTURE(BM_Apply, grid, BilateralFilterMethod::kGrid)
    ->ArgNames({"size", "channels", "threads"})
    ->Args({224, 1, 1})
    ->Args({224, 2, 1})
    ->Args({224, 2, 2})
    ->Args({224, 20, 1})
    ->Args({224, 20, 2})
    ->Args({1024, 2, 1})
    ->Args({1024, 2, 2})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vision

BENCHMARK_MAIN();
