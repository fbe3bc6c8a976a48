#include "vision/base/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace vision {

void ParallelFor(int64_t count, int num_threads,
                 absl::FunctionRef<void(int64_t)> body) {
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr first_exception;
  const auto work = [&] {
    try {
      for (int64_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
        body(i);
      }
    } catch (...) {
      next.store(count);
      std::lock_guard<std::mutex> lock(mutex);
      if (!first_exception) first_exception = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  const int64_t extra_threads = std::min<int64_t>(num_threads, count) - 1;
  for (int64_t t = 0; t < extra_threads; ++t) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  if (first_exception) std::rethrow_exception(first_exception);
}

}  // namespace vision
