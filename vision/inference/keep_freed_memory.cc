#include "vision/inference/keep_freed_memory.h"

#include <climits>
#include <cstdlib>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace vision {

bool KeepFreedMemory() {
#if defined(__GLIBC__)
  // No blocks of their own mapping, and a heap that shrinks only when 2 GB of
  // its end are free and grows by 128 MB.
  return mallopt(M_MMAP_MAX, 0) == 1 &&
         mallopt(M_TRIM_THRESHOLD, INT_MAX) == 1 &&
         mallopt(M_TOP_PAD, 128 << 20) == 1;
#else
  return false;
#endif
}

}  // namespace vision
