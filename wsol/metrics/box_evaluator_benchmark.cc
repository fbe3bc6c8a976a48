// All thresholds of a 224 x 224 map, boxes of both kinds and the histogram: one
// sweep against one cv::findContours per level. One thread. Compare the cases
// of one run (--benchmark_enable_random_interleaving=true): the machine's load
// moves both.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "opencv2/core.hpp"
#include "opencv2/core/utility.hpp"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "vision/geometry/box_iou.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_sweep.h"
#include "wsol/metrics/contour_oracle.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/metrics/test_maps.h"

namespace wsol {
namespace {

const vision::Box kTruth[] = {{40, 50, 150, 170}, {100, 20, 210, 90}};

std::vector<cv::Mat> MakeMaps(TestMapKind kind, uint64_t count) {
  std::vector<cv::Mat> maps;
  for (uint64_t seed = 0; seed < count; ++seed) {
    vision::Rng rng(seed, {static_cast<uint64_t>(kind)});
    maps.push_back(MakeTestMap(kind, kFrameSize, kFrameSize, rng));
  }
  return maps;
}

// Scores in the middle of a byte's interval; 1 for 255.
cv::Mat ScoresOf(const cv::Mat& bytes) {
  cv::Mat scores(bytes.rows, bytes.cols, CV_64FC1);
  for (int y = 0; y < bytes.rows; ++y) {
    for (int x = 0; x < bytes.cols; ++x) {
      scores.at<double>(y, x) =
          std::min((bytes.at<uint8_t>(y, x) + 0.5) / 255, 1.0);
    }
  }
  return scores;
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

// What an image costs: checks, bytes, MaxBoxAcc and MaxBoxAccV2 at 1000
// thresholds and three IoUs, and PxAP's histogram.
void Evaluate(benchmark::State& state, TestMapKind kind) {
  std::vector<cv::Mat> maps;
  for (const cv::Mat& bytes : MakeMaps(kind, 4)) {
    maps.push_back(ScoresOf(bytes));
  }
  cv::Mat mask = cv::Mat::zeros(kFrameSize, kFrameSize, CV_8UC1);
  mask(cv::Rect(40, 50, 110, 120)).setTo(kForegroundLabel);
  BoxEvaluator boxes = BoxEvaluator::Create({}).value();
  MaskEvaluator masks = MaskEvaluator::Create({}).value();
  size_t next = 0;
  for (auto _ : state) {
    const cv::Mat& map = maps[next++ % maps.size()];
    if (!boxes.Accumulate(map, kTruth, ImageInfo()).ok() ||
        !masks.Accumulate(map, mask).ok()) {
      state.SkipWithError("rejected");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
}

// The part of it that finds boxes and their IoUs at all levels.
void Sweep(benchmark::State& state, TestMapKind kind) {
  const std::vector<cv::Mat> maps = MakeMaps(kind, 4);
  BoxSweep sweep;
  size_t next = 0;
  for (auto _ : state) {
    sweep.Run(maps[next++ % maps.size()], kTruth, EvaluationMode::kProtocol);
    benchmark::DoNotOptimize(sweep.BestIou(0));
  }
  state.SetItemsProcessed(state.iterations());
}

// The same by tracing the contours of each distinct level set.
void ContoursPerLevel(benchmark::State& state, TestMapKind kind) {
  cv::setNumThreads(1);
  const std::vector<cv::Mat> maps = MakeMaps(kind, 4);
  size_t next = 0;
  for (auto _ : state) {
    const cv::Mat& map = maps[next++ % maps.size()];
    bool is_present[256] = {};
    for (int y = 0; y < map.rows; ++y) {
      for (int x = 0; x < map.cols; ++x) {
        is_present[map.at<uint8_t>(y, x)] = true;
      }
    }
    for (int level = 0; level < 255; ++level) {
      if (level > 0 && !is_present[level]) continue;
      const OracleContours contours = FindContours(map, level);
      benchmark::DoNotOptimize(BestIou(contours.boxes) +
                               BestIou({contours.largest_box}));
    }
  }
  state.SetItemsProcessed(state.iterations());
}

void RegisterAll() {
  using Function = void (*)(benchmark::State&, TestMapKind);
  const auto register_one = [](const std::string& what, TestMapKind kind,
                               Function function) {
    benchmark::RegisterBenchmark(
        (what + "/" + TestMapKindName(kind)).c_str(),
        [function, kind](benchmark::State& state) { function(state, kind); })
        ->Unit(benchmark::kMillisecond);
  };
  for (const TestMapKind kind : AllTestMapKinds()) {
    register_one("Evaluate", kind, Evaluate);
    register_one("Sweep", kind, Sweep);
  }
  for (const TestMapKind kind :
       {TestMapKind::kSmooth7, TestMapKind::kSmooth28, TestMapKind::kDecoder,
        TestMapKind::kNoisyDecoder, TestMapKind::kNoise}) {
    register_one("ContoursPerLevel", kind, ContoursPerLevel);
  }
}

}  // namespace
}  // namespace wsol

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  wsol::RegisterAll();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
