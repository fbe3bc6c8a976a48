#include "vision/base/parallel_for.h"

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "gtest/gtest.h"

namespace vision {
namespace {

TEST(ParallelForTest, CallsEachItemOnceForAnyThreadCount) {
  for (const int threads : {-1, 0, 1, 2, 8}) {
    std::vector<int> calls(1000, 0);
    ParallelFor(1000, threads, [&](int64_t i) { ++calls[i]; });
    EXPECT_EQ(calls, std::vector<int>(1000, 1)) << threads << " threads";
  }
}

TEST(ParallelForTest, DoesNothingForAnEmptyRange) {
  ParallelFor(0, 4, [](int64_t) { FAIL(); });
}

TEST(ParallelForTest, RethrowsAnExceptionAfterAllThreadsStopped) {
  std::atomic<int> running{0};
  EXPECT_THROW(ParallelFor(100, 4,
                           [&](int64_t i) {
                             ++running;
                             if (i == 10) {
                               --running;
                               throw std::runtime_error("item 10");
                             }
                             --running;
                           }),
               std::runtime_error);
  EXPECT_EQ(running, 0);
}

}  // namespace
}  // namespace vision
