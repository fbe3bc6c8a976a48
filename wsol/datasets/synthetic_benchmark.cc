#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "glog/logging.h"
#include "testing/test_data.h"
#include "wsol/datasets/composer.h"
#include "wsol/datasets/synthetic.h"

namespace wsol {
namespace {

SyntheticOptions MakeOptions() {
  SyntheticOptions options;
  options.source_dir = ::testing::TestDataPath("wsol/datasets/objects20");
  return options;
}

// Composing alone, one thread.
void BM_Compose(benchmark::State& state) {
  const absl::StatusOr<ComposerMaterial> material =
      LoadSyntheticMaterial(MakeOptions());
  CHECK(material.ok()) << material.status();
  ComposerOptions options;
  options.size = static_cast<int>(state.range(0));
  const absl::StatusOr<Composer> composer =
      Composer::Create(*material, options);
  CHECK(composer.ok()) << composer.status();
  int64_t n = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(composer->Compose(Split::kTrain, n++).rgb.data);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Compose)->ArgName("size")->Arg(96)->Arg(128)->Arg(224);

// The data set to disk (compose:1), or the check of what is there.
void BM_ComposeDataset(benchmark::State& state) {
  SyntheticOptions options = MakeOptions();
#ifndef NDEBUG
  options.scale = 0.02;  // For the smoke test of unoptimised builds.
#endif
  options.num_threads = static_cast<int>(state.range(0));
  const char* const temporary = std::getenv("TEST_TMPDIR");
  const std::string dir =
      std::string(temporary != nullptr ? temporary : "/tmp") +
      "/synthetic_benchmark";
  const bool compose = state.range(1) != 0;
  int64_t images = 0;
  if (!compose) CHECK(ComposeDataset(options, dir).ok());
  for (auto _ : state) {
    if (compose) {
      state.PauseTiming();
      std::filesystem::remove_all(dir);
      state.ResumeTiming();
    }
    const absl::StatusOr<SyntheticDataset> data = ComposeDataset(options, dir);
    CHECK(data.ok()) << data.status();
    images += data->num_train + data->num_val + data->num_test;
  }
  state.SetItemsProcessed(images);
  std::filesystem::remove_all(dir);
}
BENCHMARK(BM_ComposeDataset)
    ->ArgNames({"threads", "compose"})
    ->Args({2, 1})
    ->Args({2, 0})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace wsol

BENCHMARK_MAIN();
