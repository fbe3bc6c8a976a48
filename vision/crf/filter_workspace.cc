#include "vision/crf/filter_workspace.h"

#include <cstddef>

#include "hwy/aligned_allocator.h"

namespace vision {

float* FilterWorkspace::Get(size_t slot, size_t size) {
  if (slot >= arrays_.size()) arrays_.resize(slot + 1);
  Array& array = arrays_[slot];
  if (size > array.size) {
    array.data.reset();  // Not both at a time.
    array.data = hwy::AllocateAligned<float>(size);
    array.size = size;
  }
  return array.data.get();
}

size_t FilterWorkspace::bytes() const {
  size_t floats = 0;
  for (const Array& array : arrays_) floats += array.size;
  return floats * sizeof(float);
}

}  // namespace vision
