// What CAM methods cost beyond the forward pass, and what the many forward
// passes of ScoreCAM cost against plain loops. Run with
//   --benchmark_enable_random_interleaving=true --benchmark_repetitions=9
// and OMP_WAIT_POLICY=passive in the environment, or CPU times include waiting.
//
// BM_Method: the maps of 8 images' features [2048, 28, 28] under a WGAP head,
// by each method that has a closed form there. BM_WithForward: the same with
// the forward pass of ResNet-50 at 224 x 224, for one image.
// BM_ScoreCam and BM_Loop: 8 of the channels' masks of one image. peak_MiB is
// what the resident size grows by at most.

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "ATen/ATen.h"
#include "ATen/Parallel.h"
#include "benchmark/benchmark.h"
#include "vision/inference/inference_backbone.h"
#include "vision/inference/keep_freed_memory.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/cam_network.h"
#include "wsol/cam/classifier_network.h"
#include "wsol/cam/factory.h"
#include "wsol/classifier/classifier.h"
#include "wsol/classifier/inference_classifier.h"

namespace wsol {
namespace {

constexpr int kThreads = 2;
constexpr int64_t kMasks = 8;
constexpr int64_t kSize = 224;

// A line of /proc/self/status in MiB; 0 if it is not there.
double StatusMebibytes(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) == 0) {
      return std::stod(line.substr(key.size())) / 1024;
    }
  }
  return 0;
}

// From here on the highest resident size is counted anew.
double ResetPeak() {
  std::ofstream("/proc/self/clear_refs") << "5";
  return StatusMebibytes("VmRSS:");
}

// A linear head on features that are there already.
class HeadAlone : public CamNetwork {
 public:
  explicit HeadAlone(int64_t channels)
      : weights_(at::randn({200, channels}) * 0.02) {}

  Output Forward(const at::Tensor& images) override {
    return {{images}, LogitsOf(images)};
  }
  at::Tensor LogitsOf(const at::Tensor& last_features) override {
    return at::linear(last_features.mean(at::IntArrayRef({2, 3})), weights_);
  }
  at::Tensor LinearWeights() const override { return weights_; }
  bool HasOwnMaps() const override { return false; }
  at::Tensor OwnMaps(const at::Tensor&) override { return {}; }
  bool IsInEvaluationMode() const override { return true; }

 private:
  const at::Tensor weights_;
};

std::unique_ptr<CamMethod> Method(const std::string& name) {
  CamOptions options;
  options.method = name;
  return MakeCamMethod(options).value();
}

constexpr const char* kMethods[] = {"CAM",      "GradCAM",    "GradCAM++",
                                    "XGradCAM", "LayerCAM",   "HiResCAM",
                                    "FinerCAM", "AblationCAM"};

void BM_Method(benchmark::State& state, const char* name) {
  at::set_num_threads(kThreads);
  at::manual_seed(1);
  HeadAlone network(2048);
  CamInput input;
  input.images = at::randn({8, 2048, 28, 28}).relu_();
  input.classes = at::arange(8, at::kLong);
  input.output = network.Forward(input.images);
  const auto method = Method(name);
  for (auto _ : state) {
    benchmark::DoNotOptimize(method->Compute(network, input).value());
  }
  state.SetItemsProcessed(state.iterations() * 8);
}

std::shared_ptr<Classifier> MakeResNet50() {
  ClassifierOptions options;
  options.backbone = "resnet50";
  options.num_classes = 200;
  std::shared_ptr<Classifier> classifier = MakeClassifier(options).value();
  classifier->eval();
  for (const at::Tensor& parameter : classifier->parameters()) {
    parameter.set_requires_grad(false);
  }
  return classifier;
}

// The networks live as long as the process, so that cases share them.
Classifier& Plain() {
  static std::shared_ptr<Classifier>& classifier =
      *new std::shared_ptr<Classifier>(MakeResNet50());
  return *classifier;
}

std::shared_ptr<Classifier>* MakeFast(vision::Precision precision) {
  vision::InferenceOptions options;
  options.precision = precision;
  options.allow_slow_precision = true;
  return new std::shared_ptr<Classifier>(
      MakeInferenceClassifier(MakeResNet50(), options).value());
}

Classifier& Fast() {
  static std::shared_ptr<Classifier>& classifier =
      *MakeFast(vision::Precision::kFloat32);
  return *classifier;
}

Classifier& FastBFloat16() {
  static std::shared_ptr<Classifier>& classifier =
      *MakeFast(vision::Precision::kBFloat16);
  return *classifier;
}

at::Tensor Image() {
  at::manual_seed(2);
  return at::randn({1, 3, kSize, kSize});
}

void BM_WithForward(benchmark::State& state, const char* name) {
  at::set_num_threads(kThreads);
  ClassifierNetwork network(Plain());
  CamInput input;
  input.images = Image();
  input.classes = at::zeros({1}, at::kLong);
  const auto method = Method(name);
  for (auto _ : state) {
    benchmark::DoNotOptimize(method->Compute(network, input).value());
  }
  state.SetItemsProcessed(state.iterations());
}

