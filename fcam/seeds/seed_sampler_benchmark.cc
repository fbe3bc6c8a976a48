// Time to make the seeds of one training batch, with the published settings.

#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "fcam/seeds/seed_sampler.h"
#include "vision/base/parallel_for.h"
#include "vision/base/rng.h"

namespace fcam {
namespace {

// A smooth bump at a place that depends on `n`, as an upsampled CAM has.
std::vector<float> Bump(int size, int n) {
  std::vector<float> cam(static_cast<size_t>(size) * size);
  vision::Rng rng(static_cast<uint64_t>(n));
  const double cx = rng.Uniform(0.2, 0.8) * size;
  const double cy = rng.Uniform(0.2, 0.8) * size;
  const double width = rng.Uniform(0.1, 0.3) * size;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const double u = (x - cx) / width;
      const double v = (y - cy) / width;
      cam[static_cast<size_t>(y) * size + x] =
          static_cast<float>(1 / (1 + u * u + v * v));
    }
  }
  return cam;
}

void BM_SampleSeeds(benchmark::State& state) {
  const int size = static_cast<int>(state.range(0));
  const int batch = static_cast<int>(state.range(1));
  const int threads = static_cast<int>(state.range(2));
  SeedOptions options;
  options.foreground_pixels = 1;
  options.background_pixels = 1;
  options.dilation = 3;
  options.background_fraction = 0.1;
  std::vector<std::vector<float>> cams;
  for (int n = 0; n < batch; ++n) cams.push_back(Bump(size, n));
  const size_t pixels = static_cast<size_t>(size) * size;
  std::vector<int64_t> labels(pixels * batch);
  uint64_t epoch = 0;
  for (auto _ : state) {
    vision::ParallelFor(batch, threads, [&](int64_t n) {
      vision::Rng rng(0, {epoch, static_cast<uint64_t>(n)});
      SampleSeeds(cams[n], size, size, options, rng,
                  absl::MakeSpan(labels.data() + n * pixels, pixels));
    });
    ++epoch;
    benchmark::DoNotOptimize(labels.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(BM_SampleSeeds)
    ->ArgNames({"size", "batch", "threads"})
    ->Args({224, 32, 1})
    ->Args({224, 32, 2})
    ->Args({96, 32, 1})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fcam

BENCHMARK_MAIN();
