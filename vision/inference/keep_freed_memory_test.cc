#include "vision/inference/keep_freed_memory.h"

#include <sys/resource.h>

#include <cstddef>
#include <memory>

#include "gtest/gtest.h"

namespace vision {
namespace {

long PageFaults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

// Touches each page of a new block, as a forward pass does.
void UseBlock() {
  constexpr size_t kSize = 64 << 20;
  const std::unique_ptr<char[]> block(new char[kSize]);
  for (size_t i = 0; i < kSize; i += 4096) {
    static_cast<volatile char*>(block.get())[i] = 1;
  }
}

TEST(KeepFreedMemoryTest, TheNextBlockNeedsNoNewPages) {
  if (!KeepFreedMemory()) GTEST_SKIP() << "malloc is not glibc's";
  UseBlock();
  const long before = PageFaults();
  UseBlock();
  // 16384 pages if they were fresh.
  EXPECT_LT(PageFaults() - before, 1000);
}

}  // namespace
}  // namespace vision
