// A stream of score maps through all metrics; items are images. One thread.
// Maps are in memory: what reading them may cost before it is the bottleneck.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "opencv2/core.hpp"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/localization_evaluator.h"
#include "wsol/metrics/test_maps.h"

namespace wsol {
namespace {

const vision::Box kTruth[] = {{100, 80, 340, 300}};

// ILSVRC's usual size, boxes only; maps as float32 of side x side.
void Stream(benchmark::State& state, TestMapKind kind, int side,
            EvaluationMode mode, bool keep_images) {
  std::vector<cv::Mat> maps;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    vision::Rng rng(seed);
    maps.emplace_back();
    MakeTestMap(kind, side, side, rng)
        .convertTo(maps.back(), CV_32F, 1.0 / 255);
  }
  LocalizationEvaluatorOptions options;
  options.SetMode(mode);
  options.SetKeepImages(keep_images);
  LocalizationEvaluator evaluator =
      LocalizationEvaluator::Create(options).value();
  LocalizationSample sample;
  sample.width = 500;
  sample.height = 375;
  sample.boxes = kTruth;
  sample.true_class_rank = 0;
  size_t next = 0;
  for (auto _ : state) {
    sample.id = absl::StrCat("val/ILSVRC2012_val_", next, ".JPEG");
    sample.score_map = maps[next++ % maps.size()];
    if (!evaluator.Accumulate(sample).ok()) {
      state.SkipWithError("rejected");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["state_bytes_per_image"] =
      static_cast<double>(evaluator.Serialize().size()) /
      static_cast<double>(next);
}

BENCHMARK_CAPTURE(Stream, Smooth28, TestMapKind::kSmooth28, 28,
                  EvaluationMode::kProtocol, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Stream, Smooth28Kept, TestMapKind::kSmooth28, 28,
                  EvaluationMode::kProtocol, true)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Stream, Smooth224, TestMapKind::kSmooth28, 224,
                  EvaluationMode::kProtocol, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Stream, Decoder224, TestMapKind::kDecoder, 224,
                  EvaluationMode::kProtocol, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Stream, Decoder224Kept, TestMapKind::kDecoder, 224,
                  EvaluationMode::kProtocol, true)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Stream, Smooth28Native, TestMapKind::kSmooth28, 28,
                  EvaluationMode::kNative, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Stream, Decoder224Native, TestMapKind::kDecoder, 224,
                  EvaluationMode::kNative, false)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace wsol

BENCHMARK_MAIN();
