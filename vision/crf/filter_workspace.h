// Memory that filters work in, kept from one call to the next.
//
//   FilterWorkspace workspace;  // One for each thread.
//   for (const Image& image : images) {
//     ...
//     filter->Apply(maps, channels, filtered, &workspace);
//   }
//
// A filter needs some megabytes at a time. Fresh from the system, their first
// use costs about as much as filtering does; from a workspace they are warm.

#ifndef VISION_CRF_FILTER_WORKSPACE_H_
#define VISION_CRF_FILTER_WORKSPACE_H_

#include <cstddef>
#include <vector>

#include "hwy/aligned_allocator.h"

namespace vision {

// Numbered arrays of floats that only grow. One call may use it at a time.
class FilterWorkspace {
 public:
  FilterWorkspace() = default;
  FilterWorkspace(const FilterWorkspace&) = delete;
  FilterWorkspace& operator=(const FilterWorkspace&) = delete;

  // The array number `slot`, of `size` floats or more, aligned to vectors. What
  // it holds is undefined. Pointers to other slots stay valid.
  float* Get(size_t slot, size_t size);

  // Memory held.
  size_t bytes() const;

 private:
  struct Array {
    hwy::AlignedFreeUniquePtr<float[]> data;
    size_t size = 0;
  };
  std::vector<Array> arrays_;
};

}  // namespace vision

#endif  // VISION_CRF_FILTER_WORKSPACE_H_
