#include "vision/crf/run_phases.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/types/span.h"

namespace vision {

void RunPhases(absl::Span<const Phase> phases, int num_threads) {
  int64_t largest = 0;
  for (const Phase& phase : phases) largest = std::max(largest, phase.count);
  const int threads =
      static_cast<int>(std::min<int64_t>(std::max(num_threads, 1), largest));
  if (threads <= 1) {
    for (const Phase& phase : phases) {
      for (int64_t i = 0; i < phase.count; ++i) phase.body(i, 0);
    }
    return;
  }

  std::vector<std::atomic<int64_t>> next(phases.size());
  std::vector<std::atomic<int>> done(phases.size());
  for (size_t p = 0; p < phases.size(); ++p) {
    next[p].store(0, std::memory_order_relaxed);
    done[p].store(0, std::memory_order_relaxed);
  }
  const auto work = [&](int worker) {
    for (size_t p = 0; p < phases.size(); ++p) {
      for (int64_t i = next[p].fetch_add(1); i < phases[p].count;
           i = next[p].fetch_add(1)) {
        phases[p].body(i, worker);
      }
      done[p].fetch_add(1);
      // Phases are short. Where there are more threads than processors, the
      // processor is left to the others.
      constexpr int kSpins = 2000;
      for (int spins = 0; done[p].load() < threads; ++spins) {
        if (spins >= kSpins) std::this_thread::yield();
      }
    }
  };
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(work, t);
  work(0);
  for (std::thread& other : others) other.join();
}

}  // namespace vision
