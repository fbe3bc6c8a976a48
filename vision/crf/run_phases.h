// Threads that go through the steps of one computation together.

#ifndef VISION_CRF_RUN_PHASES_H_
#define VISION_CRF_RUN_PHASES_H_

#include <cstdint>
#include <functional>

#include "absl/types/span.h"

namespace vision {

// A loop over independent items.
struct Phase {
  int64_t count;
  // Must not throw. `worker` is below the number of threads; a worker runs one
  // item at a time.
  std::function<void(int64_t item, int worker)> body;
};

// Runs body(item, worker) of each phase for all its items, on up to
// `num_threads` threads (at least one; the caller's is one of them); a phase
// begins when the one before it is done. Results must not depend on which
// worker runs an item.
//
// Against a ParallelFor() for each phase it starts its threads once: phases may
// be as short as a few microseconds, between which threads wait busily.
void RunPhases(absl::Span<const Phase> phases, int num_threads);

}  // namespace vision

#endif  // VISION_CRF_RUN_PHASES_H_
