#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "glog/logging.h"
#include "vision/crf/mean_field.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

// Planning for an image and inference of its map: five iterations.
void BM_MeanField(benchmark::State& state) {
  const int size = static_cast<int>(state.range(0));
  const int labels = static_cast<int>(state.range(1));
  MeanFieldOptions options;
  options.bilateral.sigma_rgb = 15;
  options.bilateral.sigma_xy_pixels = 100;
  options.bilateral.method = BilateralFilterMethod::kGrid;
  options.num_threads = static_cast<int>(state.range(2));
  const std::vector<float> image =
      MakeTestImage(TestImage::kNatural, size, size, 7);
  const std::vector<float> unary =
      UnaryFromProbabilities(MakeTestMaps(labels, size, size, 3));
  std::vector<float> q(unary.size());
  const absl::StatusOr<std::unique_ptr<MeanField>> crf =
      MeanField::Create(image.data(), size, size, options);
  CHECK(crf.ok()) << crf.status();
  for (auto _ : state) {
    CHECK((*crf)->SetImage(image.data(), size, size).ok());
    CHECK((*crf)->Run(unary.data(), labels, q.data()).ok());
    benchmark::DoNotOptimize(q.data());
  }
  state.counters["MB"] = static_cast<double>((*crf)->bytes()) / 1e6;
}

BENCHMARK(BM_MeanField)
    ->ArgNames({"size", "labels", "threads"})
    ->Args({224, 2, 1})
    ->Args({224, 2, 2})
    ->Args({224, 21, 1})
    ->Args({224, 21, 2})
    ->Args({448, 2, 1})
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vision

BENCHMARK_MAIN();
