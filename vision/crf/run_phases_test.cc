#include "vision/crf/run_phases.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace vision {
namespace {

TEST(RunPhasesTest, RunsEachItemOnceAfterThePhaseBefore) {
  for (const int num_threads : {-1, 1, 2, 5, 16}) {
    std::vector<int> first(100, 0);
    std::vector<int> second(7, 0);
    std::vector<int> third(100, 0);
    std::atomic<int> largest_worker{0};
    const Phase phases[] = {
        {100,
         [&](int64_t i, int worker) {
           ++first[i];
           int seen = largest_worker.load();
           while (worker > seen &&
                  !largest_worker.compare_exchange_weak(seen, worker)) {
           }
         }},
        {0, [&](int64_t, int) { ADD_FAILURE(); }},
        // Reads what other threads wrote before.
        {7,
         [&](int64_t i, int) {
           for (const int value : first) second[i] += value;
         }},
        {100,
         [&](int64_t i, int) {
           for (const int value : second) third[i] += value;
         }},
    };
    RunPhases(phases, num_threads);
    EXPECT_EQ(second, std::vector<int>(7, 100));
    EXPECT_EQ(third, std::vector<int>(100, 700));
    EXPECT_LT(largest_worker.load(), num_threads < 1 ? 1 : num_threads);
  }
}

TEST(RunPhasesTest, AWorkerRunsOneItemAtATime) {
  std::vector<std::atomic<int>> busy(4);
  const Phase phase = {1000, [&](int64_t, int worker) {
                         const size_t w = static_cast<size_t>(worker);
                         EXPECT_EQ(busy[w].fetch_add(1), 0);
                         busy[w].fetch_sub(1);
                       }};
  RunPhases({&phase, 1}, 4);
}

TEST(RunPhasesTest, TakesNoPhases) { RunPhases({}, 4); }

}  // namespace
}  // namespace vision