// Shows the first channels of the last features, so that ScoreCAM has as many
// masks.
class FewChannels : public CamNetwork {
 public:
  FewChannels(CamNetwork& network, int64_t channels)
      : network_(network), channels_(channels) {}

  Output Forward(const at::Tensor& images) override {
    Output output = network_.Forward(images);
    output.features.back() = output.features.back().narrow(1, 0, channels_);
    return output;
  }
  at::Tensor LogitsOf(const at::Tensor&) override { return {}; }
  at::Tensor LinearWeights() const override { return {}; }
  bool HasOwnMaps() const override { return false; }
  at::Tensor OwnMaps(const at::Tensor&) override { return {}; }
  bool IsInEvaluationMode() const override { return true; }

 private:
  CamNetwork& network_;
  const int64_t channels_;
};

void ScoreCam(benchmark::State& state, Classifier& classifier,
              int64_t budget_bytes) {
  at::set_num_threads(kThreads);
  ClassifierNetwork whole(classifier);
  FewChannels network(whole, kMasks);
  CamInput input;
  input.images = Image();
  input.classes = at::zeros({1}, at::kLong);
  {
    const at::NoGradGuard no_grad;
    input.output = network.Forward(input.images);
  }
  CamOptions options;
  options.method = "ScoreCAM";
  options.memory_budget_bytes = budget_bytes;
  const auto method = MakeCamMethod(options).value();
  const double before = ResetPeak();
  for (auto _ : state) {
    benchmark::DoNotOptimize(method->Compute(network, input).value());
  }
  state.counters["peak_MiB"] = StatusMebibytes("VmHWM:") - before;
  state.SetItemsProcessed(state.iterations() * kMasks);
}

constexpr int64_t kGibibyte = int64_t{1} << 30;

void BM_ScoreCam_Plain(benchmark::State& state) {
  ScoreCam(state, Plain(), kGibibyte);
}
void BM_ScoreCam_Inference(benchmark::State& state) {
  ScoreCam(state, Fast(), kGibibyte);
}
void BM_ScoreCam_BFloat16(benchmark::State& state) {
  ScoreCam(state, FastBFloat16(), kGibibyte);
}
void BM_ScoreCam_Inference_Budget(benchmark::State& state) {
  ScoreCam(state, Fast(), state.range(0) << 20);
}

// What one would write: all masks resized at once, then `batch` masked images
// in each forward pass.
void BM_Loop(benchmark::State& state) {
  at::set_num_threads(kThreads);
  const at::NoGradGuard no_grad;
  Classifier& classifier = Plain();
  const at::Tensor x = Image();
  const at::Tensor features =
      classifier.forward(x).features.back()[0].narrow(0, 0, kMasks);
  const at::Tensor low = features.amin({1, 2}, /*keepdim=*/true);
  const at::Tensor normalized =
      (features - low) / (features.amax({1, 2}, /*keepdim=*/true) - low);
  const int64_t batch = state.range(0);
  const double before = ResetPeak();
  for (auto _ : state) {
    const at::Tensor masks = at::upsample_bilinear2d(
        normalized.unsqueeze(1), {kSize, kSize}, /*align_corners=*/false);
    for (int64_t begin = 0; begin < kMasks; begin += batch) {
      benchmark::DoNotOptimize(at::softmax(
          classifier.forward(masks.narrow(0, begin, batch) * x).logits, 1));
    }
  }
  state.counters["peak_MiB"] = StatusMebibytes("VmHWM:") - before;
  state.SetItemsProcessed(state.iterations() * kMasks);
}

BENCHMARK(BM_Loop)
    ->Arg(1)
    ->Arg(kMasks)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();
BENCHMARK(BM_ScoreCam_Plain)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();
BENCHMARK(BM_ScoreCam_Inference)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();
BENCHMARK(BM_ScoreCam_Inference_Budget)
    ->Arg(64)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();
BENCHMARK(BM_ScoreCam_BFloat16)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime();

void RegisterMethods() {
  for (const char* const name : kMethods) {
    benchmark::RegisterBenchmark((std::string("BM_Method/") + name).c_str(),
                                 BM_Method, name)
        ->Unit(benchmark::kMillisecond)
        ->MeasureProcessCPUTime();
  }
  for (const char* const name :
       {"CAM", "GradCAM", "GradCAM++", "XGradCAM", "LayerCAM"}) {
    benchmark::RegisterBenchmark(
        (std::string("BM_WithForward/") + name).c_str(), BM_WithForward, name)
        ->Unit(benchmark::kMillisecond)
        ->MeasureProcessCPUTime();
  }
}

}  // namespace
}  // namespace wsol

int main(int argc, char** argv) {
  if (std::getenv("KEEP_FREED_MEMORY") != nullptr) vision::KeepFreedMemory();
  wsol::RegisterMethods();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
