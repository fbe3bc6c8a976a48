// All levels of a 224 x 224 map, boxes of both kinds and their IoUs: one sweep
// against one cv::findContours per level. One thread.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "opencv2/core.hpp"
#include "opencv2/core/utility.hpp"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "vision/geometry/box_iou.h"
#include "wsol/metrics/box_sweep.h"
#include "wsol/metrics/contour_oracle.h"
#include "wsol/metrics/test_maps.h"

namespace wsol {
namespace {

constexpr int kSide = 224;
const vision::Box kTruth[] = {{40, 50, 150, 170}, {100, 20, 210, 90}};

std::vector<cv::Mat> MakeMaps(TestMapKind kind, uint64_t count) {
  std::vector<cv::Mat> maps;
  for (uint64_t seed = 0; seed < count; ++seed) {
    vision::Rng rng(seed, {static_cast<uint64_t>(kind)});
    maps.push_back(MakeTestMap(kind, kSide, kSide, rng));
  }
  return maps;
}

double BestIou(absl::Span<const vision::Box> boxes) {
  double best = 0;
  for (const vision::Box& box : boxes) {
    for (const vision::Box& truth : kTruth) {
      best = std::max(best, vision::BoxIou(box, truth));
    }
  }
  return best;
}

void BM_Sweep(benchmark::State& state) {
  const auto kind = static_cast<TestMapKind>(state.range(0));
  const std::vector<cv::Mat> maps = MakeMaps(kind, 4);
  BoxSweep sweep;
  size_t next = 0;
  for (auto _ : state) {
    sweep.Run(maps[next++ % maps.size()], kTruth);
    benchmark::DoNotOptimize(sweep.BestIou(0));
  }
  state.SetLabel(TestMapKindName(kind));
  state.SetItemsProcessed(state.iterations() * kSide * kSide);
}

void BM_ContoursPerLevel(benchmark::State& state) {
  cv::setNumThreads(1);
  const auto kind = static_cast<TestMapKind>(state.range(0));
  const std::vector<cv::Mat> maps = MakeMaps(kind, 1);
  double low = 0, high = 0;
  cv::minMaxLoc(maps[0], &low, &high);
  for (auto _ : state) {
    for (int level = 0; level < high; ++level) {
      const OracleContours contours = FindContours(maps[0], level);
      benchmark::DoNotOptimize(BestIou(contours.boxes) +
                               BestIou({contours.largest_box}));
    }
  }
  state.SetLabel(TestMapKindName(kind));
  state.SetItemsProcessed(state.iterations() * kSide * kSide);
}

void AllKinds(benchmark::internal::Benchmark* benchmark) {
  for (const TestMapKind kind : AllTestMapKinds()) {
    benchmark->Arg(static_cast<int64_t>(kind));
  }
  benchmark->ArgName("kind")->Unit(benchmark::kMillisecond);
}

void TypicalKinds(benchmark::internal::Benchmark* benchmark) {
  for (const TestMapKind kind :
       {TestMapKind::kSmooth7, TestMapKind::kSmooth28, TestMapKind::kDecoder,
        TestMapKind::kNoisyDecoder, TestMapKind::kNoise}) {
    benchmark->Arg(static_cast<int64_t>(kind));
  }
  benchmark->ArgName("kind")->Unit(benchmark::kMillisecond);
}

BENCHMARK(BM_Sweep)->Apply(AllKinds);
BENCHMARK(BM_ContoursPerLevel)->Apply(TypicalKinds);

}  // namespace
}  // namespace wsol

BENCHMARK_MAIN();
