// F-CAM of ResNet-50 with WSOL strides on images of 224 x 224 with two threads:
// the plain forward pass in NCHW against all that Localizer does for an image
// (resizing, network, map of the image's size, mask, box). Run with
//   --benchmark_enable_random_interleaving=true --benchmark_repetitions=9
// and OMP_WAIT_POLICY=passive in the environment, or CPU times include waiting.
// With KEEP_FREED_MEMORY=1 in it, all cases run with KeepFreedMemory().

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/Parallel.h"
#include "benchmark/benchmark.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/localizer/localizer.h"
#include "fcam/localizer/test_model.h"
#include "fcam/model_folder/fcam_folder.h"
#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "vision/inference/keep_freed_memory.h"

namespace fcam {
namespace {

constexpr int kThreads = 2;
constexpr int kSize = 224;

FcamFolderInfo ResNet50Info() {
  FcamFolderInfo info;
  info.classifier.classifier.backbone = "resnet50";
  info.classifier.classifier.num_classes = 200;
  info.classifier.preprocessing.crop = kSize;
  return info;
}

void BM_PlainForward(benchmark::State& state) {
  at::set_num_threads(kThreads);
  static const auto& model =
      *new std::shared_ptr<FcamModel>(MakeTestModel(ResNet50Info()));
  const at::NoGradGuard no_grad;
  const at::Tensor images = at::rand({state.range(0), 3, kSize, kSize});
  for (auto _ : state) {
    const FcamOutput output = model->forward(images);
    benchmark::DoNotOptimize(ForegroundMap(output.fcams));
    benchmark::DoNotOptimize(output.logits.softmax(1));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

std::unique_ptr<Localizer> MakeLocalizer(const char* precision) {
  LocalizerOptions options;
  options.precision = precision;
  options.allow_slow_precision = true;
  options.num_threads = kThreads;
  const FcamFolderInfo info = ResNet50Info();
  auto localizer =
      Localizer::Create(MakeTestModel(info), info.classifier, options);
  CHECK(localizer.ok()) << localizer.status();
  return *std::move(localizer);
}

void RunLocalizer(const Localizer& localizer, benchmark::State& state) {
  at::set_num_threads(kThreads);
  const std::vector<cv::Mat> images(static_cast<size_t>(state.range(0)),
                                    TestImage(kSize, kSize, 1));
  for (auto _ : state) {
    const auto found = localizer.LocalizeBatch(images);
    CHECK(found.ok()) << found.status();
    benchmark::DoNotOptimize(found->front().boxes);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_Localizer(benchmark::State& state) {
  static const auto& localizer =
      *new std::unique_ptr<Localizer>(MakeLocalizer("float32"));
  RunLocalizer(*localizer, state);
}

void BM_LocalizerBFloat16(benchmark::State& state) {
  static const auto& localizer =
      *new std::unique_ptr<Localizer>(MakeLocalizer("bfloat16"));
  RunLocalizer(*localizer, state);
}

// Wall time: the work is that of several threads.
BENCHMARK(BM_PlainForward)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK(BM_Localizer)
    ->Arg(1)
    ->Arg(8)
    ->Arg(32)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK(BM_LocalizerBFloat16)
    ->Arg(1)
    ->Arg(8)
    ->Arg(32)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace fcam

int main(int argc, char** argv) {
  if (std::getenv("KEEP_FREED_MEMORY") != nullptr) vision::KeepFreedMemory();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
