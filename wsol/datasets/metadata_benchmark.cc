#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "benchmark/benchmark.h"
#include "glog/logging.h"
#include "vision/geometry/box.h"
#include "wsol/datasets/metadata.h"

namespace wsol {
namespace {

// Writes a split like ILSVRC's train split, a box for each image.
std::string WriteSplit(int64_t images) {
  SplitMetadata split;
  split.num_classes = 1000;
  split.images.resize(static_cast<size_t>(images));
  for (size_t i = 0; i < split.images.size(); ++i) {
    ImageRecord& image = split.images[i];
    image.label = static_cast<int>(i % 1000);
    image.id = absl::StrFormat("train/n%08d/n%08d_%d.JPEG", image.label,
                               image.label, i);
    image.width = 500;
    image.height = 375;
    image.boxes = {BoxFromFileCorners({10, 20, 300, 250})};
  }
  const char* const temporary = std::getenv("TEST_TMPDIR");
  const std::string dir = absl::StrCat(
      temporary != nullptr ? temporary : "/tmp", "/metadata_benchmark");
  CHECK(WriteSplitMetadata(dir, split).ok());
  return dir;
}

void BM_ReadSplitMetadata(benchmark::State& state) {
  const std::string dir = WriteSplit(state.range(0));
  for (auto _ : state) {
    const absl::StatusOr<SplitMetadata> read = ReadSplitMetadata(dir);
    CHECK(read.ok()) << read.status();
    benchmark::DoNotOptimize(read->images.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ReadSplitMetadata)
    ->ArgName("images")
    ->Arg(10'000)
#ifdef NDEBUG  // All of ILSVRC: too much for an unoptimised smoke test.
    ->Arg(1'280'000)
#endif
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace wsol

BENCHMARK_MAIN();
