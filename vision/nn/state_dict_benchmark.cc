// Reading 100 MB of weights: time, and memory beside the file's size.
//
//   bazel run -c opt //vision/nn:state_dict_benchmark
//
// peak/size is how much the process's resident memory grew at most, over the
// size of the file. It is measured in a child process, once before the timed
// runs, since memory that was touched once does not tell afterwards.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "ATen/ATen.h"
#include "ATen/Parallel.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "benchmark/benchmark.h"
#include "glog/logging.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"
#include "vision/weights/tensor_entry.h"

namespace vision {
namespace {

constexpr int kNumTensors = 50;
constexpr int64_t kNumElements = 500'000;

StateDict MakeDict() {
  StateDict dict;
  for (int i = 0; i < kNumTensors; ++i) {
    dict.insert(absl::StrCat("layer", i, ".weight"),
                at::full({kNumElements}, 1.f + static_cast<float>(i)));
  }
  return dict;
}

// Written once for all runs, and removed at the end.
std::string FilePath(CheckpointFormat format) {
  static std::string* const folder = [] {
    const char* base = std::getenv("TEST_TMPDIR");
    std::string name = JoinPath(
        base == nullptr ? std::filesystem::temp_directory_path().string()
                        : base,
        "state_dict_benchmark.XXXXXX");
    CHECK(mkdtemp(name.data()) != nullptr);
    auto* const result = new std::string(name);
    std::atexit([] {
      std::remove(FilePath(CheckpointFormat::kTorchZip).c_str());
      std::remove(FilePath(CheckpointFormat::kSafetensors).c_str());
      rmdir(folder->c_str());
    });
    return result;
  }();
  return JoinPath(*folder, format == CheckpointFormat::kTorchZip
                               ? "weights.pt"
                               : "weights.safetensors");
}

std::string WrittenFile(CheckpointFormat format) {
  // Threads of OpenMP do not survive fork().
  at::set_num_threads(1);
  std::string path = FilePath(format);
  if (!FileExists(path)) {
    const absl::Status status = SaveStateDict(path, MakeDict(), format);
    CHECK(status.ok()) << status;
  }
  return path;
}

// A value of the process's status in bytes: "VmHWM" is the largest resident
// size so far, "VmRSS" the present one.
int64_t StatusBytes(absl::string_view name) {
  const auto text = ReadFile("/proc/self/status");
  CHECK(text.ok()) << text.status();
  const size_t at = text->find(absl::StrCat(name, ":"));
  CHECK_NE(at, std::string::npos);
  return std::atoll(text->c_str() + at + name.size() + 1) * 1024;
}

// How much `body` makes the resident size grow at most, in a child process,
// which keeps its result until then.
double PeakOver(double size, const std::function<StateDict()>& body) {
  int ends[2];
  CHECK_EQ(pipe(ends), 0);
  const pid_t child = fork();
  CHECK_GE(child, 0);
  if (child == 0) {
    const int64_t before = StatusBytes("VmRSS");
    const StateDict result = body();
    // The system updates the first of both late.
    const int64_t grown =
        std::max(StatusBytes("VmHWM"), StatusBytes("VmRSS")) - before;
    CHECK_EQ(write(ends[1], &grown, sizeof(grown)),
             static_cast<ssize_t>(sizeof(grown)));
    _exit(0);
  }
  int64_t grown = 0;
  CHECK_EQ(read(ends[0], &grown, sizeof(grown)),
           static_cast<ssize_t>(sizeof(grown)));
  close(ends[0]);
  close(ends[1]);
  CHECK_EQ(waitpid(child, nullptr, 0), child);
  return static_cast<double>(grown) / size;
}

StateDict Read(const std::string& path, bool verify) {
  ReadStateDictOptions options;
  options.checkpoint.verify_checksums = verify;
  auto dict = ReadStateDict(path, options);
  CHECK(dict.ok()) << dict.status();
  return *std::move(dict);
}

// Touches every value.
double Sum(const StateDict& dict) {
  double sum = 0;
  for (const auto& item : dict) sum += item.value().sum().item<double>();
  return sum;
}

void BM_ReadAndUse(benchmark::State& state, CheckpointFormat format,
                   bool verify) {
  const std::string path = WrittenFile(format);
  const double size = 4.0 * kNumTensors * kNumElements;
  const double peak = PeakOver(size, [&] {
    StateDict dict = Read(path, verify);
    CHECK_GT(Sum(dict), 0);
    return dict;
  });
  for (auto _ : state) {
    benchmark::DoNotOptimize(Sum(Read(path, verify)));
  }
  state.counters["peak/size"] = peak;
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(size));
}

void BM_Read(benchmark::State& state, CheckpointFormat format, bool verify) {
  const std::string path = WrittenFile(format);
  const double size = 4.0 * kNumTensors * kNumElements;
  const double peak = PeakOver(size, [&] { return Read(path, verify); });
  for (auto _ : state) {
    benchmark::DoNotOptimize(Read(path, verify));
  }
  state.counters["peak/size"] = peak;
}

// With and without a checksum over all bytes.
BENCHMARK_CAPTURE(BM_ReadAndUse, zip, CheckpointFormat::kTorchZip, true)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_ReadAndUse, zip_unchecked, CheckpointFormat::kTorchZip,
                  false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_ReadAndUse, safetensors, CheckpointFormat::kSafetensors,
                  true)
    ->Unit(benchmark::kMillisecond);
// Without touching the values: what it costs to find them.
BENCHMARK_CAPTURE(BM_Read, zip_unchecked, CheckpointFormat::kTorchZip, false)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Read, safetensors, CheckpointFormat::kSafetensors, true)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vision

BENCHMARK_MAIN();
