// Runs a fixed number of damaged inputs through a fuzz target, the same ones
// each time, and limits what it may allocate.

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"
#include "vision/weights/fuzz_target.h"
#include "vision/weights/little_endian.h"

namespace {

// Bytes that operator new has given out, and the most since the last reset.
std::atomic<int64_t> live_bytes{0};
std::atomic<int64_t> peak_bytes{0};

void* Allocate(size_t size) {
  void* pointer = std::malloc(size);
  if (pointer == nullptr) std::abort();
  const int64_t live = live_bytes +=
      static_cast<int64_t>(malloc_usable_size(pointer));
  if (live > peak_bytes) peak_bytes = live;
  return pointer;
}

void Free(void* pointer) {
  if (pointer == nullptr) return;
  live_bytes -= static_cast<int64_t>(malloc_usable_size(pointer));
  std::free(pointer);
}

}  // namespace

void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void operator delete(void* pointer) noexcept { Free(pointer); }
void operator delete[](void* pointer) noexcept { Free(pointer); }
void operator delete(void* pointer, size_t) noexcept { Free(pointer); }
void operator delete[](void* pointer, size_t) noexcept { Free(pointer); }

namespace vision {
namespace {

using ::testing::IsOk;

std::string ReadSeed(absl::string_view name) {
  const auto text = ReadFile(::testing::TestDataPath(
      absl::StrCat("vision/weights/testdata/", name, ".b64")));
  EXPECT_THAT(text, IsOk());
  std::string bytes;
  EXPECT_TRUE(absl::Base64Unescape(*text, &bytes));
  return bytes;
}

size_t Below(Rng& rng, size_t limit) {
  return static_cast<size_t>(rng.UniformInt(limit));
}

// One of the numbers at which arithmetic goes wrong.
uint64_t OddNumber(Rng& rng, size_t file_size) {
  const uint64_t numbers[] = {0,          1,
                              0x7f,       0xff,
                              0x7fff,     0xffff,
                              1u << 31,   0xffffffff,
                              file_size,  uint64_t{1} << 40,
                              1ull << 62, ~uint64_t{0} >> 1,
                              1ull << 63, ~uint64_t{0}};
  return numbers[Below(rng, sizeof(numbers) / sizeof(numbers[0]))];
}

void Mutate(Rng& rng, std::string& bytes) {
  if (bytes.empty()) return;
  const size_t at = Below(rng, bytes.size());
  switch (Below(rng, 6)) {
    case 0:  // A bit.
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << Below(rng, 8)));
      break;
    case 1:  // A byte.
      bytes[at] = static_cast<char>(Below(rng, 256));
      break;
    case 2: {  // A number of 1 to 8 bytes.
      std::string number;
      AppendLittleEndian(OddNumber(rng, bytes.size()),
                         size_t{1} << Below(rng, 4), number);
      bytes.replace(at, number.size(), number);
      break;
    }
    case 3:  // The end is missing.
      bytes.resize(at);
      break;
    case 4:  // Something is missing.
      bytes.erase(at, 1 + Below(rng, 16));
      break;
    default: {  // Something is there again.
      const size_t from = Below(rng, bytes.size());
      bytes.insert(at, bytes.substr(from, 1 + Below(rng, 64)));
      break;
    }
  }
}

TEST(MutationTest, DamagedInputsNeitherCrashNorAllocateMuch) {
  constexpr int kInputsPerSeed = 4000;
  const std::vector<std::string> seeds = FuzzSeeds(ReadSeed);
  ASSERT_FALSE(seeds.empty());
  for (size_t seed = 0; seed < seeds.size(); ++seed) {
    for (int i = 0; i < kInputsPerSeed; ++i) {
      Rng rng(seed, {static_cast<uint64_t>(i)});
      std::string bytes = seeds[seed];
      const size_t num_mutations = 1 + Below(rng, 4);
      for (size_t j = 0; j < num_mutations; ++j) Mutate(rng, bytes);
      // Of this size exactly, so that AddressSanitizer sees a byte too many.
      const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
      const int64_t before = live_bytes;
      peak_bytes = before;
      LLVMFuzzerTestOneInput(exact.data(), exact.size());
      // Twice what MemoryBudget::ForFile() allows, since vectors double.
      const auto limit = static_cast<int64_t>(2 * bytes.size() + (1u << 20));
      ASSERT_LE(peak_bytes - before, limit)
          << "seed " << seed << ", input " << i;
      ASSERT_EQ(live_bytes, before) << "seed " << seed << ", input " << i;
    }
  }
}

}  // namespace
}  // namespace vision
