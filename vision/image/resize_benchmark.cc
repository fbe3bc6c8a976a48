// Time of one resize, single thread; items are target pixels.

#include <cstdint>

#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/rng.h"
#include "vision/image/resize.h"

namespace vision {
namespace {

cv::Mat RandomImage(int width, int height, int channels) {
  cv::Mat image(height, width, CV_8UC(channels));
  Rng rng(0);
  for (size_t i = 0; i < image.total() * channels; ++i) {
    image.data[i] = static_cast<uint8_t>(rng.UniformInt(256));
  }
  return image;
}

void BM_ResizeAntialiased(benchmark::State& state, ResizeFilter filter) {
  const cv::Mat image = RandomImage(static_cast<int>(state.range(0)),
                                    static_cast<int>(state.range(1)),
                                    static_cast<int>(state.range(3)));
  const int size = static_cast<int>(state.range(2));
  for (auto _ : state) {
    const absl::StatusOr<cv::Mat> result =
        ResizeAntialiased(image, size, size, filter);
    CHECK(result.ok()) << result.status();
    benchmark::DoNotOptimize(result->data);
  }
  state.SetItemsProcessed(state.iterations() * size * size);
}

// What another meaning of "bilinear" costs: no wider filter when shrinking.
void BM_OpencvBilinear(benchmark::State& state) {
  const cv::Mat image = RandomImage(static_cast<int>(state.range(0)),
                                    static_cast<int>(state.range(1)),
                                    static_cast<int>(state.range(3)));
  const int size = static_cast<int>(state.range(2));
  cv::setNumThreads(1);
  for (auto _ : state) {
    cv::Mat result;
    cv::resize(image, result, cv::Size(size, size));
    benchmark::DoNotOptimize(result.data);
  }
  state.SetItemsProcessed(state.iterations() * size * size);
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"width", "height", "size", "channels"})
      ->Args({500, 375, 256, 3})    // An ImageNet photograph for training.
      ->Args({500, 375, 224, 3})    // The same for evaluation.
      ->Args({500, 375, 256, 1})    // A grey one.
      ->Args({2048, 1536, 256, 3})  // A camera's.
      ->Args({224, 224, 500, 3})    // Enlarging.
      ->Unit(benchmark::kMicrosecond);
}

BENCHMARK_CAPTURE(BM_ResizeAntialiased, bilinear, ResizeFilter::kBilinear)
    ->Apply(Sizes);
BENCHMARK_CAPTURE(BM_ResizeAntialiased, bicubic, ResizeFilter::kBicubic)
    ->Apply(Sizes);
BENCHMARK(BM_OpencvBilinear)->Apply(Sizes);

}  // namespace
}  // namespace vision

BENCHMARK_MAIN();
