#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "benchmark/benchmark.h"
#include "vision/crf/dense_crf_loss.h"
#include "vision/crf/test_images.h"

namespace vision {
namespace {

// The loss of a batch and its gradient with respect to the probabilities.
void BM_DenseCrfLoss(benchmark::State& state, BilateralFilterMethod method) {
  const int size = static_cast<int>(state.range(0));
  const int64_t batch = state.range(1);
  std::vector<at::Tensor> images, maps;
  for (int64_t n = 0; n < batch; ++n) {
    images.push_back(at::tensor(MakeTestImage(TestImage::kNatural, size, size,
                                              static_cast<uint64_t>(n)))
                         .reshape({3, size, size}));
    maps.push_back(
        at::tensor(MakeTestMaps(2, size, size, static_cast<uint64_t>(n)))
            .reshape({2, size, size}));
  }
  const at::Tensor rgb = at::stack(images);
  const at::Tensor probabilities = at::stack(maps).requires_grad_(true);
  DenseCrfLossOptions options;
  options.filter.method = method;
  options.num_threads = static_cast<int>(state.range(2));
  for (auto _ : state) {
    DenseCrfLoss(probabilities, rgb, options).backward();
    probabilities.mutable_grad().reset();
  }
  state.SetItemsProcessed(state.iterations() * batch);  // Images.
}

BENCHMARK_CAPTURE(BM_DenseCrfLoss, grid, BilateralFilterMethod::kGrid)
    ->ArgNames({"size", "batch", "threads"})
    ->ArgsProduct({{96, 224}, {32}, {1, 2}})
    ->UseRealTime()
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_DenseCrfLoss, lattice, BilateralFilterMethod::kLattice)
    ->ArgNames({"size", "batch", "threads"})
    ->Args({224, 32, 2})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vision

BENCHMARK_MAIN();
