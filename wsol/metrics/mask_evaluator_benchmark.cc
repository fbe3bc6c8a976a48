// PxAP's histograms of scores, items are pixels. One thread.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "opencv2/core.hpp"
#include "vision/base/rng.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/mask_histogram.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/metrics/score_bins.h"

namespace wsol {
namespace {

struct Image {
  cv::Mat map;
  cv::Mat mask;
};

// Like a decoder's: mostly near the ends, with flat zeros.
Image MakeImage(uint64_t seed) {
  Image image{cv::Mat(kFrameSize, kFrameSize, CV_64FC1),
              cv::Mat::zeros(kFrameSize, kFrameSize, CV_8UC1)};
  vision::Rng rng(seed);
  for (int y = 0; y < kFrameSize; ++y) {
    for (int x = 0; x < kFrameSize; ++x) {
      const double u = rng.Uniform();
      image.map.at<double>(y, x) = rng.Bernoulli(0.1) ? 0 : u * u;
    }
  }
  image.mask(cv::Rect(40, 50, 110, 120)).setTo(kForegroundLabel);
  image.mask(cv::Rect(0, 0, 224, 20)).setTo(kIgnoredLabel);
  return image;
}

// 50 million pixels: 1000 images of the frame, from memory.
constexpr int kNumImages = 1000;

void BM_MaskEvaluator(benchmark::State& state) {
  std::vector<Image> images;
  for (uint64_t seed = 0; seed < 20; ++seed) images.push_back(MakeImage(seed));
  for (auto _ : state) {
    MaskEvaluator evaluator = MaskEvaluator::Create({}).value();
    for (int i = 0; i < kNumImages; ++i) {
      const Image& image = images[static_cast<size_t>(i) % images.size()];
      if (!evaluator.Accumulate(image.map, image.mask).ok()) {
        state.SkipWithError("rejected");
        return;
      }
    }
    benchmark::DoNotOptimize(evaluator.Compute()->pxap);
  }
  state.SetItemsProcessed(state.iterations() * kNumImages * kFrameSize *
                          kFrameSize);
}
BENCHMARK(BM_MaskEvaluator)->Unit(benchmark::kMillisecond);

// One pixel after the other by the reference.
void BM_FindEachBin(benchmark::State& state) {
  const Image image = MakeImage(0);
  const ScoreBins bins(0.001);
  PixelCounts counts(bins.num_bins());
  for (auto _ : state) {
    for (int i = 0; i < kFrameSize * kFrameSize; ++i) {
      const uint8_t label = image.mask.data[i];
      if (label == kIgnoredLabel) continue;
      auto& histogram =
          label == kForegroundLabel ? counts.foreground : counts.background;
      ++histogram[bins.Find(image.map.ptr<double>()[i])];
    }
  }
  state.SetItemsProcessed(state.iterations() * kFrameSize * kFrameSize);
}
BENCHMARK(BM_FindEachBin)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace wsol

BENCHMARK_MAIN();
