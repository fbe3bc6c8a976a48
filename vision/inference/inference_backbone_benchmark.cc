// ResNet-50 with WSOL strides on 8 images of 224 x 224 with two threads: the
// plain module against what MakeInferenceBackbone makes of it. Run with
//   --benchmark_enable_random_interleaving=true --benchmark_repetitions=9
// and OMP_WAIT_POLICY=passive in the environment, or CPU times include waiting.
// With KEEP_FREED_MEMORY=1 in it, all cases run with KeepFreedMemory().
//
// peak% is the share of what two threads reach with float32 fused multiply-adds
// on registers alone, measured at the start (64-bit x86 only; 0 elsewhere).
// bfloat16 instructions do twice as much, so they may exceed 100.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/Parallel.h"
#include "benchmark/benchmark.h"
#include "glog/logging.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/factory.h"
#include "vision/inference/inference_backbone.h"
#include "vision/inference/keep_freed_memory.h"

namespace vision {
namespace {

constexpr int kThreads = 2;
constexpr int64_t kBatch = 8;
constexpr int64_t kSize = 224;
// Multiplications and additions of the convolutions, for one image.
constexpr double kFlop = 2. * 19077316608;

#if defined(__x86_64__)

// 12 independent chains hide the latency of the instruction.
constexpr int kChains = 12;

template <typename V>
inline __attribute__((always_inline)) float MultiplyAdd(int64_t rounds) {
  V sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = V{} + static_cast<float>(i);
  const V a = V{} + 0.999f;
  const V b = V{} + 0.001f;
  for (int64_t round = 0; round < rounds; ++round) {
    for (V& sum : sums) sum = sum * a + b;
  }
  float total = 0;
  for (const V& sum : sums) total += sum[0];
  return total;
}

typedef float Wide __attribute__((vector_size(64)));
typedef float Narrow __attribute__((vector_size(32)));

__attribute__((target("avx512f"))) float MultiplyAddAvx512(int64_t rounds) {
  return MultiplyAdd<Wide>(rounds);
}

__attribute__((target("avx2,fma"))) float MultiplyAddAvx2(int64_t rounds) {
  return MultiplyAdd<Narrow>(rounds);
}

// In flop per second, the best of a few tries.
double MeasurePeak() {
  const bool wide = __builtin_cpu_supports("avx512f");
  if (!wide &&
      !(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))) {
    return 0;
  }
  constexpr int64_t kRounds = 5000000;
  double best = 0;
  for (int repetition = 0; repetition < 10; ++repetition) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([wide] {
        benchmark::DoNotOptimize(wide ? MultiplyAddAvx512(kRounds)
                                      : MultiplyAddAvx2(kRounds));
      });
    }
    for (std::thread& thread : threads) thread.join();
    const std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    best = std::max(best, 2. * kThreads * kChains * (wide ? 16 : 8) *
                              static_cast<double>(kRounds) / seconds.count());
  }
  return best;
}

#else
double MeasurePeak() { return 0; }
#endif

double Peak() {
  static const double peak = [] {
    const double flops = MeasurePeak();
    std::printf("float32 FMA peak of %d threads: %.1f Gflop/s\n", kThreads,
                flops / 1e9);
    return flops;
  }();
  return peak;
}

std::shared_ptr<Backbone> MakeResNet50() {
  auto backbone = MakeBackbone("resnet50");
  CHECK(backbone.ok()) << backbone.status();
  (*backbone)->eval();
  return *std::move(backbone);
}

enum Variant { kPlain, kChannelsLast, kFolded, kPacked, kBFloat16 };

std::shared_ptr<Backbone> MakeVariant(Variant variant) {
  std::shared_ptr<Backbone> backbone = MakeResNet50();
  if (variant == kPlain) return backbone;
  InferenceOptions options;
  options.fold_norms = variant != kChannelsLast;
  options.pack_weights = variant == kPacked || variant == kBFloat16;
  if (variant == kBFloat16) {
    options.precision = Precision::kBFloat16;
    options.allow_slow_precision = true;
  }
  auto fast = MakeInferenceBackbone(std::move(backbone), options);
  CHECK(fast.ok()) << fast.status();
  return *std::move(fast);
}

template <Variant variant>
void BM_ResNet50(benchmark::State& state) {
  const double peak = Peak();
  at::set_num_threads(kThreads);
  static const auto& backbone =
      *new std::shared_ptr<Backbone>(MakeVariant(variant));
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::rand({kBatch, 3, kSize, kSize});
  for (auto _ : state) {
    benchmark::DoNotOptimize(backbone->forward(images).back());
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
  if (peak > 0) {
    state.counters["peak%"] =
        benchmark::Counter(100 * kFlop * kBatch / peak,
                           benchmark::Counter::kIsIterationInvariantRate);
  }
}

// Wall time: the work is that of several threads.
BENCHMARK_TEMPLATE(BM_ResNet50, kPlain)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_TEMPLATE(BM_ResNet50, kChannelsLast)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_TEMPLATE(BM_ResNet50, kFolded)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_TEMPLATE(BM_ResNet50, kPacked)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_TEMPLATE(BM_ResNet50, kBFloat16)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace vision

int main(int argc, char** argv) {
  if (std::getenv("KEEP_FREED_MEMORY") != nullptr) vision::KeepFreedMemory();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
