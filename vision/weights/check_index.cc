#include "vision/weights/check_index.h"

#include <cstddef>
#include <set>
#include <string>

#include "glog/logging.h"
#include "vision/weights/dtype.h"

namespace vision {

void CheckIndex(const absl::StatusOr<CheckpointIndex>& index,
                uint64_t file_size) {
  if (!index.ok()) {
    CHECK(!index.status().message().empty());
    return;
  }
  std::set<std::string> names;
  for (const TensorEntry& tensor : index->tensors) {
    CHECK(names.insert(tensor.name).second);
    CHECK_EQ(tensor.shape.size(), tensor.strides.size());
    CHECK_GE(tensor.offset, 0);
    CHECK_GE(tensor.span_bytes, 0);
    CHECK_LE(static_cast<uint64_t>(tensor.offset), file_size);
    CHECK_LE(static_cast<uint64_t>(tensor.span_bytes),
             file_size - static_cast<uint64_t>(tensor.offset));
    if (tensor.numel() == 0) continue;
    int64_t last = 0;
    for (size_t i = 0; i < tensor.shape.size(); ++i) {
      CHECK_GE(tensor.shape[i], 1);
      CHECK_GE(tensor.strides[i], 0);
      last += (tensor.shape[i] - 1) * tensor.strides[i];
    }
    CHECK_EQ((last + 1) * GetDTypeInfo(tensor.dtype).item_size,
             tensor.span_bytes);
  }
}

}  // namespace vision
