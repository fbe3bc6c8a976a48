// Score maps from disk to metrics: what reading costs beside evaluating. Files
// are read from the system's cache after the first round.
//
// range(0), range(1): width and height of the maps; range(2): NpyDtype.

#include <sys/resource.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "opencv2/core.hpp"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"
#include "vision/image/npy.h"
#include "vision/image/resize_map.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/metadata.h"
#include "wsol/score_maps/evaluate_maps.h"
#include "wsol/score_maps/score_map_folder.h"

namespace wsol {
namespace {

constexpr int kImages = 64;

// A smooth map, 28 x 28 values interpolated as those of CAM methods are.
cv::Mat SmoothMap(uint64_t number, int width, int height) {
  vision::Rng rng(1, {number});
  cv::Mat coarse(7, 7, CV_64FC1);
  for (double& value : cv::Mat_<double>(coarse)) value = rng.Uniform();
  coarse = vision::ResizeMapBilinear(coarse, 28, 28).value();
  return vision::ResizeMapBilinear(coarse, width, height).value();
}

std::string MakeSplit(int width, int height, vision::NpyDtype dtype) {
  const std::string folder =
      vision::JoinPath(std::filesystem::temp_directory_path().string(),
                       absl::StrCat("evaluate_maps_benchmark/", width, "x",
                                    height, "_", vision::NpyDtypeName(dtype)));
  SplitMetadata split;
  split.num_classes = 1;
  for (int i = 0; i < kImages; ++i) {
    ImageRecord image;
    image.id = absl::StrCat("image", 100 + i, ".jpg");
    image.width = 500;
    image.height = 375;
    image.boxes = {{100 + i, 50, 300 + i, 300}};
    split.images.push_back(image);
  }
  vision::CreateDirectories(folder + "/maps").IgnoreError();
  WriteSplitMetadata(folder, split).IgnoreError();
  for (int i = 0; i < kImages; ++i) {
    vision::WriteNpy(absl::StrCat(folder, "/maps/image", 100 + i, ".jpg.npy"),
                     SmoothMap(static_cast<uint64_t>(i), width, height), dtype)
        .IgnoreError();
  }
  return folder;
}

std::vector<std::string> Ids(const Dataset& split) {
  std::vector<std::string> ids;
  for (int64_t i = 0; i < split.size(); ++i) ids.push_back(split.record(i).id);
  return ids;
}

void Run(benchmark::State& state, bool evaluate) {
  const std::string folder = MakeSplit(
      static_cast<int>(state.range(0)), static_cast<int>(state.range(1)),
      static_cast<vision::NpyDtype>(state.range(2)));
  const Dataset split = Dataset::Open(folder, folder).value();
  const ScoreMapFolder maps =
      ScoreMapFolder::Open(folder + "/maps", Ids(split)).value();
  for (auto _ : state) {
    if (evaluate) {
      benchmark::DoNotOptimize(EvaluateMaps(split,
                                            [&](int64_t i, cv::Size) {
                                              return maps.Load(
                                                  static_cast<size_t>(i));
                                            },
                                            {})
                                   .value());
      continue;
    }
    for (size_t i = 0; i < kImages; ++i) {
      benchmark::DoNotOptimize(maps.Load(i).value());
    }
  }
  state.SetItemsProcessed(state.iterations() * kImages);
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  state.counters["max_rss_MB"] = static_cast<double>(usage.ru_maxrss) / 1024;
  std::filesystem::remove_all(folder);
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  for (const vision::NpyDtype dtype :
       {vision::NpyDtype::kFloat16, vision::NpyDtype::kFloat32}) {
    benchmark->Args({224, 224, static_cast<int64_t>(dtype)});
    benchmark->Args({500, 375, static_cast<int64_t>(dtype)});
  }
  benchmark->Unit(benchmark::kMillisecond);
}

// Finding, reading and decoding alone.
void BM_LoadScoreMaps(benchmark::State& state) { Run(state, false); }
BENCHMARK(BM_LoadScoreMaps)->Apply(Sizes);

// The same and all metrics, on one thread.
void BM_EvaluateScoreMaps(benchmark::State& state) { Run(state, true); }
BENCHMARK(BM_EvaluateScoreMaps)->Apply(Sizes);

}  // namespace
}  // namespace wsol

BENCHMARK_MAIN();
