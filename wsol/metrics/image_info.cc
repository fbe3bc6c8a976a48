#include "wsol/metrics/image_info.h"

#include "glog/logging.h"

namespace wsol {

absl::string_view ObjectSizeName(ObjectSize size) {
  switch (size) {
    case ObjectSize::kSmall:
      return "small";
    case ObjectSize::kMedium:
      return "medium";
    case ObjectSize::kLarge:
      return "large";
  }
  LOG(FATAL) << "Not an object size: " << static_cast<int>(size);
}

ObjectSize ObjectSizeOf(int64_t object_area, int64_t image_area) {
  if (9 * object_area < image_area) return ObjectSize::kSmall;
  return 9 * object_area < 4 * image_area ? ObjectSize::kMedium
                                          : ObjectSize::kLarge;
}

bool operator==(const ImageInfo& a, const ImageInfo& b) {
  return a.id == b.id && a.label == b.label &&
         a.true_class_rank == b.true_class_rank && a.size == b.size;
}

}  // namespace wsol
