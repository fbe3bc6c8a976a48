// Besides the time, the counter peak_MB is the most memory that the process
// held at a time (Linux only), of which start_MB were there before.

#include <malloc.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
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

// A line of /proc/self/status in MB, or 0.
double StatusMegabytes(absl::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    absl::string_view rest = line;
    int64_t kilobytes = 0;
    if (absl::ConsumePrefix(&rest, name) && absl::ConsumeSuffix(&rest, " kB") &&
        absl::SimpleAtoi(rest, &kilobytes)) {
      return static_cast<double>(kilobytes) / 1000;
    }
  }
  return 0;
}

// Forgets the peak of what came before; false if the system does not let us.
bool ResetPeak() {
  malloc_trim(0);
  std::ofstream clear("/proc/self/clear_refs");
  clear << "5" << std::flush;
  return clear.good();
}

void BM_ReadSplitMetadata(benchmark::State& state) {
  const std::string dir = WriteSplit(state.range(0));
  const bool measured = ResetPeak();
  const double start = StatusMegabytes("VmRSS:");
  for (auto _ : state) {
    const absl::StatusOr<SplitMetadata> read = ReadSplitMetadata(dir);
    CHECK(read.ok()) << read.status();
    benchmark::DoNotOptimize(read->images.data());
  }
  if (measured) {
    state.counters["start_MB"] = start;
    state.counters["peak_MB"] = StatusMegabytes("VmHWM:");
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
