// One training step of ResNet-50 with WSOL strides and a WGAP head of 200
// classes on 8 images of 224 x 224, two threads: forward, cross entropy,
// backward and an SGD update. Run with
//   --benchmark_enable_random_interleaving=true --benchmark_repetitions=5
// and OMP_WAIT_POLICY=passive in the environment, or CPU times include waiting.
// With KEEP_FREED_MEMORY=1 in it, all cases run with vision::KeepFreedMemory(),
// as //wsol:train does.
//
// Gflop/s counts the convolutions, three times those of a forward pass: the
// gradients of inputs and of weights cost as much each.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/Parallel.h"
#include "benchmark/benchmark.h"
#include "glog/logging.h"
#include "vision/inference/keep_freed_memory.h"
#include "vision/nn/autocast.h"
#include "wsol/classifier/classifier.h"
#include "wsol/training/optimizer.h"

namespace wsol {
namespace {

constexpr int kThreads = 2;
constexpr int64_t kBatch = 8;
constexpr int64_t kSize = 224;
constexpr int64_t kClasses = 200;
// Multiplications and additions of a step's convolutions, for one image.
constexpr double kFlop = 3 * 2. * 19077316608;

enum Variant { kPlain, kChannelsLast, kBFloat16, kBFloat16ChannelsLast };

// A classifier in training with all that a step needs.
class Trainee {
 public:
  explicit Trainee(Variant variant)
      : autocast_(variant == kBFloat16 || variant == kBFloat16ChannelsLast) {
    ClassifierOptions options;
    options.backbone = "resnet50";
    options.num_classes = kClasses;
    auto classifier = MakeClassifier(options);
    CHECK(classifier.ok()) << classifier.status();
    classifier_ = *classifier;
    classifier_->train();
    images_ = at::randn({kBatch, 3, kSize, kSize});
    labels_ = at::randint(kClasses, {kBatch}, at::kLong);
    if (variant == kChannelsLast || variant == kBFloat16ChannelsLast) {
      images_ = images_.contiguous(at::MemoryFormat::ChannelsLast);
      for (at::Tensor& parameter : classifier_->parameters()) {
        if (parameter.dim() != 4) continue;
        parameter.set_data(
            parameter.contiguous(at::MemoryFormat::ChannelsLast));
      }
    }
    auto optimizer = Optimizer::Create({{classifier_->parameters(), 1e-4}},
                                       OptimizerOptions());
    CHECK(optimizer.ok()) << optimizer.status();
    optimizer_ = *std::move(optimizer);
    optimizer_->SetEpoch(1);
  }

  double Step() {
    at::Tensor loss;
    {
      const vision::Autocast scope(autocast_);
      const at::Tensor logits = classifier_->forward(images_).logits;
      loss = at::cross_entropy_loss(logits.to(at::kFloat), labels_);
    }
    optimizer_->ZeroGrad();
    loss.backward();
    optimizer_->Step();
    return loss.item<double>();
  }

 private:
  const bool autocast_;
  std::shared_ptr<Classifier> classifier_;
  std::unique_ptr<Optimizer> optimizer_;
  at::Tensor images_;
  at::Tensor labels_;
};

template <Variant variant>
void BM_ClassifierStep(benchmark::State& state) {
  at::set_num_threads(kThreads);
  static const bool kept =
      std::getenv("KEEP_FREED_MEMORY") != nullptr && vision::KeepFreedMemory();
  benchmark::DoNotOptimize(kept);
  static auto& trainee = *new Trainee(variant);
  for (auto _ : state) benchmark::DoNotOptimize(trainee.Step());
  state.counters["Gflop/s"] = benchmark::Counter(
      kFlop * kBatch / 1e9, benchmark::Counter::kIsIterationInvariantRate);
}

#define FCAM_BENCHMARK(variant)                  \
  BENCHMARK_TEMPLATE(BM_ClassifierStep, variant) \
      ->MeasureProcessCPUTime()                  \
      ->UseRealTime()                            \
      ->Unit(benchmark::kMillisecond)

FCAM_BENCHMARK(kPlain);
FCAM_BENCHMARK(kChannelsLast);
FCAM_BENCHMARK(kBFloat16);
FCAM_BENCHMARK(kBFloat16ChannelsLast);

}  // namespace
}  // namespace wsol

BENCHMARK_MAIN();
