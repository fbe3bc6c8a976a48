// A limit to what a parser may allocate, so that a small hostile file cannot
// ask for much memory.
//
//   MemoryBudget budget(MemoryBudget::ForFile(bytes.size()));
//   VISION_RETURN_IF_ERROR(budget.Take(sizeof(Node)));

#ifndef VISION_WEIGHTS_MEMORY_BUDGET_H_
#define VISION_WEIGHTS_MEMORY_BUDGET_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace vision {

class MemoryBudget {
 public:
  explicit MemoryBudget(int64_t limit_bytes) : limit_(limit_bytes) {}

  // As much as the file holds, and half a mebibyte for small ones: entries of
  // tiny tensors take more to describe than to store.
  static int64_t ForFile(uint64_t file_bytes) {
    constexpr int64_t kBase = int64_t{512} << 10;
    return kBase + static_cast<int64_t>(file_bytes);
  }

  // kResourceExhausted once the sum of all calls is above the limit. `bytes`
  // must not be negative.
  absl::Status Take(int64_t bytes) {
    if (bytes > limit_ - used_) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "its description of tensors takes more than ", limit_,
          " bytes of memory, which is more than the file's size allows"));
    }
    used_ += bytes;
    return absl::OkStatus();
  }

  int64_t used() const { return used_; }

 private:
  int64_t limit_;
  int64_t used_ = 0;
};

}  // namespace vision

#endif  // VISION_WEIGHTS_MEMORY_BUDGET_H_
