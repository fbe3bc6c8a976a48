// What the evaluators note about an image beside its map and ground truth.
//
//   wsol::ImageInfo info;
//   info.id = record.id;
//   info.label = record.label;
//   info.size = wsol::ObjectSizeOf(box.Area(), int64_t{width} * height);

#ifndef WSOL_METRICS_IMAGE_INFO_H_
#define WSOL_METRICS_IMAGE_INFO_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace wsol {

// Objects by their share of the image. The limits are thirds of the side: an
// object is small if it would fit into a square of less than a third of the
// image's side, that is if area < 1/9 of the image, large from two thirds on,
// area >= 4/9. (COCO's limits, 32^2 and 96^2 pixels, are for small objects in
// large photographs; in localization data nearly all are "large" there.)
enum class ObjectSize { kSmall, kMedium, kLarge };

inline constexpr std::array<ObjectSize, 3> kObjectSizes = {
    ObjectSize::kSmall, ObjectSize::kMedium, ObjectSize::kLarge};

// "small", "medium" or "large".
absl::string_view ObjectSizeName(ObjectSize size);

// Of an object of `object_area` pixels in an image of `image_area` pixels:
// that of the largest true box, or of all foreground pixels of a mask. Exact,
// in integers; areas below 2^59.
ObjectSize ObjectSizeOf(int64_t object_area, int64_t image_area);

struct ImageInfo {
  // Named in errors and, where images are kept, the key of an image.
  std::string id;
  // The true class; -1 if unknown.
  int label = -1;
  // Position of the true class in the classifier's ranking, 0 for the first.
  std::optional<int> true_class_rank;
  ObjectSize size = ObjectSize::kMedium;
};

// Equality of all members.
bool operator==(const ImageInfo& a, const ImageInfo& b);

}  // namespace wsol

#endif  // WSOL_METRICS_IMAGE_INFO_H_
