// How near the loader comes to decoding and resizing alone on the same number
// of threads, on photographs of ILSVRC's usual size.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "c10/core/ScalarType.h"
#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/file_io.h"
#include "vision/base/parallel_for.h"
#include "vision/base/rng.h"
#include "vision/image/image_io.h"
#include "vision/image/resize.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/datasets/metadata.h"

namespace wsol {
namespace {

#ifdef NDEBUG
constexpr int kImages = 256;
#else
constexpr int kImages = 8;  // For the smoke test of unoptimised builds.
#endif
constexpr int kResize = 256;

// 500 x 375 JPEG files of smooth colours with grain, about 80 KB each as those
// of photographs; written once.
const Dataset& Images() {
  static const Dataset& dataset = *[] {
    const char* const temporary = std::getenv("TEST_TMPDIR");
    const std::string dir =
        std::string(temporary != nullptr ? temporary : "/tmp") +
        "/loader_benchmark";
    std::filesystem::remove_all(dir);
    CHECK(vision::CreateDirectories(dir).ok());
    SplitMetadata split;
    split.num_classes = 1;
    vision::Rng rng(1);
    for (int i = 0; i < kImages; ++i) {
      ImageRecord& record = split.images.emplace_back();
      record.id = absl::StrCat(i, ".jpg");
      record.width = 500;
      record.height = 375;
      cv::Mat coarse(12, 16, CV_8UC3);
      for (size_t k = 0; k < coarse.total() * 3; ++k) {
        coarse.data[k] = static_cast<uint8_t>(rng.UniformInt(256));
      }
      cv::Mat image;
      cv::resize(coarse, image, cv::Size(record.width, record.height), 0, 0,
                 cv::INTER_CUBIC);
      for (size_t k = 0; k < image.total() * 3; ++k) {
        image.data[k] = cv::saturate_cast<uint8_t>(
            image.data[k] + static_cast<int>(rng.UniformInt(25)) - 12);
      }
      const absl::Status written = vision::WriteJpeg(
          vision::JoinPath(dir, record.id), image, /*quality=*/90);
      CHECK(written.ok()) << written;
    }
    CHECK(WriteSplitMetadata(dir, split).ok());
    absl::StatusOr<Dataset> opened = Dataset::Open(dir, dir);
    CHECK(opened.ok()) << opened.status();
    return new Dataset(*std::move(opened));
  }();
  return dataset;
}

// The yardstick: files to resized images, which are dropped.
void BM_DecodeAndResize(benchmark::State& state) {
  const Dataset& dataset = Images();
  for (auto _ : state) {
    vision::ParallelFor(
        dataset.size(), static_cast<int>(state.range(0)), [&](int64_t i) {
          const absl::StatusOr<cv::Mat> image = dataset.LoadImage(i);
          CHECK(image.ok()) << image.status();
          const absl::StatusOr<cv::Mat> resized =
              vision::ResizeAntialiased(*image, kResize, kResize);
          CHECK(resized.ok()) << resized.status();
          benchmark::DoNotOptimize(resized->data);
        });
  }
  state.SetItemsProcessed(state.iterations() * dataset.size());
}
BENCHMARK(BM_DecodeAndResize)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// An epoch of the loader as training uses it.
void BM_Loader(benchmark::State& state) {
  LoaderOptions options;
  options.shuffle = true;
  options.augment = true;
  options.resize = kResize;
  options.num_threads = static_cast<int>(state.range(0));
  options.channels_last = state.range(1) != 0;
  options.raw_images = state.range(2) != 0;
  options.image_dtype = state.range(3) != 0 ? at::kBFloat16 : at::kFloat;
  const absl::StatusOr<std::unique_ptr<Loader>> loader =
      Loader::Create(&Images(), options);
  CHECK(loader.ok()) << loader.status();
  int64_t epoch = 0;
  for (auto _ : state) {
    (*loader)->StartEpoch(epoch++);
    while (true) {
      const absl::StatusOr<std::optional<Batch>> batch = (*loader)->Next();
      CHECK(batch.ok()) << batch.status();
      if (!batch->has_value()) break;
    }
  }
  state.SetItemsProcessed(state.iterations() * Images().size());
}
BENCHMARK(BM_Loader)
    ->ArgNames({"threads", "channels_last", "raw", "bfloat16"})
    ->Args({1, 0, 1, 0})
    ->Args({1, 1, 1, 0})
    ->Args({1, 1, 0, 1})
    ->Args({2, 0, 1, 0})
    ->Args({2, 1, 1, 0})
    ->Args({2, 1, 0, 1})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace wsol

BENCHMARK_MAIN();
