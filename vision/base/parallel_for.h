// A loop over independent items on several threads.

#ifndef VISION_BASE_PARALLEL_FOR_H_
#define VISION_BASE_PARALLEL_FOR_H_

#include <cstdint>

#include "absl/functional/function_ref.h"

namespace vision {

// Calls body(i) once for each i in [0, count), on up to `num_threads` threads
// (at least one; the caller's is one of them), and returns when all are done.
// Items are handed out in order, one by one; their results must not depend on
// which thread runs them. An exception of `body` is rethrown here after all
// threads have stopped; the items not yet begun are then skipped.
//
// It touches neither OpenMP's nor LibTorch's thread settings. Starting a thread
// costs some 20 microseconds: not for loops shorter than that.
void ParallelFor(int64_t count, int num_threads,
                 absl::FunctionRef<void(int64_t)> body);

}  // namespace vision

#endif  // VISION_BASE_PARALLEL_FOR_H_
